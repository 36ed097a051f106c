import assert from "node:assert/strict";
import type { RunSummary } from "../../../submit/summary.ts";
import { columnsOf } from "../../../submit/terminal/format.ts";
import { summaryLines, type SummaryView } from "../../../submit/terminal/summary.ts";

const done: RunSummary = {
  runId: "2026-11-23-0123456789ab",
  planId: "p",
  state: "done",
  listed: 2800,
  ok: 2520,
  skipped: 3,
  quarantined: 220,
  outputs: 5040,
  rowsLoaded: 2743,
  bytesIn: 97e6,
  bytesOut: 31e6,
  wallMs: 12_000,
  imagesPerSecond: 228.6,
  report: "file:///data/out/control/runs/2026-11-23-0123456789ab/report.html",
  exitCode: 0,
  unchanged: 57,
  shards: { committed: 16, total: 16 },
  reasons: [
    {
      reason: "not_an_image",
      count: 120,
      examples: ["a/notes.txt", "b/\u001b[31mred.jpg", "写真/東京タワーの写真がとても長い名前です.jpg"],
    },
    { reason: "corrupt", count: 100, examples: ["c.jpg"] },
    { reason: "duplicate", count: 3, examples: [] },
  ],
  places: {
    archive: "file:///data/out/archive/2026-11-23/2026-11-23-0123456789ab",
    warehouse: "duckdb:///data/out/warehouse.duckdb",
    control: "file:///data/out/control",
    report: "file:///data/out/control/report.html",
  },
  resumed: false,
  finished: false,
  continued: [],
};
const view: SummaryView = { color: false, columns: 100, cwd: "/data", command: "imagemill", where: "", work: "" };

describe("the summary of a run", () => {
  it("says what happened, where things are, and what to type next", () => {
    assert.deepEqual(summaryLines(done, view), [
      "run 2026-11-23-0123456789ab is done: 2,743 images in 12 s (229 images/s, 8.1 MB/s)",
      "",
      "  ok           2,520",
      "  skipped          3  duplicate 3",
      "  quarantined    220  not_an_image 120: a/notes.txt, b/\\u{1b}[31mred.jpg, 写真/東京…前です.jpg, …",
      "                      corrupt 100: c.jpg, …",
      "  unchanged       57  done by an earlier run",
      "",
      "  outputs  out/archive/2026-11-23/2026-11-23-0123456789ab  5,040 objects, 31 MB",
      "  rows     out/warehouse.duckdb  2,743 rows",
      "  report   file:///data/out/control/runs/2026-11-23-0123456789ab/report.html",
      "",
      "  imagemill report 2026-11-23-0123456789ab --open  look at this run",
      "  imagemill report --open                          look at all runs",
      "  imagemill replay 2026-11-23-0123456789ab         process the quarantined again",
      "  imagemill verify 2026-11-23-0123456789ab         audit the run",
      "  SQL to try: SELECT outcome, reason, count(*) FROM images WHERE run_id = '2026-11-23-0123456789ab' GROUP BY ALL",
    ]);
  });

  it("names the place again where the user named it", () => {
    const lines = summaryLines(done, { ...view, where: " --control c", work: " --job facts" });
    assert.ok(lines.some((line) => line.includes(`imagemill replay ${done.runId} --control c --job facts `)));
    assert.ok(lines.some((line) => line.includes(`imagemill verify ${done.runId} --control c `)));
  });

  it("says at a closed gate what is wrong, and of how many that was not read", () => {
    const gated: RunSummary = { ...done, state: "gated", quarantined: 1000, exitCode: 3 };
    const lines = summaryLines(gated, view);
    assert.ok(lines.includes("                      corrupt 100: c.jpg, …"), lines.join("\n"));
    assert.ok(lines.includes("                      780 more, whose rows were not read"), lines.join("\n"));
    assert.ok(!summaryLines({ ...gated, reasons: [] }, view).some((line) => line.includes("not read")));
  });

  it("keeps examples within the terminal", () => {
    for (const columns of [60, 80, 200]) {
      for (const line of summaryLines(done, { ...view, columns }).filter((one) => one.includes("_an_image")))
        assert.ok(columnsOf(line) <= columns, line);
    }
  });

  it("a finished run says that nothing was written, and how to take what is new", () => {
    const lines = summaryLines(
      { ...done, finished: true, resumed: true },
      { ...view, again: { command: "run --rerun 2", what: "takes what is new or changed since" } },
    );
    assert.deepEqual(lines, [
      "run 2026-11-23-0123456789ab was finished already; nothing was written",
      "  2,520 ok, 3 skipped, 220 quarantined; 2,743 rows in out/warehouse.duckdb",
      `  report: ${done.report}`,
      "",
      "  imagemill run --rerun 2  takes what is new or changed since",
    ]);
  });

  it("a run that is stuck says how far it is, and promises no places", () => {
    const lines = summaryLines(
      { ...done, state: "running", report: "", reasons: [], shards: { committed: 3, total: 16 }, exitCode: 1 },
      view,
    );
    assert.match(lines[0]!, /is not done \(running\): 3 of 16 shards, 2,743 images in 12 s/);
    assert.ok(!lines.some((line) => line.includes("rows ")));
  });

  it("tells of the runs that went first", () => {
    const lines = summaryLines({ ...done, continued: [{ ...done, runId: "2026-11-22-0123456789ab", resumed: true }] }, view);
    assert.match(lines[0]!, /^run 2026-11-22-0123456789ab is done: .*, continued$/);
    assert.match(lines[2]!, /^run 2026-11-23-0123456789ab is done/);
  });
});
