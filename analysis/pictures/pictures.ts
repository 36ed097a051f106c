import type { Reason } from "../../core/types.ts";

/** A small picture that goes into the page as it is. */
export interface Picture {
  name: string;
  generation: string;
  /** image/webp */
  bytes: Uint8Array;
  width: number;
  height: number;
}

export interface Pictures {
  /** Of quarantined source objects. */
  quarantined: Picture[];
  /** Of what the run made. */
  outputs: Picture[];
}

export const noPictures: Pictures = { quarantined: [], outputs: [] };

/** Of the rest there is nothing to see, or no copy. */
export const picturable: ReadonlySet<Reason> = new Set<Reason>([
  "corrupt",
  "truncated",
  "too_many_pixels",
  "timeout",
  "crashed",
  "job_error",
]);
