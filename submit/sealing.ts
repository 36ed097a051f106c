import { canonicalJson } from "../core/digest.ts";
import { exitCodes, ImagemillError } from "../core/errors.ts";
import { archiveNames, controlNames } from "../core/layout.ts";
import { inParallel } from "../core/parallel.ts";
import type { Commit, Plan, Seal, StoredFile } from "../core/types.ts";
import { createOrReadJson } from "../storage/objects.ts";
import { isStoreError, type ObjectStore } from "../storage/store.ts";
import { gateOf, sealOf, type Gate } from "./seal.ts";
import type { Driver } from "./driver.ts";
import type { Problem } from "./summary.ts";

const copiesInFlight = 16;

/** Why the run cannot be sealed; undefined when it can. */
export function gateProblem(plan: Plan, gate: Gate, accepted: boolean): { problem: Problem; exitCode: number } | undefined {
  if (gate.violations.length > 0) return { problem: violated(plan, gate), exitCode: exitCodes.failed };
  if (gate.missing.length > 0) return { problem: incomplete(plan, gate), exitCode: exitCodes.gate };
  return gate.exceeded && !accepted ? { problem: tooManyQuarantined(plan, gate), exitCode: exitCodes.gate } : undefined;
}

function violated(plan: Plan, gate: Gate): Problem {
  const [first] = gate.violations;
  return {
    code: first!.code,
    message: `run ${plan.runId} cannot be sealed: ${first!.message}`,
    hint: `\`imagemill verify ${plan.runId}\` lists everything that is wrong; \`--rerun ${plan.request.rerun + 1}\` starts over.`,
  };
}

function incomplete(plan: Plan, gate: Gate): Problem {
  return {
    code: "NOT_COMMITTED",
    message: `${gate.missing.length} of ${plan.shards.length} shards of ${plan.runId} have no commit`,
    hint: `\`imagemill status ${plan.runId}\` shows whether they are being worked on; \`imagemill run\` does them.`,
  };
}

function tooManyQuarantined(plan: Plan, gate: Gate): Problem {
  const { quarantined, objects } = gate.counts;
  return {
    code: "GATE_CLOSED",
    message: `${quarantined} of ${objects} objects are quarantined (${percent(gate.quarantinedRatio)}), more than the ${percent(plan.policy.gate.maxQuarantinedRatio)} that gate.maxQuarantinedRatio allows; nothing was loaded`,
    hint: `\`imagemill report ${plan.runId}\` shows why. To load all the same: imagemill finish ${plan.runId} --accept-quarantined`,
  };
}

function percent(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(3))} %`;
}

/** For an open gate. Puts what workers made for whole shards into the archive, then creates the seal or adopts an equal one. */
export async function sealRun(driver: Driver, plan: Plan, commits: ReadonlyMap<string, Commit>, signal: AbortSignal): Promise<Seal> {
  const archive = await driver.store(plan.stores.archive);
  const copies = commits.values().flatMap((commit) => copiesOf(plan, commit));
  await inParallel(copies, copiesInFlight, async ({ file, name }) => {
    await copyOnce(driver.control, file, archive, name, plan.policy.archive.durable, signal);
  });
  const wanted = sealOf(plan, commits, gateOf(plan, commits));
  const { value } = await createOrReadJson(driver.control, controlNames.seal(plan.runId), wanted, signal);
  if (canonicalJson(value) === canonicalJson(wanted)) return value;
  throw new ImagemillError("SEAL_DIFFERS", `${driver.control.uri(controlNames.seal(plan.runId))} does not say what plan and commits say`, {
    hint: `\`imagemill verify ${plan.runId}\` names what differs. Nothing was loaded.`,
  });
}

/** What the archive gets at seal of one shard: a copy of its rows, and what was made for the whole shard. */
export function copiesOf(plan: Plan, commit: Commit): { file: StoredFile; name: string }[] {
  return [
    { file: commit.rows, name: archiveNames.metadata(plan, commit.shard) },
    ...commit.shardOutputs.map(({ job, variant, file }) => ({
      file,
      name: archiveNames.shardOutput(plan, job, variant, commit.shard, extensionOf(file.name)),
    })),
  ];
}

function extensionOf(name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  return base.includes(".") ? base.slice(base.indexOf(".") + 1) : "";
}

/** Only one commit of a shard exists, so what is there under its name is this copy from an earlier try. */
async function copyOnce(
  control: ObjectStore,
  file: StoredFile,
  archive: ObjectStore,
  name: string,
  durable: boolean,
  signal: AbortSignal,
): Promise<void> {
  try {
    await archive.copy({ store: control, name: file.name, generation: file.generation }, name, { ifGeneration: "0", durable, signal });
  } catch (error) {
    if (!isStoreError(error, "PRECONDITION_FAILED")) throw error;
  }
}
