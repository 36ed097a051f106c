import assert from "node:assert/strict";
import { seededRandom } from "../../core/clock.ts";
import { canonicalJson, digestOf } from "../../core/digest.ts";
import { ImagemillError } from "../../core/errors.ts";
import { attemptName, parseRunId, requestKey, runIdOf } from "../../core/ids.ts";
import type { RunRequest } from "../../core/types.ts";

const request: RunRequest = {
  source: "gs://photos/{run_date}",
  select: { include: ["**"], exclude: [], reprocess: false },
  jobs: [{ name: "facts", version: 1, params: {}, digest: "d1" }],
  rerun: 1,
};

describe("run ids", () => {
  it("depend on the request and the date only", () => {
    assert.equal(runIdOf("2026-11-23", request), runIdOf("2026-11-23", structuredClone(request)));
    assert.match(runIdOf("2026-11-23", request), /^2026-11-23-[0-9a-f]{12}$/);
  });

  const changes: [string, RunRequest][] = [
    ["source", { ...request, source: "gs://other" }],
    ["selection", { ...request, select: { ...request.select, limit: 5 } }],
    ["reprocess", { ...request, select: { ...request.select, reprocess: true } }],
    ["jobs", { ...request, jobs: [{ name: "facts", version: 1, params: {}, digest: "d2" }] }],
    ["rerun number", { ...request, rerun: 2 }],
    ["replay", { ...request, replay: { runId: "2026-11-23-0123456789ab", reasons: ["timeout"], number: 1 } }],
  ];
  for (const [what, changed] of changes) {
    it(`change with the ${what}`, () => assert.notEqual(requestKey(changed), requestKey(request)));
  }

  it("are taken apart, or refused with what one looks like", () => {
    assert.deepEqual(parseRunId("2026-11-23-0123456789ab"), {
      runId: "2026-11-23-0123456789ab",
      runDate: "2026-11-23",
      requestKey: "0123456789ab",
    });
    assert.throws(
      () => parseRunId("../etc"),
      (error) => error instanceof ImagemillError && error.exitCode === 2 && error.hint !== undefined,
    );
  });
});

describe("attempt names", () => {
  it("carry the engine's attempt and 64 random bits, and are safe as a name", () => {
    assert.match(attemptName("3/7 task", seededRandom(1)), /^3_7_task-[0-9a-f]{16}$/);
    assert.notEqual(attemptName("0", seededRandom(1)), attemptName("0", seededRandom(2)));
  });
});

describe("digests", () => {
  it("ignore the order of keys and absent members", () => {
    assert.equal(canonicalJson({ b: 1, a: { d: undefined, c: [2, { f: 1, e: 0 }] } }), '{"a":{"c":[2,{"e":0,"f":1}]},"b":1}');
    assert.equal(digestOf({ a: 1, b: 2 }), digestOf({ b: 2, a: 1 }));
    assert.notEqual(digestOf([1, 2]), digestOf([2, 1]));
  });
});
