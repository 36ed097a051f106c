import { archiveNames, controlNames } from "../../core/layout.ts";
import { extensionOf } from "../../jobs/formats.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { openDrawing } from "../pictures/drawing.ts";
import { picturable, type Pictures } from "../pictures/pictures.ts";
import type { RunNumbers } from "./numbers.ts";

export interface IllustrateRequest {
  numbers: RunNumbers;
  control: ObjectStore;
  archive: ObjectStore;
  signal?: AbortSignal;
}

const limits = { maxReadBytes: 256_000_000, maxPageBytes: 1_500_000, allTogetherMs: 45_000 };
const picturesAReason = 6;

/** Small pictures of what was quarantined and of what was made, as far as they can be made within the limits. */
export async function illustrate({ numbers, control, archive, signal }: IllustrateRequest): Promise<Pictures> {
  await using drawing = openDrawing(limits, signal);
  const pictures: Pictures = { quarantined: [], outputs: [] };
  for (const { reason, examples } of numbers.reasons) {
    if (!picturable.has(reason)) continue;
    let drawn = 0;
    for (const example of examples) {
      if (drawn === picturesAReason) break;
      const picture = await drawing.draw(control, controlNames.quarantine(numbers.runId, example.name, example.generation), example);
      if (picture === undefined) continue;
      pictures.quarantined.push(picture);
      drawn += 1;
    }
  }
  for (const sample of numbers.samples) {
    const name = archiveNames.output(numbers, sample.job, sample.variant, sample, extensionOf(sample.format));
    const picture = await drawing.draw(archive, name, sample);
    if (picture !== undefined) pictures.outputs.push(picture);
  }
  return pictures;
}
