import { accessSync, constants, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import type { Machine } from "./sizing.ts";

/** Text of a file; undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

/** Looks at affinity, cgroup limits (v2 and v1) and memory; on other systems than Linux at what Node knows. */
export function readMachine(read: ReadText = readText): Machine {
  const { cpuQuota, memoryBytes } = cgroupLimits(read);
  return {
    cpus: allowedCpus(read),
    cpuQuota,
    memoryBytes: Math.min(memoryBytes, availableBytes(read)),
    canPin: process.platform === "linux" && hasCommand("taskset"),
  };
}

/** Threads for a worker that has this process's whole allowance. */
export function threadsHere(read: ReadText = readText): number {
  const { cpus, cpuQuota } = readMachine(read);
  return Math.max(1, Math.min(cpus.length, Math.ceil(cpuQuota)));
}

function allowedCpus(read: ReadText): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(read("/proc/self/status") ?? "")?.[1];
  return list === undefined ? Array.from({ length: availableParallelism() }, (_, cpu) => cpu) : parseCpuList(list);
}

/** `0-3,8` */
export function parseCpuList(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [first = 0, last = first] = part.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

function availableBytes(read: ReadText): number {
  const kib = /^MemAvailable:\s*(\d+) kB/m.exec(read("/proc/meminfo") ?? "")?.[1];
  return kib === undefined ? totalmem() : Number(kib) * 1024;
}

interface CgroupLimits {
  cpuQuota: number;
  memoryBytes: number;
}

/** The tightest limit from our own group up to the root. Inside a container the root of the mount is our group. */
function cgroupLimits(read: ReadText): CgroupLimits {
  const limits: CgroupLimits = { cpuQuota: Infinity, memoryBytes: Infinity };
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const group of ancestorsOf(path)) tighten(limits, controllers === "" ? v2Limits(read, group) : v1Limits(read, controllers, group));
  }
  return limits;
}

function ancestorsOf(path: string): string[] {
  const segments = path.split("/").filter(Boolean);
  return Array.from({ length: segments.length + 1 }, (_, depth) => segments.slice(0, depth).join("/"));
}

function tighten(limits: CgroupLimits, found: Partial<CgroupLimits>): void {
  limits.cpuQuota = Math.min(limits.cpuQuota, found.cpuQuota ?? Infinity);
  limits.memoryBytes = Math.min(limits.memoryBytes, found.memoryBytes ?? Infinity);
}

function v2Limits(read: ReadText, group: string): Partial<CgroupLimits> {
  const folder = join("/sys/fs/cgroup", group);
  const [quota, period] = (read(join(folder, "cpu.max")) ?? "max").trim().split(" ");
  return {
    ...(quota !== "max" && { cpuQuota: Number(quota) / Number(period) }),
    ...freeMemory(read(join(folder, "memory.max")), read(join(folder, "memory.current")), cacheOf(read(join(folder, "memory.stat")))),
  };
}

function v1Limits(read: ReadText, controllers: string, group: string): Partial<CgroupLimits> {
  if (controllers === "memory") {
    const folder = join("/sys/fs/cgroup/memory", group);
    const used = read(join(folder, "memory.usage_in_bytes"));
    return freeMemory(read(join(folder, "memory.limit_in_bytes")), used, cacheOf(read(join(folder, "memory.stat"))));
  }
  if (!controllers.split(",").includes("cpu")) return {};
  const folder = join("/sys/fs/cgroup", controllers, group);
  const quota = Number(read(join(folder, "cpu.cfs_quota_us")) ?? -1);
  const period = Number(read(join(folder, "cpu.cfs_period_us")) ?? 0);
  return quota > 0 && period > 0 ? { cpuQuota: quota / period } : {};
}

/** Page cache counts as used and is given back when needed. */
function freeMemory(limit: string | undefined, used: string | undefined, cacheBytes: number): Partial<CgroupLimits> {
  const limitBytes = Number(limit?.trim() ?? NaN);
  // v1 writes "no limit" as a number near 2^63.
  if (!Number.isFinite(limitBytes) || limitBytes > 2 ** 60) return {};
  return { memoryBytes: Math.max(0, limitBytes - Number(used?.trim() ?? 0) + cacheBytes) };
}

function cacheOf(stat: string | undefined): number {
  return Number(/^(?:total_)?inactive_file (\d+)$/m.exec(stat ?? "")?.[1] ?? 0);
}

function hasCommand(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder.
      return false;
    }
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // No such file, or not ours to read: no limit that we could know of.
    return undefined;
  }
}
