import { isStoreError, type ObjectStore } from "../../storage/store.ts";
import { createPictureMaker } from "./picture-maker.ts";
import type { Picture } from "./pictures.ts";

/** So that a page stays below a few megabytes and takes seconds, whatever was quarantined. */
const each = { boxPixels: 240, deadlineMs: 5000, maxMemoryBytes: 1_500_000_000, maxObjectBytes: 32_000_000 };

export interface DrawingLimits {
  /** Of all objects together. */
  maxReadBytes: number;
  /** Of all pictures together. */
  maxPageBytes: number;
  allTogetherMs: number;
}

export interface Drawing extends AsyncDisposable {
  /** A small picture of an object; undefined where there is none to make, or no more within the limits. */
  draw(store: ObjectStore, objectName: string, of: { name: string; generation: string }): Promise<Picture | undefined>;
}

export function openDrawing(limits: DrawingLimits, signal?: AbortSignal): Drawing {
  const maker = createPictureMaker({ ...each, ...(signal && { signal }) });
  const left = { readBytes: limits.maxReadBytes, pageBytes: limits.maxPageBytes };
  const until = performance.now() + limits.allTogetherMs;
  return {
    draw: async (store, objectName, { name, generation }) => {
      if (left.readBytes <= 0 || left.pageBytes <= 0 || performance.now() > until) return undefined;
      const bytes = await readSmall(store, objectName, signal);
      if (bytes === undefined || bytes.length === 0) return undefined;
      left.readBytes -= bytes.length;
      const made = await maker.make(bytes, each.boxPixels);
      if (made === undefined || made.bytes.length > left.pageBytes) return undefined;
      left.pageBytes -= made.bytes.length;
      return { name, generation, ...made };
    },
    [Symbol.asyncDispose]: () => maker[Symbol.asyncDispose](),
  };
}

/** Undefined for what is gone or too large: an archive lives seven days, a page longer. */
async function readSmall(store: ObjectStore, name: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
  try {
    return (await store.read(name, { maxBytes: each.maxObjectBytes, ...(signal && { signal }) })).bytes;
  } catch (error) {
    if (isStoreError(error, "NOT_FOUND") || isStoreError(error, "OBJECT_TOO_LARGE")) return undefined;
    throw error;
  }
}
