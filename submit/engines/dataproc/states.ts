import type { EngineStatus } from "../engine.ts";
import type { Batch, Job } from "./service.ts";

/** How work stands. */
export interface Standing {
  state: EngineStatus["state"];
  /** What the service says about it. */
  message: string;
  /** Prefix of the objects that hold what the driver printed. */
  outputUri: string;
}

const batchStates: Record<string, EngineStatus["state"]> = {
  PENDING: "pending",
  RUNNING: "running",
  CANCELLING: "running",
  CANCELLED: "cancelled",
  SUCCEEDED: "succeeded",
  FAILED: "failed",
};

const jobStates: Record<string, EngineStatus["state"]> = {
  PENDING: "pending",
  SETUP_DONE: "pending",
  RUNNING: "running",
  ATTEMPT_FAILURE: "running",
  CANCEL_PENDING: "running",
  CANCEL_STARTED: "running",
  CANCELLED: "cancelled",
  DONE: "succeeded",
  ERROR: "failed",
};

export function standingOfBatch({ state, stateMessage, runtimeInfo }: Batch): Standing {
  return { state: batchStates[String(state)] ?? "pending", message: stateMessage ?? "", outputUri: runtimeInfo?.outputUri ?? "" };
}

export function standingOfJob({ status, driverOutputResourceUri }: Job): Standing {
  return { state: jobStates[String(status?.state)] ?? "pending", message: status?.details ?? "", outputUri: driverOutputResourceUri ?? "" };
}

export function isOver({ state }: { state: EngineStatus["state"] }): boolean {
  return state !== "pending" && state !== "running";
}
