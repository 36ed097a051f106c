import assert from "node:assert/strict";
import fc from "fast-check";
import type { RunEvent } from "../../../core/events.ts";
import { columnsOf } from "../../../submit/terminal/format.ts";
import {
  advanceProgress,
  beginProgress,
  ratesOf,
  remainingMs,
  renderPlain,
  renderProgress,
  type ProgressState,
} from "../../../submit/terminal/progress.ts";

const progress = (objects: number, quarantined = 0, slowest?: { name: string; ms: number }): RunEvent => ({
  type: "progress",
  done: { objects, ok: objects - quarantined, skipped: 0, quarantined, outputs: objects, bytesIn: objects * 1e5, bytesOut: 0 },
  shards: { committed: 1, running: 2, waiting: 3, retried: 0, failed: 0 },
  total: { objects: 1000, bytes: 1e8, shards: 6 },
  ...(slowest !== undefined && { slowest }),
});

const after = (...events: [RunEvent, number][]): ProgressState =>
  events.reduce((state, [event, atMs]) => advanceProgress(state, event, atMs), beginProgress("starting", 0));
const view = (columns: number, nowMs = 10_000): { columns: number; nowMs: number; color: boolean } => ({ columns, nowMs, color: false });

describe("progress", () => {
  it("counts while listing", () => {
    const state = after([{ type: "listing", objects: 12_345, bytes: 1.2e9 }, 500]);
    assert.match(renderProgress(state, view(80, 2000))[0]!, /^. listing {2}12,345 objects, 1\.2 GB {2}2 s$/);
    assert.equal(renderPlain(state, 2000), "listing: 12,345 objects, 1.2 GB (after 2 s)");
  });

  it("shows share, counts, rates, time left and what was quarantined", () => {
    const state = after([progress(200), 0], [progress(500, 12), 2000]);
    assert.deepEqual(ratesOf(state), { objects: 150, bytes: 15e6 });
    const [line, ...more] = renderProgress(state, view(120));
    assert.match(line!, /^processing {2}━{15}─{15} {2}50 % {4}500\/1,000 {2}150 images\/s {2}15 MB\/s {2}3 s left {2}12 quarantined$/);
    assert.deepEqual(more, []);
    assert.equal(renderPlain(state, 9000), "processing: 50 %, 500/1,000, 150 images/s, 15 MB/s, 3 s left, 12 quarantined (after 9 s)");
  });

  it("takes rates from the last seconds, so that a resumed run starts at its own pace", () => {
    const state = after([progress(900), 0], [progress(910), 1000], [progress(920), 100_000], [progress(930), 101_000]);
    assert.equal(ratesOf(state)!.objects, 10);
  });

  it("names the slowest image once it is slow", () => {
    const quick = after([progress(1, 0, { name: "a.jpg", ms: 900 }), 0]);
    assert.equal(renderProgress(quick, view(80)).length, 1);
    const slow = after([progress(1, 0, { name: "写真/\u001b[2J.jpg", ms: 21_000 }), 0]);
    assert.equal(renderProgress(slow, view(80))[1], "  slow: 21 s  写真/\\u{1b}[2J.jpg");
    assert.match(renderPlain(slow, 0), /slow: 21 s 写真/);
  });

  it("leaves the bar when the work is done", () => {
    const state = after([progress(1000), 0], [{ type: "state", runId: "r", state: "sealed" }, 1000]);
    assert.match(renderProgress(state, view(80))[0]!, /^. loading/);
  });

  it("says nothing of the time left while it cannot know", () => {
    assert.equal(remainingMs(after([progress(0), 0])), undefined);
    assert.equal(remainingMs(after([progress(0), 0], [progress(0), 1000])), undefined);
  });

  it("fits any terminal", () => {
    const events = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 99_999 }), fc.string({ unit: "grapheme", maxLength: 80 })),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 200 }), fc.boolean(), (seen, columns, color) => {
        const state = after(
          ...seen.map(([objects, ms, name], index): [RunEvent, number] => [progress(objects, 0, { name, ms }), index * 700]),
        );
        for (const line of renderProgress(state, { columns, nowMs: 9000, color })) assert.ok(columnsOf(line) < Math.max(columns, 2), line);
      }),
    );
  });
});
