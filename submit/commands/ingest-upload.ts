import type { UploadReport, Refusal, Refused } from "../../ingest/upload.ts";
import type { NamePrefix } from "../../ingest/names.ts";
import { utcDate } from "../../core/clock.ts";
import { exitCodes, ImagemillError, usageError } from "../../core/errors.ts";
import { emptyCounts, type RunEvent } from "../../core/events.ts";
import { printable } from "../../core/names.ts";
import { isStoreError } from "../../storage/store.ts";
import { fitName, formatBytes, formatCount, formatDuration, formatMany, formatRate } from "../terminal/format.ts";
import { painter } from "../terminal/paint.ts";
import { configFlags, oneOf, runFlags, size, text, wholeNumber } from "./flags.ts";
import { ingestTarget } from "./ingest-target.ts";
import { openSession } from "./session.ts";
import { openStoreAt } from "./stores.ts";
import { defineVerb, type Shell } from "./verb.ts";

const defaultConcurrency = 32;
const mostBytes = 256 * 2 ** 20;

/** What is no image stays behind without making the upload a failure: every folder of photographs has some. */
const harmless = new Set<string>(["empty", "not_an_image", "unsupported_format"] satisfies Refusal[]);

export const ingestUploadVerb = defineVerb({
  command: "ingest upload <dir>",
  summary: "A folder of images into the bucket; again = what is missing",
  group: "Bring in",
  positionals: { dir: { type: "string", demandOption: true, describe: "The folder; its names become the objects' names" } },
  flags: {
    to: text("to", "Where to: gs://bucket/prefix or a folder [default: the source of the configuration]"),
    prefix: oneOf("prefix", "What goes in front of the names [default: none]", ["none", "date", "hash"]),
    "run-date": { ...runFlags["run-date"], group: "Flags:", describe: "The date of --prefix date [default: today, UTC]" },
    concurrency: wholeNumber("concurrency", `Files at once [default: ${defaultConcurrency}]`),
    "max-bytes": size("max-bytes", "Larger files are refused [default: limits.maxObjectBytes of the configuration]"),
    "any-file": { type: "boolean", describe: "Also what is no image that imagemill reads" },
    config: configFlags.config,
    set: configFlags.set,
    json: configFlags.json,
    "log-level": configFlags["log-level"],
  },
  examples: [
    ["ingest upload ~/Pictures --to gs://photos-in", "uploads what is not there yet"],
    ["ingest upload camera --to gs://photos-in --prefix date", "under today's date"],
  ],
  run: async (args, shell) => {
    const { countFolder, uploadFolder } = await import("../../ingest/upload.ts");
    using session = await openSession(args, shell, { source: false, phase: "listing" });
    const { config, screen, log } = session;
    const target = await ingestTarget(args.to, config, shell.cwd);
    const folder = await folderOf(args.dir, target, shell.cwd);
    await using stores = new AsyncDisposableStack();
    const [from, to] = [await openStoreAt(folder, config, shell, log), await openStoreAt(target, config, shell, log)];
    for (const store of [from, to]) stores.defer(async () => store.close());

    const startedMs = shell.clock.monotonicMs();
    const onListing = (objects: number, bytes: number): void => screen.event({ type: "listing", objects, bytes });
    const total = await countFolder(from, shell.signal, onListing).catch((error: unknown) => {
      throw isStoreError(error, "NOT_FOUND") ? folderMissing(from.url, error) : error;
    });
    const json = args.json ?? false;
    const refusedLines = refusedTeller(shell, (line) => screen.line(line));
    const report = await uploadFolder({
      from,
      to,
      prefix: prefixOf(args.prefix ?? "none", args["run-date"], shell),
      concurrency: args.concurrency ?? defaultConcurrency,
      mostBytes,
      maxObjectBytes: args["max-bytes"] ?? config.policy.limits.maxObjectBytes,
      anyFile: args["any-file"] ?? false,
      signal: shell.signal,
      onProgress: (now) => screen.event(progressOf(now, total)),
      onRefused: json ? (refused) => shell.out(JSON.stringify({ refused })) : refusedLines.tell,
    });
    screen[Symbol.dispose]();
    refusedLines.end();
    const wallMs = shell.clock.monotonicMs() - startedMs;
    if (json) shell.out(JSON.stringify({ from: from.url, to: to.url, ...report, wallMs: Math.round(wallMs) }));
    else for (const line of reportLines(report, to.url, wallMs)) shell.out(line);
    return badlyRefused(report) > 0 ? exitCodes.failed : exitCodes.done;
  },
});

async function folderOf(dir: string, target: string, cwd: string): Promise<string> {
  const { locationsOverlap, storeLocation } = await import("../../configs/locations.ts");
  const folder = storeLocation(dir, cwd);
  if (locationsOverlap(folder, target)) {
    throw usageError(`${folder} and ${target} overlap`, "Upload to a bucket, or to a folder that is neither in the other.");
  }
  return folder;
}

function folderMissing(url: string, cause: unknown): ImagemillError {
  const hint = "Check the path: the folder to upload comes first, like imagemill ingest upload ~/Pictures --to gs://photos-in";
  return new ImagemillError("SOURCE_MISSING", `there is no folder ${url}`, { exitCode: exitCodes.precondition, hint, cause });
}

function prefixOf(kind: NamePrefix["kind"], date: string | undefined, shell: Shell): NamePrefix {
  if (kind !== "date") return { kind };
  return { kind, date: date ?? utcDate(shell.clock.now()) };
}

function progressOf(now: UploadReport, total: { objects: number; bytes: number }): RunEvent {
  const done = { ...emptyCounts(), objects: now.files, ok: now.uploaded, bytesIn: now.bytes };
  return {
    type: "progress",
    phase: "uploading",
    done,
    // Files that came after the count belong to the whole, too.
    total: { objects: Math.max(total.objects, now.files), bytes: Math.max(total.bytes, now.bytes), shards: 0 },
    shards: { committed: 0, running: 0, waiting: 0, retried: 0, failed: 0 },
  };
}

const mostRefusedLines = 20;

/** Says the first refused files one by one and how many more there were. */
function refusedTeller(shell: Shell, line: (text: string) => void): { tell(refused: Refused): void; end(): void } {
  let told = 0;
  return {
    tell: ({ name, reason, message }) => {
      told += 1;
      if (told > mostRefusedLines) return;
      line(painter(shell.surface)("yellow", `refused ${fitName(name, 80)}: ${reason}, ${printable(message)}`));
    },
    end: () => {
      if (told > mostRefusedLines) line(`and ${formatMany(told - mostRefusedLines, "refused file")} more: --json names them all`);
    },
  };
}

function badlyRefused({ refused }: UploadReport): number {
  return Object.entries(refused).reduce((sum, [reason, count]) => sum + (harmless.has(reason) ? 0 : count), 0);
}

function reportLines({ files, uploaded, uploadedBytes, present, refused }: UploadReport, to: string, wallMs: number): string[] {
  const rate = uploaded > 0 && wallMs > 0 ? `, ${formatRate(uploaded / (wallMs / 1000))} files/s` : "";
  const reasons = Object.entries(refused).map(([reason, count]) => `${formatCount(count)} ${reason}`);
  return [
    `uploaded ${formatMany(uploaded, "file")} (${formatBytes(uploadedBytes)}) of ${formatCount(files)} to ${to} in ${formatDuration(wallMs)}${rate}`,
    ...(present === 0 ? [] : [`  there already, with equal content: ${formatCount(present)}`]),
    ...(reasons.length === 0 ? [] : [`  refused: ${reasons.join(", ")}`]),
  ];
}
