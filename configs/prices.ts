import { z } from "zod";
import type { PricesConfig } from "./config.ts";
import { day, duration } from "./fields.ts";

const price = (what: string) => {
  const error = "must be a price: a number from 0";
  return z.number({ error }).min(0, { error }).exactOptional().describe(what);
};

export const prices = z.strictObject({
  currency: z
    .string({ error: "must be a currency like USD or EUR" })
    .regex(/^[A-Z]{3}$/, { error: "must be a currency like USD or EUR" })
    .default("USD")
    .describe("Currency of all of them; a label."),
  vcpuHour: price("A vCPU of a machine for an hour."),
  memoryGibHour: price("A GiB of a machine's memory for an hour."),
  spotVcpuHour: price("The same of a spot machine: a vCPU for an hour."),
  spotMemoryGibHour: price("The same of a spot machine: a GiB for an hour."),
  dataprocVcpuHour: price("Fee of a Dataproc cluster (Managed Service for Apache Spark) a vCPU and hour, over the price of its machines."),
  dcuHour: price("A compute unit (DCU) of serverless Spark for an hour; 0.6 a vCPU, 0.1 a GiB up to 8 GiB a vCPU, 0.2 a GiB beyond."),
  shuffleGibMonth: price("A GiB of serverless Spark's shuffle storage for a month."),
  localHour: price("This machine for an hour, for the engine `local`."),
  minimumBilledMs: duration(1, "60s", day, "24h").prefault("60s").describe("What lived for less is billed for this long."),
}) satisfies z.ZodType<PricesConfig>;
