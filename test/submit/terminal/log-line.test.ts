import assert from "node:assert/strict";
import { createLogger } from "../../../core/log.ts";
import { columnsOf } from "../../../submit/terminal/format.ts";
import { logLineForPeople } from "../../../submit/terminal/log-line.ts";

describe("a log line on a terminal", () => {
  const lineOf = (log: (logger: ReturnType<typeof createLogger>) => void): string => {
    let line = "";
    log(createLogger("debug", (text) => (line = text)));
    return line;
  };

  it("says level, event and message, in one row", () => {
    const line = lineOf((log) => log.error("shard-failed", { shard: "s", message: `no space ${"x".repeat(200)}\u001b[2J` }));
    const shown = logLineForPeople(line, { columns: 60, color: false });
    assert.match(shown, /^error shard-failed: no space x+…x+\\u\{1b\}\[2J$/);
    assert.ok(columnsOf(shown) < 60);
  });

  it("shows the fields where there is no message", () => {
    const line = lineOf((log) => log.warn("worker-overdue", { shard: "s", ms: 3 }));
    assert.equal(logLineForPeople(line, { columns: 80, color: false }), "warn worker-overdue: shard=s ms=3");
  });
});
