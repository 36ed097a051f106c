import { messageOf } from "../../core/errors.ts";
import { readMachine } from "../../pool/machine.ts";
import { sizeMachine } from "../../pool/sizing.ts";
import type { Config } from "../../configs/config.ts";
import { formatBytes, formatMany } from "../terminal/format.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

const neededMajor = 24;

/** What runs here: Node, sharp and the libvips it carries, cores, memory, and what becomes of them. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  return [checkNode(), await checkSharp(), checkSizing(config)];
}

function checkSizing({ local, policy }: Config): Finding {
  const machine = readMachine();
  const { workerMemoryBytes } = policy.limits;
  const { processes, threadsPerProcess, pins, note } = sizeMachine(machine, { ...local, workerMemoryBytes });
  const quota = Number.isFinite(machine.cpuQuota) ? ` (${machine.cpuQuota} by cgroup)` : "";
  const offered = `${formatMany(machine.cpus.length, "core")}${quota}, ${formatBytes(machine.memoryBytes)} of memory`;
  const made = `${formatMany(processes, "worker")} of ${formatMany(threadsPerProcess, "thread")}${pins === undefined ? "" : ", each on its own core"}`;
  const text = `${offered}: ${made}`;
  return note === undefined
    ? ok("machine", text)
    : warn("machine", `${text}; ${note}`, "a lower limits.workerMemoryBytes lets more work at once");
}

function checkNode(): Finding {
  const version = process.versions.node;
  const text = `${version} on ${process.platform} ${process.arch}`;
  return Number(version.split(".")[0]) >= neededMajor
    ? ok("node", text)
    : fail("node", `${text}: ${neededMajor} is needed`, "npm ci brings one");
}

async function checkSharp(): Promise<Finding> {
  try {
    const { default: sharp } = await import("../../jobs/sharp.ts");
    const { data } = await sharp({ create: { width: 8, height: 8, channels: 3, background: "white" } })
      .jpeg()
      .toBuffer({ resolveWithObject: true });
    await sharp(data).resize(4).toBuffer();
    return ok("sharp", `${sharp.versions.sharp ?? ""} with libvips ${sharp.versions.vips}: encoded and decoded an image`);
  } catch (error) {
    return fail("sharp", messageOf(error), "npm ci; sharp needs its prebuilt package for this platform");
  }
}
