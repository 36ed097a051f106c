const mib = 1024 * 1024;
/** Node, libvips and its modules before the first image; a thread's own heap. Measured, rounded up. */
const processBytes = 140 * mib;
const threadBytes = 40 * mib;
/** What is left even where the limit is hardly enough to start. */
const leastBytes = 32 * mib;
const maxReadAheadBytes = 256 * mib;
const maxReadAheadObjects = 32;

export interface Budgets {
  /** Encoded bytes read and not yet processed. */
  readAheadBytes: number;
  readAheadObjects: number;
  /** Decoded bytes of the images in threads. */
  decodeBytes: number;
}

/**
 * How a pool process may spend its resident memory. `shrink` (1, 2, 4, …) divides what images may take: a process that
 * outgrew its limit, though no single image was to blame, goes on smaller.
 */
export function budgetsOf(workerMemoryBytes: number, threads: number, shrink: number): Budgets {
  const free = Math.max(leastBytes, workerMemoryBytes - processBytes - threads * threadBytes) / shrink;
  const readAheadBytes = Math.min(maxReadAheadBytes, Math.floor(free / 4));
  return {
    readAheadBytes,
    readAheadObjects: Math.max(2, Math.floor(maxReadAheadObjects / shrink)),
    // The decoded image, its scaled copies and what malloc keeps: half of it is for them.
    decodeBytes: Math.floor((free - readAheadBytes) / 2),
  };
}
