import type { PricesConfig } from "../configs/config.ts";
import type { PackingPolicy } from "../core/types.ts";
import { serverlessDiskBytes, serverlessDriver, type Billing, type Fleet, type Machines } from "./fleet.ts";
import { simulate, type Weighed } from "./makespan.ts";
import { priceOf } from "./price.ts";

/**
 * Who supplies machines: one's own or Batch's `machines`, without a fee; a managed Spark `cluster`, which has a master and
 * a fee; `serverless` Spark, which has a driver and its own unit of price.
 */
export const kinds = ["machines", "cluster", "serverless"] as const;
export type Kind = (typeof kinds)[number];

export interface Wish {
  shape: Omit<Machines, "count">;
  /** From the request until machines work. */
  startMs: number;
  /** Of every shard, beside its images. */
  shardStartMs: number;
  prices: PricesConfig;
}

export interface Offer {
  /** Machines that work, one worker of one thread a vCPU. */
  count: number;
  workers: number;
  wallMs: number;
  /** By kind, in `prices.currency`; null without prices. */
  costs: Record<Kind, number | null>;
}

const maxMachines = 100_000;

/** What a run of these shards, longest first, takes on `count` machines. */
export function offerOf(shards: readonly Weighed[], count: number, wish: Wish): Offer {
  const workers = count * wish.shape.vcpus;
  const { wallMs } = simulate(shards, { workers, threads: 1, startMs: wish.startMs, shardStartMs: wish.shardStartMs });
  const costs = kinds.map((kind) => [kind, priceOf(billedFor(kind, count, wish), wallMs, wish.prices)] as const);
  return { count, workers, wallMs, costs: Object.fromEntries(costs) as Offer["costs"] };
}

/** The fewest machines that end within `byMs`; undefined where no number does: start-up and the longest shard take longer. */
export function smallestOffer(shards: readonly Weighed[], byMs: number, wish: Wish): Offer | undefined {
  let [tooFew, enough] = [0, Math.min(maxMachines, Math.max(1, Math.ceil(shards.length / wish.shape.vcpus)))];
  if (offerOf(shards, enough, wish).wallMs > byMs) return undefined;
  while (enough - tooFew > 1) {
    const half = Math.floor((tooFew + enough) / 2);
    if (offerOf(shards, half, wish).wallMs > byMs) tooFew = half;
    else enough = half;
  }
  return offerOf(shards, enough, wish);
}

const billing: Record<Kind, Billing> = { machines: "machines", cluster: "managed", serverless: "dcus" };

function billedFor(kind: Kind, count: number, { shape }: Wish): Pick<Fleet, "billing" | "machines" | "shuffleBytes"> {
  const extra: Record<Kind, Machines[]> = {
    machines: [],
    cluster: [{ ...shape, count: 1, spot: false }],
    serverless: [serverlessDriver],
  };
  const machines = [{ ...shape, count }, ...extra[kind]];
  return { billing: billing[kind], machines, shuffleBytes: kind === "serverless" ? serverlessDiskBytes(machines) : 0 };
}

/** Shards as the packer would cut so many equal objects. */
export function shardsOf(objects: number, each: { predictedMs: number; sizeBytes: number }, packing: PackingPolicy): Weighed[] {
  if (objects === 0) return [];
  const totalMs = objects * each.predictedMs;
  const wanted = Math.max(
    packing.minShards,
    totalMs / (packing.shardSeconds * 1000),
    objects / packing.maxShardObjects,
    (objects * each.sizeBytes) / packing.maxShardBytes,
  );
  const count = Math.min(objects, Math.ceil(wanted));
  return Array.from({ length: count }, () => ({ predictedMs: totalMs / count }));
}
