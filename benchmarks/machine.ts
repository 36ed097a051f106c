import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { promisify } from "node:util";
import sharp from "sharp";

/** What a figure was measured on: without it the figure says little. */
export interface MachineCard {
  date: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  sharp: string;
  libvips: string;
  /** Of the file system that holds the corpus and the outputs. */
  fileSystem: string;
  /** Before the first measurement; above 0.5 somebody else was at work. */
  loadBefore: number;
  /** Commit of imagemill. */
  commit: string;
}

export async function machineCard(folder: string): Promise<MachineCard> {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: await usableCores(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.versions.node,
    sharp: sharp.versions.sharp ?? "unknown",
    libvips: sharp.versions.vips,
    fileSystem: await said("stat", ["--file-system", "--format=%T", folder]),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    commit: await said("git", ["describe", "--always", "--dirty"]),
  };
}

/** A container may be given less than the cores it sees. */
async function usableCores(): Promise<number> {
  const limit = await readFile("/sys/fs/cgroup/cpu.max", "utf8").catch(() => "max");
  const [quota, period] = limit.trim().split(" ").map(Number);
  return quota !== undefined && period !== undefined && quota > 0
    ? Math.min(availableParallelism(), Math.ceil(quota / period))
    : availableParallelism();
}

async function said(program: string, args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(program, args, { cwd: import.meta.dirname })).stdout.trim();
  } catch {
    return "unknown";
  }
}

/** For the name of a file of results: `intel-xeon-platinum-2-cores`. */
export function machineSlug({ cpu, cores }: MachineCard): string {
  const words = cpu
    .toLowerCase()
    .replace(/\(r\)|\(tm\)|cpu|processor|@.*$/g, " ")
    .match(/[a-z0-9]+/g) ?? ["machine"];
  return [...words.slice(0, 5), String(cores), cores === 1 ? "core" : "cores"].join("-");
}
