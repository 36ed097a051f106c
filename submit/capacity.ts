import { offerOf, shardsOf, smallestOffer, type Offer, type Wish } from "../capacity/offers.ts";
import type { Weighed } from "../capacity/makespan.ts";
import { utcDate } from "../core/clock.ts";
import { predictWork } from "../partitioner/cost.ts";
import { readCostModel } from "../partitioner/cost-store.ts";
import { shardStartMs } from "./engines/spark/fleet.ts";
import { previewFor, requestOf } from "./planning.ts";
import { cancelled } from "./stop.ts";
import type { Driver, RunOptions } from "./driver.ts";

export interface CapacityWish extends Pick<Wish, "shape" | "startMs"> {
  /** So many JPEGs of `imageBytes`; absent: what the source holds. */
  objects?: number;
  imageBytes: number;
  /** Milliseconds; absent: a table of sizes. */
  byMs?: number;
}

export interface Capacity {
  objects: number;
  shards: number;
  /** Predicted work of one core, start-up excluded. */
  workMs: number;
  longestShardMs: number;
  currency: string;
  /** Fewest machines first; empty where no number of machines ends by then. */
  offers: Offer[];
}

const tabled = [1, 2, 4, 8, 16, 32, 64];

/** Machines x kind x deadline -> time and price, by simulation of the shards that a run would have. */
export async function capacityOf(driver: Driver, options: RunOptions, wish: CapacityWish): Promise<Capacity> {
  const { objects, shards } = await workOf(driver, options, wish).catch((error: unknown) => {
    throw driver.host.signal.aborted ? cancelled() : error;
  });
  const { prices } = driver.config;
  const how: Wish = { shape: wish.shape, startMs: wish.startMs, shardStartMs, prices };
  const smallest = wish.byMs === undefined ? undefined : smallestOffer(shards, wish.byMs, how);
  return {
    objects,
    shards: shards.length,
    workMs: Math.round(shards.reduce((sum, { predictedMs }) => sum + predictedMs, 0)),
    longestShardMs: Math.round(shards.reduce((longest, { predictedMs }) => Math.max(longest, predictedMs), 0)),
    currency: prices.currency,
    offers: wish.byMs === undefined ? tabled.map((count) => offerOf(shards, count, how)) : smallest === undefined ? [] : [smallest],
  };
}

async function workOf(driver: Driver, options: RunOptions, wish: CapacityWish): Promise<{ objects: number; shards: readonly Weighed[] }> {
  const { signal, clock } = driver.host;
  const { policy } = driver.config;
  if (wish.objects === undefined) {
    const request = await requestOf(driver, options);
    const { plan } = await previewFor(driver, { request, runDate: options.runDate ?? utcDate(clock.now()) }, signal);
    return { objects: plan.shards.reduce((sum, shard) => sum + shard.objects, 0), shards: plan.shards };
  }
  const model = await readCostModel(driver.control, await driver.jobs(), signal);
  const image = { name: "image.jpg", generation: "1", sizeBytes: wish.imageBytes };
  const each = { predictedMs: predictWork(image, model, policy.limits), sizeBytes: wish.imageBytes };
  return { objects: wish.objects, shards: shardsOf(wish.objects, each, policy.packing) };
}
