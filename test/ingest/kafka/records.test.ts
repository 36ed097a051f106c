import assert from "node:assert/strict";
import type { KafkaRecord, RecordsBatch } from "@platformatic/kafka";
import { readPartition, type PartitionAnswer } from "../../../ingest/kafka/records.ts";

const place = { topic: "photos", partition: 0 };
const [transactional, control, logAppendTime] = [16, 32, 8];

function record(offsetDelta: number, more: Partial<KafkaRecord> = {}): KafkaRecord {
  return { length: 0, attributes: 0, timestampDelta: 5n, offsetDelta, key: null, value: Buffer.from([offsetDelta]), headers: [], ...more };
}

function batch(firstOffset: bigint, records: KafkaRecord[], more: Partial<RecordsBatch> = {}): RecordsBatch {
  return {
    firstOffset,
    length: 0,
    partitionLeaderEpoch: 0,
    magic: 2,
    crc: 0,
    attributes: 0,
    lastOffsetDelta: Math.max(0, ...records.map(({ offsetDelta }) => offsetDelta)),
    firstTimestamp: 1000n,
    maxTimestamp: 2000n,
    producerId: 7n,
    producerEpoch: 0,
    firstSequence: 0,
    records,
    ...more,
  };
}

function marker(firstOffset: bigint, kind: "abort" | "commit", producerId: bigint): RecordsBatch {
  const key = Buffer.from([0, 0, 0, kind === "abort" ? 0 : 1]);
  return batch(firstOffset, [record(0, { key })], { attributes: transactional | control, producerId });
}

function answer(records: RecordsBatch[] | null, abortedTransactions: PartitionAnswer["abortedTransactions"] = null): PartitionAnswer {
  return {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 99n,
    lastStableOffset: 99n,
    logStartOffset: 0n,
    abortedTransactions,
    preferredReadReplica: -1,
    records,
  };
}

const offsets = (found: ReturnType<typeof readPartition>): bigint[] => found.messages.map(({ offset }) => offset);

describe("what a broker answers", () => {
  it("becomes messages from the wanted offset on, with time, key and headers; the next offset skips gaps", () => {
    const headers: KafkaRecord["headers"] = [
      [Buffer.from("camera"), Buffer.from("x")],
      [null, null],
    ];
    const found = readPartition(
      place,
      11n,
      answer([batch(10n, [record(0), record(1, { key: Buffer.from("k"), headers }), record(4, { value: null })], { lastOffsetDelta: 6 })]),
    );
    assert.deepEqual(offsets(found), [11n, 14n]);
    assert.equal(found.next, 17n);
    assert.deepEqual(found.messages[0], {
      ...place,
      offset: 11n,
      timestampMs: 1005,
      key: Buffer.from("k"),
      value: Buffer.from([1]),
      headers: [
        ["camera", Buffer.from("x")],
        ["", undefined],
      ],
    });
    assert.equal(found.messages[1]!.value, undefined);
    const appended = readPartition(place, 0n, answer([batch(0n, [record(0)], { attributes: logAppendTime })]));
    assert.equal(appended.messages[0]!.timestampMs, 2000);
    assert.deepEqual(readPartition(place, 5n, answer(null)), { messages: [], next: 5n });
  });

  it("leaves out aborted transactions, also where their end is in a later answer, and no other", () => {
    const of = (firstOffset: bigint, producerId: bigint): RecordsBatch =>
      batch(firstOffset, [record(0), record(1)], { attributes: transactional, producerId });
    const all = [
      of(0n, 1n),
      of(2n, 2n),
      batch(4n, [record(0)], { producerId: 1n }),
      marker(5n, "abort", 1n),
      of(6n, 1n),
      marker(8n, "commit", 1n),
      marker(9n, "commit", 2n),
    ];
    const aborted = [{ producerId: 1n, firstOffset: 0n }];
    assert.deepEqual(offsets(readPartition(place, 0n, answer(all, aborted))), [2n, 3n, 4n, 6n, 7n]);
    const first = readPartition(place, 0n, answer(all.slice(0, 2), aborted));
    assert.deepEqual([offsets(first), first.next], [[2n, 3n], 4n]);
    assert.deepEqual(
      [
        offsets(readPartition(place, 9n, answer([marker(9n, "commit", 2n)]))),
        readPartition(place, 9n, answer([marker(9n, "commit", 2n)])).next,
      ],
      [[], 10n],
    );
  });
});
