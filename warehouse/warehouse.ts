import type { ObjectStore } from "../storage/store.ts";
import type { StoredFile } from "../core/types.ts";
import type { RunRow } from "../core/rows.ts";

export interface SchemaChange {
  /** `create table images`, `add column images.fingerprint`, `replace view run_summary`, … */
  what: string;
  /** False for a difference that is not additive: reported, never applied. */
  applicable: boolean;
}

export interface LoadRequest {
  runId: string;
  runDate: string;
  /** Derived from the seal alone; attempt k of it is `<loadId>_r<k>`. */
  loadId: string;
  /** Rows files of table `images`, in the order of the seal. */
  files: StoredFile[];
  /** Where the files are. */
  store: ObjectStore;
  /** Sum of the rows in the files. */
  rows: number;
}

export interface LoadResult {
  /** Ids under which the rows went in; empty when they were there already. */
  loadIds: string[];
  rows: number;
  /** True when an earlier driver's load (or its rows) was found and taken as ours. */
  adopted: boolean;
}

export type QueryValue = string | number | boolean | null | QueryValue[] | { [column: string]: QueryValue };
export type QueryRow = Record<string, QueryValue>;

/**
 * The tables `images` and `runs` and the views on them.
 *
 * The contract, which `test/contracts/warehouse.ts` holds every implementation to:
 * - `load` makes rows(run) go from 0 to N in one atomic step, once, however often and from however many places it is
 *   called with the same request. It counts first: N = adopt, 0 = insert, anything else = LOAD_INCONSISTENT, deleting
 *   nothing. It checks each file's size and crc32c, and the loaded count against `rows`.
 * - A file that does not parse fails the load as a whole with LOAD_REJECTED, naming file and line.
 * - `ensure` only adds (tables, nullable columns, views). Where something is not applicable it changes nothing and
 *   reports only that.
 * - `putRun` makes exactly one row of `runs` for the run id, replacing an earlier one.
 * - `query` gives numbers for integers within 2^53 and strings beyond; dates and timestamps as ISO text.
 * - Waiting for another process's lock is bounded: WAREHOUSE_BUSY after `lockTimeoutMs`.
 */
export interface Warehouse {
  readonly url: string;
  readonly dialect: "duckdb" | "bigquery";
  /** What `ensure` would do. */
  difference(signal?: AbortSignal): Promise<SchemaChange[]>;
  ensure(signal?: AbortSignal): Promise<SchemaChange[]>;
  /** Where the dataset is, e.g. `EU`; absent for a database of this machine, undefined before there is a dataset. */
  location?(signal?: AbortSignal): Promise<string | undefined>;
  countRows(runId: string, runDate: string, signal?: AbortSignal): Promise<number>;
  load(request: LoadRequest, signal?: AbortSignal): Promise<LoadResult>;
  putRun(row: RunRow, signal?: AbortSignal): Promise<void>;
  /** `sql` names tables and views bare; `@name` binds a parameter. */
  query(sql: string, parameters?: Record<string, string | number>, signal?: AbortSignal): Promise<QueryRow[]>;
  close(): Promise<void>;
}
