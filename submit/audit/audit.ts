import type { Commit, Plan } from "../../core/types.ts";
import type { ObjectStore } from "../../storage/store.ts";
import type { Driver } from "../driver.ts";
import type { RunRecords } from "../state.ts";
import type { Findings } from "./findings.ts";

/** What each part of an audit works on, and adds to. */
export interface Audit {
  driver: Driver;
  signal: AbortSignal;
  plan: Plan;
  records: RunRecords;
  /** By shard id. */
  commits: Commit[];
  control: ObjectStore;
  archive: ObjectStore;
  findings: Findings;
  /** What was looked at. */
  checked: { shards: number; rows: number; outputs: number; warehouseRows: number };
  expiredOutputs: number;
}
