/** One object on its way into a shard; its entry stays JSON text, since packing looks only at the numbers. */
export interface WorkItem {
  key: number;
  predictedMs: number;
  sizeBytes: number;
  /** A `ShardEntry`. */
  line: string;
}

/** Numbers, then the entry: `key ms bytes {…}`. JavaScript prints numbers so that they read back the same. */
export function encodeWork(item: WorkItem): string {
  return `${item.key} ${item.predictedMs} ${item.sizeBytes} ${item.line}`;
}

export function decodeWork(text: string): WorkItem {
  const predictedMs = text.indexOf(" ") + 1;
  const sizeBytes = text.indexOf(" ", predictedMs) + 1;
  const line = text.indexOf(" ", sizeBytes) + 1;
  return {
    key: Number(text.slice(0, predictedMs - 1)),
    predictedMs: Number(text.slice(predictedMs, sizeBytes - 1)),
    sizeBytes: Number(text.slice(sizeBytes, line - 1)),
    line: text.slice(line),
  };
}
