import { compareNames, printable } from "../../core/names.ts";
import { inParallel } from "../../core/parallel.ts";
import type { ImageRow, OutputRow } from "../../core/rows.ts";
import type { Commit } from "../../core/types.ts";
import { createSorter } from "../../partitioner/sort.ts";
import type { Spool } from "../../partitioner/spool.ts";
import { isStoreError, type ObjectInfo, type ObjectStore } from "../../storage/store.ts";
import { archivedName } from "../archived.ts";
import { copiesOf } from "../sealing.ts";
import type { Audit } from "./audit.ts";

const dayMs = 86_400_000;
/** Names that one listing is asked for: bounds memory, and lets listings go side by side. */
const namesTogether = 4000;
const listingsInFlight = 8;
const readsInFlight = 4;

/** An object that rows or a commit say is in the archive. JSON: it may lie on disk until its turn. */
interface Expected {
  name: string;
  kind: "output" | "member" | "copy";
  sizeBytes: number;
  crc32c: string;
  /** Outputs only. */
  generation?: string;
  /** For people. */
  what: string;
  /** The lifecycle may have taken it. */
  expired: boolean;
}

/** Gathers what must be in the archive, then holds it against listings: a look at each by itself would take days. */
export interface OutputAudit {
  /** What the rows of a commit name. */
  expect(commit: Commit, rows: ImageRow[]): Promise<void>;
  /** Once, after the last: every output is in the archive as its row says, or has lived its days. */
  compare(): Promise<void>;
}

export function createOutputAudit(audit: Audit, spool: Spool): OutputAudit {
  const sorter = createSorter<Expected>({
    spool,
    compare: (a, b) => compareNames(a.name, b.name),
    encode: (one) => JSON.stringify(one),
    decode: (line) => JSON.parse(line) as Expected,
  });
  /** A sorter takes one at a time, and shards come side by side. */
  let adding = Promise.resolve();
  const addAll = async (all: Expected[]): Promise<void> => {
    for (const one of all) await sorter.add(one);
  };
  return {
    expect: async (commit, rows) => {
      const all = [...expectedOutputs(audit, commit, rows), ...expectedCopies(audit, commit)];
      adding = adding.then(async () => addAll(all));
      await adding;
    },
    compare: async () => inParallel(batchesOf(sorter.sorted()), listingsInFlight, async (batch) => compareBatch(audit, batch)),
  };
}

function expectedOutputs(audit: Audit, commit: Commit, rows: ImageRow[]): Expected[] {
  const expired = isExpired(audit, commit);
  return rows.flatMap((row) => row.outputs.flatMap((output) => expectedOutput(audit, row, output, expired) ?? []));
}

/** What the row says by itself is looked at here. */
function expectedOutput(
  { archive, findings, plan, checked }: Audit,
  row: ImageRow,
  output: OutputRow,
  expired: boolean,
): Expected | undefined {
  const what = `output ${output.job}/${output.variant} of "${printable(row.name)}"`;
  checked.outputs += 1;
  if (output.job === "source" && row.crc32c !== output.crc32c) {
    findings.add("DIGEST_DIFFERS", `the archived copy of "${printable(row.name)}" is not what was processed`);
  }
  const name = archivedName(plan, row, output, archive);
  const { size_bytes: sizeBytes, crc32c, generation, member } = output;
  if (name !== undefined) return { name, kind: member === null ? "output" : "member", sizeBytes, crc32c, generation, what, expired };
  findings.add("OUTPUT_MISPLACED", `${what} is said to be at ${printable(output.uri)}, where this run writes nothing`);
  return undefined;
}

function expectedCopies(audit: Audit, commit: Commit): Expected[] {
  if (audit.records.seal === undefined) return [];
  const expired = isExpired(audit, commit);
  return copiesOf(audit.plan, commit).map(({ file: { sizeBytes, crc32c }, name }) => ({
    name,
    kind: "copy",
    sizeBytes,
    crc32c,
    what: audit.archive.uri(name),
    expired,
  }));
}

