import { createHash } from "node:crypto";
import { messageOf } from "../core/errors.ts";
import { decodeFailure, emptyFailure, headerFailure, headerRefusal, told, type Failure } from "./classify.ts";
import { boxKey, decodePixels, differentBoxes, fromPixels, fromSource, type Box, type DecodeRequest, type Pixels } from "./decode.ts";
import { readHeader, type SourceHeader } from "./header.ts";
import type { Facts, ImageHeader, JobImage, JobOutput, JobResult } from "./job.ts";
import type { LoadedJob } from "./load.ts";

export interface ProcessInput {
  name: string;
  bytes: Uint8Array;
  jobs: LoadedJob[];
  maxPixels: number;
  timeoutMs: number;
}

export interface ImageResult {
  /** Hex. */
  sha256: string;
  /** Without the EXIF block: it is private, and the row has what it needs of it. */
  header?: ImageHeader;
  facts: Facts;
  outputs: (JobOutput & { job: string })[];
  warnings: string[];
  failure?: Failure;
}

/** Ends the work on one image with what its row will say. */
class Quarantine extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/**
 * What a thread does to one image: digest, header, the one decode, the jobs. Never rejects because of what the image
 * or a job is: that becomes `failure`. Outputs own their memory, see `transferList`.
 */
export async function processImage(input: ProcessInput): Promise<ImageResult> {
  const result: ImageResult = {
    sha256: createHash("sha256").update(input.bytes).digest("hex"),
    facts: {},
    outputs: [],
    warnings: [],
  };
  try {
    await fill(result, input);
  } catch (error) {
    result.facts = {};
    result.outputs = [];
    result.failure = error instanceof Quarantine ? error.failure : { reason: "job_error", message: told(messageOf(error)) };
  }
  return result;
}

/** What may be moved, not copied, to another thread. */
export function transferList(result: ImageResult): ArrayBuffer[] {
  return result.outputs.map((output) => output.bytes.buffer as ArrayBuffer);
}

async function fill(result: ImageResult, input: ProcessInput): Promise<void> {
  if (input.bytes.byteLength === 0) throw new Quarantine(emptyFailure);
  const deadline = performance.now() + input.timeoutMs;
  const source = await readHeaderOf(input.bytes);
  const { exif: _, ...header } = source.header;
  result.header = header;
  const refusal = headerRefusal(source.header, source.compression, input.maxPixels);
  if (refusal !== undefined) throw new Quarantine(refusal);
  const done = await runJobs(input, source, () => deadline - performance.now(), result.warnings);
  for (const { job, outcome } of done) {
    Object.assign(result.facts, outcome.facts);
    result.warnings.push(...(outcome.warnings ?? []));
    for (const output of outcome.outputs ?? []) result.outputs.push({ ...output, bytes: owned(output.bytes), job });
  }
}

async function readHeaderOf(bytes: Uint8Array): Promise<SourceHeader> {
  try {
    return await readHeader(bytes);
  } catch (error) {
    throw new Quarantine(headerFailure(bytes, messageOf(error)));
  }
}

interface Done {
  job: string;
  outcome: JobResult;
}

/**
 * Where all jobs ask for one size, its pipeline starts at the encoded bytes, and whatever goes wrong in it is looked at
 * again the slow way: decode first, then run the jobs on the pixels, which tells a bad image from a bad job.
 */
async function runJobs(input: ProcessInput, source: SourceHeader, remainingMs: () => number, warnings: string[]): Promise<Done[]> {
  const { bytes, maxPixels } = input;
  const boxes = differentBoxes(input.jobs.flatMap(({ name, job, params }) => needsOf(name, () => job.needs(source.header, params).pixels)));
  const request = (failOn: DecodeRequest["failOn"]): DecodeRequest => ({ bytes, source, maxPixels, timeoutMs: remainingMs(), failOn });
  if (boxes.length <= 1) {
    try {
      return await runEach(input, source, boxes, (box) => fromSource(request("warning"), box));
    } catch (error) {
      if (boxes.length === 0) throw error;
    }
  }
  const pixels = await decodeOrQuarantine(source.header, request, boxes, warnings);
  return runEach(input, source, boxes, (box) => fromPixels(pixels, box));
}

async function runEach(input: ProcessInput, source: SourceHeader, boxes: Box[], open: JobImage["pixels"]): Promise<Done[]> {
  const declared = new Set(boxes.map(boxKey));
  const image: JobImage = {
    name: input.name,
    header: source.header,
    bytes: input.bytes,
    pixels: (box) => {
      if (!declared.has(boxKey(box))) throw new Error(`it asked for pixels (${boxKey(box)}) that its needs() did not declare`);
      return open(box);
    },
  };
  const done: Done[] = [];
  for (const { name, job, params } of input.jobs) {
    try {
      done.push({ job: name, outcome: await job.run(image, params) });
    } catch (error) {
      throw new Quarantine({ reason: "job_error", message: `job ${name}: ${told(messageOf(error))}` });
    }
  }
  return done;
}

function needsOf(job: string, needs: () => Box[] | undefined): Box[] {
  try {
    return needs() ?? [];
  } catch (error) {
    throw new Quarantine({ reason: "job_error", message: `job ${job}: ${told(messageOf(error))}` });
  }
}

async function decodeOrQuarantine(
  header: ImageHeader,
  request: (failOn: DecodeRequest["failOn"]) => DecodeRequest,
  boxes: Box[],
  warnings: string[],
): Promise<Pixels> {
  try {
    return await decodePixels(request("warning"), boxes);
  } catch (strict) {
    const message = messageOf(strict);
    try {
      const pixels = await decodePixels(request("truncated"), boxes);
      warnings.push(`decoded leniently: ${told(message)}`);
      return pixels;
    } catch {
      throw new Quarantine(decodeFailure(header, message));
    }
  }
}

/** A Buffer may share its memory with others, and moving it to another thread would take theirs away. */
function owned(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) || bytes.byteLength !== bytes.buffer.byteLength || !(bytes.buffer instanceof ArrayBuffer)
    ? new Uint8Array(bytes)
    : bytes;
}
