import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { controlNames } from "../../core/layout.ts";
import { crc32cBase64 } from "../../storage/checksum.ts";
import { plainJpeg } from "./pictures.ts";
import { planRun, runId } from "./planned-run.ts";
import { work } from "./working.ts";

describe("worker", function () {
  this.timeout(30_000);

  it("gives every source object exactly one outcome, in the shard's order, and commits once", async () => {
    const red = await plainJpeg("red");
    await using run = await planRun({
      objects: {
        "a.jpg": red,
        "b/twin.jpg": red,
        "c.txt": Buffer.from("hello"),
        "d.jpg": Buffer.alloc(0),
        "e.jpg": red.subarray(0, 200),
        "f/blue.jpg": await plainJpeg("blue"),
      },
    });
    const { exitCode, of } = await work(run);
    assert.equal(exitCode, 0);
    const rows = await run.rows(run.shards[0]!);
    assert.deepEqual(
      rows.map((row) => [row.name, row.outcome, row.reason]),
      [
        ["a.jpg", "ok", null],
        ["b/twin.jpg", "skipped", "duplicate"],
        ["c.txt", "quarantined", "not_an_image"],
        ["d.jpg", "quarantined", "empty"],
        ["e.jpg", "quarantined", "truncated"],
        ["f/blue.jpg", "ok", null],
      ],
    );
    assert.deepEqual(rows[1]!.twin, { run_id: runId, name: "a.jpg", generation: rows[0]!.generation });
    const commit = await run.commit(run.shards[0]!);
    assert.deepEqual(commit!.counts, of("shard-committed")[0]!.counts);
    assert.deepEqual([commit!.counts.objects, commit!.counts.ok, commit!.counts.skipped, commit!.counts.quarantined], [6, 2, 1, 3]);
    assert.equal(of("quarantined").length, 3);
  });

  it("writes outputs and the source's copy where the row says, with the digests it says", async () => {
    const red = await plainJpeg("red");
    await using run = await planRun({ objects: { "photos/a b.jpg": red } });
    await work(run);
    const [row] = await run.rows(run.shards[0]!);
    assert.equal(row!.sha256, createHash("sha256").update(red).digest("hex"));
    assert.equal(row!.crc32c, crc32cBase64(red));
    assert.deepEqual(
      row!.outputs.map(({ job, variant }) => `${job}/${variant}`),
      ["thumbnails/64", "source/original"],
    );
    for (const output of row!.outputs) {
      const name = output.uri.slice(run.archive.url.length + 1);
      const { info, bytes } = await run.archive.read(decodeURIComponent(name));
      assert.equal(info.generation, output.generation);
      assert.equal(crc32cBase64(bytes), output.crc32c);
      assert.equal(bytes.byteLength, output.size_bytes);
    }
  });

  it("keeps a copy of what it quarantines", async () => {
    await using run = await planRun({ objects: { "c.txt": Buffer.from("hello") } });
    await work(run);
    const [row] = await run.rows(run.shards[0]!);
    const copy = await run.control.read(controlNames.quarantine(runId, "c.txt", row!.generation));
    assert.equal(Buffer.from(copy.bytes).toString(), "hello");
  });

  it("has nothing to do for a shard that is committed", async () => {
    await using run = await planRun({ objects: { "a.jpg": await plainJpeg("red") } });
    const first = await work(run);
    const second = await work(run);
    assert.equal(second.exitCode, 0);
    assert.equal(second.of("shard-superseded")[0]!.winner, first.of("shard-committed")[0]!.attempt);
  });
});
