import assert from "node:assert/strict";
import { openScreen, type Surface } from "../../../submit/terminal/screen.ts";

/** What a terminal shows after these bytes: enough of one for what the screen writes. */
function shownAfter(bytes: string): string[] {
  const rows = [""];
  let row = 0;
  let column = 0;
  for (const [, up, toEnd, below, plain] of bytes.matchAll(/\x1b\[(\d+)A|(\x1b\[K)|(\x1b\[J)|([\s\S])/g)) {
    if (up !== undefined) row -= Number(up);
    else if (toEnd !== undefined) rows[row] = rows[row]!.slice(0, column);
    else if (below !== undefined) {
      rows[row] = rows[row]!.slice(0, column);
      rows.length = row + 1;
    } else if (plain === "\r") column = 0;
    else if (plain === "\n") {
      row += 1;
      column = 0;
      rows[row] ??= "";
    } else {
      rows[row] = rows[row]!.padEnd(column).slice(0, column) + plain + rows[row]!.slice(column + 1);
      column += 1;
    }
  }
  return rows;
}

function recorded(columns: number | undefined): { surface: Surface; text: () => string } {
  let text = "";
  return { surface: { write: (more) => (text += more), columns: () => columns, color: false }, text: () => text };
}

const clock = { monotonicMs: () => 0 };

describe("screen", () => {
  it("draws at once, keeps lines above the display, and leaves nothing of it behind", () => {
    const { surface, text } = recorded(60);
    {
      using screen = openScreen(surface, clock);
      screen.begin("listing");
      assert.match(shownAfter(text()).join("\n"), /^. listing$/);
      screen.event({
        type: "progress",
        done: { objects: 1, ok: 1, skipped: 0, quarantined: 0, outputs: 1, bytesIn: 1, bytesOut: 1 },
        shards: { committed: 0, running: 1, waiting: 0, retried: 0, failed: 0 },
        total: { objects: 2, bytes: 2, shards: 1 },
        slowest: { name: "a.jpg", ms: 9000 },
      });
      screen.line("first");
      screen.event({ type: "notice", level: "warn", text: "second\u001b" });
      assert.deepEqual(shownAfter(text()).slice(0, 2), ["first", "warning: second\\u{1b}"]);
      assert.match(shownAfter(text())[2]!, /^processing/);
      assert.match(shownAfter(text())[3]!, /slow: 9 s {2}a\.jpg/);
      assert.equal(shownAfter(text()).length, 4);
    }
    assert.deepEqual(shownAfter(text()), ["first", "warning: second\\u{1b}", ""]);
  });

  it("writes only whole lines where nothing can be redrawn", () => {
    const { surface, text } = recorded(undefined);
    {
      using screen = openScreen(surface, clock);
      screen.begin("listing");
      screen.event({ type: "planned", runId: "R", objects: 2, unchanged: 1, bytes: 3000, shards: 1, predictedMs: 4000, adopted: false });
    }
    assert.equal(text(), "run R: 2 objects (3.0 kB), 1 of them unchanged; 1 shard, about 4 s\n");
  });
});
