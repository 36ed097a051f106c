import type { Place } from "./service.ts";

/** What was submitted: plain JSON, good on any machine. */
export type DataprocHandle =
  | (Place & { mode: "serverless"; runId: string; batchId: string })
  | (Place & { mode: "cluster" | "ephemeral"; runId: string; jobId: string; cluster: string });

export type BatchHandle = Extract<DataprocHandle, { mode: "serverless" }>;
export type JobHandle = Exclude<DataprocHandle, { mode: "serverless" }>;