/** The lifecycle may have taken what this commit names: outputs are older than their commit. */
function isExpired({ driver, plan }: Audit, commit: Commit): boolean {
  return driver.host.clock.now() >= Date.parse(commit.endedAt) + plan.policy.archive.days * dayMs;
}

async function* batchesOf(sorted: AsyncIterable<Expected[]>): AsyncGenerator<Expected[]> {
  let batch: Expected[] = [];
  for await (const some of sorted) {
    for (const one of some) {
      batch.push(one);
      if (batch.length < namesTogether) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

/** Both sides are in the order of names. */
async function compareBatch(audit: Audit, batch: Expected[]): Promise<void> {
  const [first, last] = [batch[0]!.name, batch.at(-1)!.name];
  const matched: { expected: Expected; found: ObjectInfo }[] = [];
  let next = 0;
  const isBefore = (name: string): boolean => next < batch.length && compareNames(batch[next]!.name, name) < 0;
  for await (const found of listedBetween(audit, first, last)) {
    while (isBefore(found.name)) absent(audit, batch[next++]!);
    while (next < batch.length && batch[next]!.name === found.name) matched.push({ expected: batch[next++]!, found });
  }
  while (next < batch.length) absent(audit, batch[next++]!);
  await inParallel(matched, readsInFlight, async ({ expected, found }) => compareOne(audit, expected, found));
}

/** From the first to the last name, both included. */
async function* listedBetween({ archive, signal }: Audit, first: string, last: string): AsyncGenerator<ObjectInfo> {
  try {
    // A blank makes it a name after the last; what comes between is nobody's.
    for await (const page of archive.list({ startOffset: first, endOffset: `${last} `, signal })) yield* page.objects;
  } catch (error) {
    // The folder is gone, with all that was in it.
    if (!isStoreError(error, "NOT_FOUND")) throw error;
  }
}

function absent(audit: Audit, { name, kind, what, expired }: Expected): void {
  const { archive, findings } = audit;
  if (expired) audit.expiredOutputs += kind === "copy" ? 0 : 1;
  else if (kind === "copy") findings.add("COPY_MISSING", `${what} is not there`);
  else findings.add("OUTPUT_MISSING", `${what} is not at ${printable(archive.uri(name))}`);
}

async function compareOne({ archive, findings, signal }: Audit, expected: Expected, found: ObjectInfo): Promise<void> {
  const { kind, what, sizeBytes } = expected;
  // A member is recorded as itself, not as the tar it is in, which was copied at seal.
  if (kind === "member") return undefined;
  if (kind === "copy") {
    const isSame = found.sizeBytes === sizeBytes && (await crc32cOf(archive, found, signal)) === expected.crc32c;
    return isSame ? undefined : findings.add("COPY_CHANGED", `${what} is not the copy of what the shard's attempt made`);
  }
  if (found.generation !== expected.generation || found.sizeBytes !== sizeBytes) {
    return findings.add(
      "OUTPUT_CHANGED",
      `${what} was replaced: ${found.sizeBytes} bytes at generation ${found.generation}, not ${sizeBytes} at ${expected.generation ?? "none"}`,
    );
  }
  const crc32c = await crc32cOf(archive, found, signal);
  if (crc32c !== expected.crc32c)
    findings.add("DIGEST_DIFFERS", `${what} has crc32c ${crc32c ?? "unknown"}, its row says ${expected.crc32c}`);
  return undefined;
}

/** Of the bytes, where the store does not list it. */
async function crc32cOf(store: ObjectStore, found: ObjectInfo, signal: AbortSignal): Promise<string | undefined> {
  if (found.crc32c !== undefined) return found.crc32c;
  try {
    return (await store.read(found.name, { generation: found.generation, signal })).info.crc32c;
  } catch (error) {
    // Deleted or replaced this moment.
    if (isStoreError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}
