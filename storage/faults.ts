import type { Random } from "../core/clock.ts";
import { StoreError, type ObjectStore, type StoreErrorCode } from "./store.ts";
import { wrapCalls, type StoreOperation } from "./wrap.ts";

export type Fault =
  /** The call does nothing and fails. */
  | { kind: "before"; code?: StoreErrorCode; retryAfterMs?: number; httpStatus?: number }
  /** The call does its work, and its answer is lost. */
  | { kind: "after" }
  /** No answer until the signal aborts. */
  | { kind: "stall" }
  /** What a read returns is cut off, or has one bit flipped; its info is that of the true object. */
  | { kind: "truncate" }
  | { kind: "flip" };

export interface Call {
  op: StoreOperation;
  name: string;
  /** Counts the calls to this store from 1; each page of a listing is one. */
  index: number;
}

export type FaultPlan = (call: Call) => Fault | undefined;

/** Fails the nth call and no other. */
export function nthFault(n: number, fault: Fault): FaultPlan {
  return ({ index }) => (index === n ? fault : undefined);
}

/** Each call fails with the given probability; the seed decides which and how. */
export function seededFaults(random: Random, rate: number, faults: readonly Fault[]): FaultPlan {
  return () => {
    const hit = random.next() < rate;
    const choice = Math.floor(random.next() * faults.length);
    return hit ? faults[choice] : undefined;
  };
}

/** Makes calls fail as the plan says, so that what is above can be tested. `calls` counts them. */
export function withFaults(inner: ObjectStore, plan: FaultPlan): { store: ObjectStore; calls: () => number } {
  let count = 0;
  const store = wrapCalls(inner, async ({ op, name, signal }, act) => {
    count += 1;
    const fault = plan({ op, name, index: count });
    if (fault === undefined) return act();
    if (fault.kind === "stall") return stalled(signal);
    if (fault.kind === "before") {
      const { code = "UNAVAILABLE", kind, ...details } = fault;
      throw new StoreError(code, `injected ${kind} ${op} of ${name}`, details);
    }
    const result = await act();
    if (fault.kind === "after") throw new StoreError("UNAVAILABLE", `injected: the answer to ${op} of ${name} is lost`);
    return op === "read" ? (damaged(result as ReadResult, fault.kind) as typeof result) : result;
  });
  return { store, calls: () => count };
}

async function stalled(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal!.reason as Error);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

type ReadResult = Awaited<ReturnType<ObjectStore["read"]>>;

function damaged({ info, bytes }: ReadResult, how: "truncate" | "flip"): ReadResult {
  if (how === "truncate") return { info, bytes: bytes.slice(0, Math.floor(bytes.length / 2)) };
  const flipped = bytes.slice();
  const middle = Math.floor(flipped.length / 2);
  if (flipped.length > 0) flipped[middle]! ^= 1;
  return { info, bytes: flipped };
}
