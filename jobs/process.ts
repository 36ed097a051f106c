import { createHash } from "node:crypto";
import { messageOf } from "../core/errors.ts";
import { checkResult } from "./check.ts";
import { emptyFailure, headerFailure, headerRefusal, isRead, isTimeout, timeoutFailure, told, type Failure } from "./classify.ts";
import { boxKey, differentBoxes, fromPixels, fromSource, isDirect, type Box, type DecodeInput } from "./decode.ts";
import { readHeader, type SourceHeader } from "./header.ts";
import type { Facts, ImageHeader, JobImage, JobOutput, JobResult } from "./job.ts";
import type { LoadedJob } from "./load.ts";
import { decodeOrSalvage } from "./salvage.ts";

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
  /** Failure or warnings follow from what libvips said, which other images of the same process may have disturbed. */
  hearsay?: true;
}

/** Ends the work on one image with what its row will say. */
class Quarantine extends Error {
  readonly failure: Failure;
  /** As of `ImageResult`. */
  readonly hearsay: boolean;
  constructor(failure: Failure, hearsay = false) {
    super(failure.message);
    this.failure = failure;
    this.hearsay = hearsay;
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
    result.outputs = [];
    result.failure = error instanceof Quarantine ? error.failure : { reason: "job_error", message: told(messageOf(error)) };
    if (error instanceof Quarantine && error.hearsay) result.hearsay = true;
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
  try {
    await work(result, input, source, deadline);
  } catch (error) {
    if (performance.now() < deadline) result.facts = await factsOfHeader(input, source.header);
    throw error;
  }
}

async function work(result: ImageResult, input: ProcessInput, source: SourceHeader, deadline: number): Promise<void> {
  const refusal = headerRefusal(source.header, source.compression, input.maxPixels);
  if (refusal !== undefined) throw new Quarantine(refusal);
  const decode: DecodeInput = { bytes: input.bytes, source, maxPixels: input.maxPixels, remainingMs: () => deadline - performance.now() };
  for (const { job, made } of await runJobs(input, decode, result)) {
    Object.assign(result.facts, made.facts);
    result.warnings.push(...made.warnings);
    for (const output of made.outputs) result.outputs.push({ ...output, bytes: owned(output.bytes), job });
  }
}

/**
 * Facts of an image that is to be quarantined, from the jobs that need no pixels: which camera made it is known even
 * where its pixels are not to be had. What such a job throws adds nothing to why the image is quarantined already.
 */
async function factsOfHeader(input: ProcessInput, header: ImageHeader): Promise<Facts> {
  const facts: Facts = {};
  const image: JobImage = { name: input.name, header, bytes: input.bytes, pixels: unreachable };
  for (const { job, params } of input.jobs) {
    try {
      if ((job.needs(header, params).pixels ?? []).length === 0) Object.assign(facts, checkResult(await job.run(image, params)).facts);
    } catch {
      continue;
    }
  }
  return facts;
}

async function readHeaderOf(bytes: Uint8Array): Promise<SourceHeader> {
  try {
    return await readHeader(bytes);
  } catch (error) {
    throw new Quarantine(headerFailure(bytes, messageOf(error)), isRead(bytes));
  }
}

interface Done {
  job: string;
  made: Required<JobResult>;
}

/**
 * Where one job asks for one box, its pipeline starts at the encoded bytes, and whatever goes wrong in it is looked at
 * again the slow way: decode first, then run the jobs on the pixels, which tells a bad image from a bad job.
 */
async function runJobs(input: ProcessInput, decode: DecodeInput, result: ImageResult): Promise<Done[]> {
  const boxes = input.jobs.flatMap((job) => differentBoxes(needsOf(job, decode.source.header)));
  if (boxes.length === 0) return runEach(input, decode, boxes, unreachable);
  if (boxes.length === 1 && isDirect(decode.source)) {
    try {
      return await runEach(input, decode, boxes, (box) => fromSource(decode, box));
    } catch (error) {
      if (decode.remainingMs() <= 0) throw new Quarantine(timeoutFailure(told(messageOf(error))));
    }
  }
  const decoded = await decodeOrSalvage(decode, boxes);
  if ("failure" in decoded) throw new Quarantine(decoded.failure, decode.remainingMs() > 0);
  if (decoded.warning !== undefined) {
    result.warnings.push(decoded.warning);
    result.hearsay = true;
  }
  return runEach(input, decode, boxes, (box) => fromPixels(decode, decoded.pixels, box));
}

async function runEach(input: ProcessInput, decode: DecodeInput, boxes: Box[], open: JobImage["pixels"]): Promise<Done[]> {
  const declared = new Set(boxes.map(boxKey));
  const image: JobImage = {
    name: input.name,
    header: decode.source.header,
    bytes: input.bytes,
    pixels: (box) => {
      if (!declared.has(boxKey(box))) throw new Error(`it asked for pixels (${boxKey(box)}) that its needs() did not declare`);
      return open(box);
    },
  };
  const done: Done[] = [];
  for (const { name, job, params } of input.jobs) {
    try {
      done.push({ job: name, made: checkResult(await job.run(image, params)) });
    } catch (error) {
      throw new Quarantine(jobFailure(name, error));
    }
  }
  return done;
}

function needsOf({ name, job, params }: LoadedJob, header: ImageHeader): Box[] {
  try {
    return job.needs(header, params).pixels ?? [];
  } catch (error) {
    throw new Quarantine(jobFailure(name, error));
  }
}

function jobFailure(job: string, error: unknown): Failure {
  const message = messageOf(error);
  if (isTimeout(message)) return timeoutFailure(`${told(message)} in job ${job}`);
  return { reason: "job_error", message: `job ${job}: ${told(message)}` };
}

function unreachable(box: Box): never {
  throw new Error(`no job declared pixels, yet one asked for ${boxKey(box)}`);
}

/** A Buffer may share its memory with others, and moving it to another thread would take theirs away. */
function owned(bytes: Uint8Array): Uint8Array {
  return Buffer.isBuffer(bytes) || bytes.byteLength !== bytes.buffer.byteLength || !(bytes.buffer instanceof ArrayBuffer)
    ? new Uint8Array(bytes)
    : bytes;
}
