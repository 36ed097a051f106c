import type { ImageResult } from "../../jobs/process.ts";
import { codeOf, exitCodes, messageOf, usageError } from "../../core/errors.ts";
import { printable } from "../../core/names.ts";
import { formatBytes, formatDuration } from "../terminal/format.ts";
import { painter } from "../terminal/paint.ts";
import { configFlags, text } from "./flags.ts";
import { openSession } from "./session.ts";
import { defineVerb, type Shell } from "./verb.ts";

interface WrittenOutput {
  job: string;
  variant: string;
  file: string;
  bytes: number;
  width?: number;
  height?: number;
}

/** The job is a positional here. */
const { job: _, ...flagsBesideJob } = configFlags;

export const tryVerb = defineVerb({
  command: "try <job> <image>",
  summary: "One image through one job, here and now",
  group: "Look",
  positionals: {
    job: { type: "string", demandOption: true, describe: "NAME, NAME:{json}, or the path of a job's module" },
    image: { type: "string", demandOption: true, describe: "The file of an image" },
  },
  flags: { out: text("out", "Folder for what the job makes [default: out/try]"), ...flagsBesideJob },
  examples: [["try 'thumbnails:{\"sizes\":[128]}' photo.jpg", "what the job makes of the image, and how long it takes"]],
  run: async (args, shell) => {
    using session = await openSession({ ...args, job: [args.job], jobPlace: "<job>" }, shell, { source: false, phase: "trying" });
    const [{ resolveJobs }, { loadJobs }, { processImage }] = await Promise.all([
      import("../../jobs/resolve.ts"),
      import("../../jobs/load.ts"),
      import("../../jobs/process.ts"),
    ]);
    const { limits } = session.config.policy;
    const jobs = await loadJobs(await resolveJobs(session.config.jobs, shell.cwd));
    const bytes = await readImage(args.image, shell.cwd);
    const startedMs = shell.clock.monotonicMs();
    const result = await processImage({ name: args.image, bytes, jobs, maxPixels: limits.maxPixels, timeoutMs: limits.imageTimeoutMs });
    const tookMs = shell.clock.monotonicMs() - startedMs;
    const outputs = await writeOutputs(result, args.image, args.out ?? "out/try", shell.cwd);
    session.screen[Symbol.dispose]();
    if (args.json ?? false) shell.out(JSON.stringify(summaryOf(result, outputs, bytes.length, tookMs)));
    else for (const line of linesOf(result, outputs, bytes.length, tookMs, shell)) shell.out(line);
    return result.failure === undefined ? exitCodes.done : exitCodes.failed;
  },
});

async function readImage(image: string, cwd: string): Promise<Uint8Array> {
  const [{ readFile }, { resolve }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  try {
    return await readFile(resolve(cwd, image));
  } catch (error) {
    const code = codeOf(error);
    const why = code === "ENOENT" ? "there is no such file" : code === "EISDIR" ? "it is a folder" : messageOf(error);
    throw usageError(`the image ${printable(image)} cannot be read: ${why}`, "imagemill try thumbnails path/to/photo.jpg");
  }
}

async function writeOutputs(result: ImageResult, image: string, folder: string, cwd: string): Promise<WrittenOutput[]> {
  const [{ mkdir, writeFile }, { basename, join, resolve }, { extensionOf }] = await Promise.all([
    import("node:fs/promises"),
    import("node:path"),
    import("../../jobs/formats.ts"),
  ]);
  const written: WrittenOutput[] = [];
  for (const { job, variant, bytes, format, width, height } of result.outputs) {
    const file = join(resolve(cwd, folder), `${basename(image)}.${job}-${variant}.${extensionOf(format)}`);
    await mkdir(resolve(cwd, folder), { recursive: true });
    await writeFile(file, bytes);
    written.push({
      job,
      variant,
      file,
      bytes: bytes.length,
      ...(width !== undefined && { width }),
      ...(height !== undefined && { height }),
    });
  }
  return written;
}

function summaryOf(result: ImageResult, outputs: WrittenOutput[], sizeBytes: number, ms: number): Record<string, unknown> {
  const { sha256, header, facts, warnings, failure } = result;
  return { outcome: failure === undefined ? "ok" : "quarantined", ...failure, sizeBytes, sha256, header, facts, warnings, outputs, ms };
}

function linesOf(result: ImageResult, outputs: WrittenOutput[], sizeBytes: number, ms: number, shell: Shell): string[] {
  const paint = painter(shell);
  const { header, facts, warnings, failure } = result;
  const verdict =
    failure === undefined ? paint("green", "ok") : `${paint("red", `quarantined: ${failure.reason}`)}: ${printable(failure.message)}`;
  const image =
    header === undefined
      ? ""
      : `, ${header.format} ${header.width} x ${header.height}, ${header.colorSpace}, orientation ${header.orientation}`;
  return [
    `${verdict} in ${formatDuration(ms)}`,
    `  image    ${formatBytes(sizeBytes)}${image}`,
    ...Object.entries(facts).map(([name, value]) => `  fact     ${name}: ${printable(String(value))}`),
    ...warnings.map((warning) => `  warning  ${printable(warning)}`),
    ...outputs.map(
      ({ file, bytes, width, height }) => `  output   ${printable(file)}  ${width ?? "?"} x ${height ?? "?"}, ${formatBytes(bytes)}`,
    ),
  ];
}
