import assert from "node:assert/strict";
import type { LoadedJob } from "../../jobs/load.ts";
import { quarantineReasons } from "../../core/types.ts";
import { corpus, load, process } from "./images.ts";

/** Formats that libvips decodes and imagemill refuses: they can read other files, or run programs. */
const refusedOnPurpose = (format: string | null): boolean => format === "svg";

describe("the corpus of other projects' test files", () => {
  let jobs: LoadedJob[];
  before(async () => {
    jobs = await load(["thumbnails", { sizes: [64] }], ["facts", { gps: true }]);
  });

  it("gives each file one outcome: what libvips decodes is ok, what it does not has a reason", async () => {
    const unlike: string[] = [];
    const counts: Record<string, number> = {};
    for (const { origin, format, decodes, bytes } of corpus(() => true)) {
      const { failure, outputs, sha256 } = await process(bytes, { jobs });
      assert.match(sha256, /^[0-9a-f]{64}$/);
      const outcome = failure?.reason ?? "ok";
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      assert.equal(outputs.length, failure === undefined ? 1 : 0, origin);
      if (decodes && !refusedOnPurpose(format) && failure !== undefined) unlike.push(`${origin}: ${failure.reason}: ${failure.message}`);
      if (failure !== undefined) {
        assert.ok(quarantineReasons.includes(failure.reason));
        assert.match(failure.message, /^[^\n]{10,400}$/, origin);
      }
    }
    assert.deepEqual(unlike, []);
    // Nothing of it is the fault of a job, and nothing needs a minute.
    assert.deepEqual([counts["job_error"], counts["timeout"]], [undefined, undefined]);
  }).timeout(120_000);
});
