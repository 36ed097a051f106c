import type { Commit, LoadRecord, Plan, RunState, Seal, SubmitRecord } from "../core/types.ts";
import { gateOf } from "./seal.ts";
import type { DoneRecord } from "./done.ts";

/** `runs/<runId>/accepted.json`: a person let a run pass that has more quarantined objects than the gate allows. */
export interface AcceptedRecord {
  format: 1;
  runId: string;
  planId: string;
  quarantined: number;
  objects: number;
  acceptedAt: string;
}

/** `runs/<runId>/cancel.json`: stop now, and do not continue it unasked. Running the run again takes it back. */
export interface CancelRecord {
  format: 1;
  runId: string;
  requestedAt: string;
}

/** Everything the control store holds about one run, rows aside. */
export interface RunRecords {
  runId: string;
  plan: Plan | undefined;
  submit: SubmitRecord | undefined;
  cancel: CancelRecord | undefined;
  accepted: AcceptedRecord | undefined;
  seal: Seal | undefined;
  load: LoadRecord | undefined;
  done: DoneRecord | undefined;
  /** By shard; also those that the plan does not know. */
  commits: ReadonlyMap<string, Commit>;
}

/** Each state includes all before it; `gated` is `committed` with a closed gate. */
export function stateOf(records: RunRecords): RunState {
  if (records.plan === undefined) return "absent";
  if (records.done !== undefined) return "done";
  if (records.load !== undefined) return "loaded";
  if (records.seal !== undefined) return "sealed";
  const gate = gateOf(records.plan, records.commits);
  if (gate.missing.length === 0) return gate.exceeded && records.accepted === undefined ? "gated" : "committed";
  return records.commits.size > 0 || records.submit !== undefined ? "running" : "planned";
}

/**
 * What a person can do about a run in this state: one command. `live`: somebody works on it; `again`: the command that
 * continues its work.
 */
export function nextCommand(runId: string, state: RunState, how: { live: boolean; again: string }): string {
  if (how.live && state !== "done" && state !== "gated") return `imagemill status ${runId} --watch`;
  const commands: Record<RunState, string> = {
    absent: "imagemill run",
    planned: how.again,
    running: how.again,
    gated: `imagemill finish ${runId} --accept-quarantined`,
    committed: `imagemill finish ${runId}`,
    sealed: `imagemill finish ${runId}`,
    loaded: `imagemill finish ${runId}`,
    done: `imagemill report ${runId}`,
  };
  return commands[state];
}
