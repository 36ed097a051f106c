import { z } from "zod";
import type { ComputeEngineConfig } from "../config.ts";
import { auto, day, duration, flag, oneOf, text, whole } from "../fields.ts";

const matching = (what: string, pattern: RegExp) => text(what).regex(pattern, { error: `must be ${what}` });

/** Keys and values as Compute Engine allows them; `goog…` is Google's own. */
const labels = () => {
  const error = "must map names to texts of lower-case letters, digits, - and _, 63 at most; names start with a letter, not with goog";
  return z
    .record(z.string().regex(/^(?!goog)[a-z][a-z0-9_-]{0,62}$/, { error }), z.string().regex(/^[a-z0-9_-]{0,63}$/, { error }), { error })
    .default({});
};

export const compute = z.strictObject({
  region: matching("a region like europe-west4", /^[a-z]+-[a-z]+\d+$/)
    .exactOptional()
    .describe("Where Batch runs the machines; take the buckets' region."),
  machineType: matching("a machine type like e2-standard-8", /^[a-z][a-z0-9]*(-[a-z0-9]+)+$/)
    .default("e2-standard-8")
    .describe("Kind of the machines."),
  provisioning: oneOf(["spot", "standard"])
    .default("spot")
    .describe("`spot` machines cost a fraction and may be taken away: their Batch tasks are tried again elsewhere."),
  maxMachines: whole(1, 2000).default(16).describe("Machines at once, at most; the plan decides how many are worth it."),
  targetDurationMs: duration(60_000, "30m", 7 * day, "7d")
    .prefault("30m")
    .describe("How long the work should take once machines are up: decides how many there are, up to `maxMachines`."),
  parallelism: auto(1, 5000).default("auto").describe("Batch tasks at once, at most; `auto` is what fits on the machines."),
  taskCpus: whole(1, 64).default(2).describe("Cores of one Batch task: the threads of its worker process."),
  attempts: whole(1, 11).default(6).describe("Attempts at a Batch task before it is given up; a machine taken away counts as one."),
  taskTimeoutMs: duration(60_000, "6h", 14 * day, "14d")
    .prefault("6h")
    .describe("Deadline of one attempt at a Batch task, which does several shards one after the other."),
  bootDiskGb: whole(10, 2000).default(30).describe("Size of a machine's disk in GB."),
  bootDiskType: oneOf(["pd-balanced", "pd-ssd", "pd-standard", "pd-extreme", "hyperdisk-balanced"])
    .default("pd-balanced")
    .describe("Type of a machine's disk; newer machine series take only `hyperdisk-balanced`."),
  network: text("a network").exactOptional().describe("Network of the machines: a name, or projects/…/global/networks/…"),
  subnetwork: text("a subnetwork").exactOptional().describe("Subnetwork of the machines: a name, or projects/…/regions/…/subnetworks/…"),
  noExternalIp: flag()
    .default(false)
    .describe("Machines without an address on the internet; their subnetwork then needs Private Google Access."),
  serviceAccount: matching("the e-mail address of a service account", /^[^@\s]+@[^@\s]+$/)
    .exactOptional()
    .describe("What the machines act as; default: the project's Compute Engine account."),
  allowedLocations: z
    .array(matching("zones/europe-west4-a or regions/europe-west4", /^(zones\/[a-z]+-[a-z]+\d+-[a-z]|regions\/[a-z]+-[a-z]+\d+)$/), {
      error: "must be a list like [zones/europe-west4-a]",
    })
    .default([])
    .describe("Zones of the region in which machines may be; empty: all."),
  image: text("a container image")
    .exactOptional()
    .describe("A container image with sh and `imagemill` on its path; without one, machines fetch the archive of `imagemill bundle`."),
  labels: labels().describe("Labels of the Batch job and its machines, beside ours."),
}) satisfies z.ZodType<ComputeEngineConfig>;
