import type { PricesConfig } from "../configs/config.ts";
import type { Fleet } from "./fleet.ts";
import { simulate, type Weighed } from "./makespan.ts";
import { priceOf } from "./price.ts";

export interface Prediction {
  /** From the submission to the last worker's end. */
  wallMs: number;
  /** Sum over workers of the time that they hold a shard. */
  busyMs: number;
  /** In `prices.currency`; null where a price or the machines are not known. */
  cost: number | null;
}

/** What a run of these shards, longest first, takes on a fleet, and what it costs. */
export function predict(shards: readonly Weighed[], fleet: Fleet, prices: PricesConfig): Prediction {
  const { wallMs, busyMs } = simulate(shards, fleet);
  return { wallMs, busyMs, cost: priceOf(fleet, wallMs, prices) };
}
