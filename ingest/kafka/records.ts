import type { Consumer, KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import { textOf, type ImageMessage } from "./message.ts";
import type { Place } from "./progress.ts";

type FetchResponse = Awaited<ReturnType<Consumer["fetch"]>>;
export type PartitionAnswer = FetchResponse["responses"][number]["partitions"][number];

const transactional = 1 << 4;
const control = 1 << 5;
const logAppendTime = 1 << 3;
const abortMarker = 0;

/** What an answer holds of one partition: the messages that committed transactions (or none) wrote, and where to go on. */
export function readPartition(place: Place, from: bigint, answer: PartitionAnswer): { messages: ImageMessage[]; next: bigint } {
  const batches = answer.records ?? [];
  const messages = visible(batches, answer.abortedTransactions ?? []).flatMap((batch) =>
    batch.records.map((record) => messageOf(place, batch, record)),
  );
  const last = batches.at(-1);
  const next = last === undefined ? from : lastOffsetOf(last) + 1n;
  return { messages: messages.filter(({ offset }) => offset >= from), next: next > from ? next : from };
}

type Aborted = NonNullable<PartitionAnswer["abortedTransactions"]>[number];

/**
 * Batches without those of aborted transactions and without markers. The client leaves an aborted transaction in when its
 * end is not in the same answer.
 */
function visible(batches: RecordsBatch[], abortedTransactions: readonly Aborted[]): RecordsBatch[] {
  const coming = [...abortedTransactions].sort((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborted = new Set<bigint>();
  return batches.filter((batch) => {
    while (coming[0] !== undefined && coming[0].firstOffset <= lastOffsetOf(batch)) aborted.add(coming.shift()!.producerId);
    if ((batch.attributes & control) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) aborted.delete(batch.producerId);
      return false;
    }
    return (batch.attributes & transactional) === 0 || !aborted.has(batch.producerId);
  });
}

function lastOffsetOf(batch: RecordsBatch): bigint {
  return batch.firstOffset + BigInt(batch.lastOffsetDelta);
}

function messageOf({ topic, partition }: Place, batch: RecordsBatch, record: KafkaRecord): ImageMessage {
  const appended = (batch.attributes & logAppendTime) !== 0;
  return {
    topic,
    partition,
    offset: batch.firstOffset + BigInt(record.offsetDelta),
    timestampMs: Number(appended ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta),
    key: record.key ?? undefined,
    value: record.value ?? undefined,
    headers: record.headers.map(([name, value]) => [textOf(name ?? new Uint8Array()), value ?? undefined]),
  };
}
