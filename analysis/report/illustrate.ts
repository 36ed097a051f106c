import { archiveNames, controlNames } from "../../core/layout.ts";
import type { Reason } from "../../core/types.ts";
import { extensionOf } from "../../jobs/formats.ts";
import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import type { Example, RunNumbers } from "./numbers.ts";
import { createPictureMaker, type PictureMaker } from "./picture-maker.ts";
import type { Picture, Pictures } from "./pictures.ts";

export interface IllustrateRequest {
  numbers: RunNumbers;
  control: ObjectStore;
  archive: ObjectStore;
  signal?: AbortSignal;
}

/** So that a page stays below a few megabytes and takes seconds, whatever was quarantined. */
const limits = {
  picturesAReason: 6,
  boxPixels: 240,
  deadlineMs: 5000,
  maxMemoryBytes: 1_500_000_000,
  maxObjectBytes: 32_000_000,
  maxReadBytes: 256_000_000,
  maxPageBytes: 1_500_000,
  allTogetherMs: 45_000,
};

/** Of the rest there is nothing to see, or no copy. */
const picturable: ReadonlySet<Reason> = new Set<Reason>(["corrupt", "truncated", "too_many_pixels", "timeout", "crashed", "job_error"]);

/** Small pictures of what was quarantined and of what was made, as far as they can be made within the limits. */
export async function illustrate({ numbers, control, archive, signal }: IllustrateRequest): Promise<Pictures> {
  await using maker = createPictureMaker({ ...limits, ...(signal && { signal }) });
  const budget = { readBytes: limits.maxReadBytes, pageBytes: limits.maxPageBytes, until: performance.now() + limits.allTogetherMs };
  const draw = (store: ObjectStore, name: string, example: Pick<Example, "name" | "generation">): Promise<Picture | undefined> =>
    drawOne(maker, budget, store, name, example, signal);

  const pictures: Pictures = { quarantined: [], outputs: [] };
  for (const { reason, examples } of numbers.reasons) {
    if (!picturable.has(reason)) continue;
    let drawn = 0;
    for (const example of examples) {
      if (drawn === limits.picturesAReason) break;
      const picture = await draw(control, controlNames.quarantine(numbers.runId, example.name, example.generation), example);
      if (picture === undefined) continue;
      pictures.quarantined.push(picture);
      drawn += 1;
    }
  }
  for (const sample of numbers.samples) {
    const name = archiveNames.output(numbers, sample.job, sample.variant, sample, extensionOf(sample.format));
    const picture = await draw(archive, name, sample);
    if (picture !== undefined) pictures.outputs.push(picture);
  }
  return pictures;
}

interface Budget {
  readBytes: number;
  pageBytes: number;
  /** On the clock of `performance.now`. */
  until: number;
}

async function drawOne(
  maker: PictureMaker,
  budget: Budget,
  store: ObjectStore,
  objectName: string,
  { name, generation }: Pick<Example, "name" | "generation">,
  signal: AbortSignal | undefined,
): Promise<Picture | undefined> {
  if (budget.readBytes <= 0 || budget.pageBytes <= 0 || performance.now() > budget.until) return undefined;
  const bytes = await readSmall(store, objectName, signal);
  if (bytes === undefined || bytes.length === 0) return undefined;
  budget.readBytes -= bytes.length;
  const made = await maker.make(bytes, limits.boxPixels);
  if (made === undefined || made.bytes.length > budget.pageBytes) return undefined;
  budget.pageBytes -= made.bytes.length;
  return { name, generation, ...made };
}

/** Undefined for what is gone or too large: an archive lives seven days, a report longer. */
async function readSmall(store: ObjectStore, name: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  try {
    return (await store.read(name, { maxBytes: limits.maxObjectBytes, ...(signal && { signal }) })).bytes;
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND") || isStoreError(error, "OBJECT_TOO_LARGE")) return undefined;
    throw error;
  }
}
