import type { ImageRow } from "../../core/rows.ts";
import { ledgerKeyOf } from "../../partitioner/ledger.ts";
import { ledgerBelow, readParts, readSegment, segmentRange } from "../../partitioner/ledger-segments.ts";
import { newMultiset, type Multiset } from "./multiset.ts";
import type { Audit } from "./audit.ts";

/** Adds what the ledger must have of a row. */
export function expectInLedger(expected: Multiset, row: ImageRow): void {
  if (row.reason !== "source_changed") expected.add(row.name, row.generation, row.outcome, row.reason ?? undefined);
}

/** A finished run has one segment, and it holds what its rows say. */
export async function auditLedger(audit: Audit, expected: Multiset): Promise<void> {
  const { plan, control, findings, signal } = audit;
  const key = ledgerKeyOf(plan);
  const below = await ledgerBelow(control, key, signal);
  const found: number[] = [];
  for (let number = plan.ledgerBelow; number < below; number += 1) {
    const segment = await readSegment(control, segmentRange(key, number, number + 1), signal);
    if (segment?.runId !== plan.runId) continue;
    found.push(number);
    if (!expected.equals(await entriesOf(audit, segment.parts))) {
      findings.add("LEDGER_DIFFERS", `segment ${number} of the ledger ${key} does not hold what the rows of the run say`);
    }
  }
  if (found.length === 0 && expected.size > 0) findings.add("LEDGER_MISSING", `the ledger ${key} has no segment of the run`);
  if (found.length > 1) findings.add("LEDGER_TWICE", `the ledger ${key} has the run in the segments ${found.join(", ")}`);
}

async function entriesOf({ control, signal }: Audit, parts: readonly string[]): Promise<Multiset> {
  const entries = newMultiset();
  for await (const batch of readParts(control, parts, signal)) {
    for (const { name, generation, outcome, reason } of batch) entries.add(name, generation, outcome, reason);
  }
  return entries;
}
