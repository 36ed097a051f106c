import { canonicalJson } from "../../core/digest.ts";
import { commitViolations, gateOf, sealDigest, sealOf } from "../seal.ts";
import type { Audit } from "./audit.ts";

/** Commits are the plan's, the seal says exactly what they say, and the load is the seal's. */
export function auditSeal({ plan, records, commits, findings }: Audit): void {
  const byShard = new Map(commits.map((commit) => [commit.shard, commit]));
  for (const { code, message } of commitViolations(plan, records.commits)) findings.add(code, message);
  const { seal, load, accepted } = records;
  if (seal === undefined) {
    if (load !== undefined) findings.add("LOAD_UNSEALED", "load.json is there, seal.json is not");
    return;
  }
  const gate = gateOf(plan, byShard);
  if (gate.missing.length > 0) findings.add("SEAL_INCOMPLETE", `the run is sealed, but ${gate.missing.length} shards have no commit`);
  if (canonicalJson(seal) !== canonicalJson(sealOf(plan, byShard, gate))) {
    findings.add("SEAL_DIFFERS", "seal.json does not say what plan and commits say");
  }
  if (gate.exceeded && accepted === undefined)
    findings.add("GATE_PASSED", "the gate was closed and nobody accepted it, yet the run is sealed");
  if (load === undefined) return;
  if (load.sealDigest !== sealDigest(seal)) findings.add("LOAD_OTHER_SEAL", "load.json was made from another seal");
  if (load.rows !== seal.load.rows) findings.add("LOAD_COUNT", `load.json counts ${load.rows} rows, the seal ${seal.load.rows}`);
}
