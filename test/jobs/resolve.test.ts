import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exitCodes, type ImagemillError } from "../../core/errors.ts";
import { loadJobs } from "../../jobs/load.ts";
import { resolveJobs } from "../../jobs/resolve.ts";
import { photograph, process } from "./images.ts";

const brightness = `
import type { z } from "zod";
export default {
  name: "brightness",
  version: 3,
  params: (zod: typeof z) => zod.object({ gain: zod.number().min(0).default(1), label: zod.string().optional() }),
  needs: () => ({ pixels: [{ width: 8, height: 8 }] }),
  run: async (image: any, params: { gain: number }) => ({
    outputs: [{ variant: "g" + params.gain, bytes: await image.pixels({ width: 8, height: 8 }).png().toBuffer(), format: "png", contentType: "image/png" }],
  }),
};
`;

describe("resolveJobs", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "jobs-"));
    await writeFile(join(folder, "brightness.ts"), brightness);
  });
  after(() => rm(folder, { recursive: true }));

  const resolve = (...jobs: [name: string, params?: Record<string, unknown>][]) =>
    resolveJobs(
      jobs.map(([name, params = {}]) => ({ name, params })),
      folder,
    );

  it("fills in the defaults, so that what is written and what is meant have one digest", async () => {
    const [plain] = await resolve(["thumbnails"]);
    assert.deepEqual(plain?.params, { sizes: [256], format: "jpeg", quality: 80 });
    const [written] = await resolve(["thumbnails", { quality: 80, sizes: [256, 256] }]);
    assert.equal(written?.digest, plain.digest);
    const [other] = await resolve(["thumbnails", { quality: 81 }]);
    assert.notEqual(other?.digest, plain.digest);
  });

  it("finds a module from the folder of the configuration, and pins its text", async () => {
    const [job] = await resolve(["./brightness.ts", { gain: 2 }]);
    assert.deepEqual(
      { ...job, digest: "" },
      { name: "brightness", version: 3, params: { gain: 2 }, module: join(folder, "brightness.ts"), digest: "" },
    );
    const { outputs, failure } = await process(photograph, { jobs: await loadJobs([job!]) });
    assert.deepEqual([failure, outputs[0]?.job, outputs[0]?.variant], [undefined, "brightness", "g2"]);
    const planned = { ...job!, digest: "another" };
    await assert.rejects(
      loadJobs([planned]),
      (error: ImagemillError) => error.code === "JOB_DIFFERS" && error.exitCode === exitCodes.precondition,
    );
  });

  const wrong: [what: string, jobs: [name: string, params?: Record<string, unknown>][], message: RegExp, hint: RegExp][] = [
    ["no job", [], /no job is configured/, /--job thumbnails/],
    [
      "a typo in the name",
      [["thumbnail"]],
      /^jobs\[0\]: there is no job "thumbnail", did you mean "thumbnails"\?/,
      /Built in are facts, fingerprint, thumbnails/,
    ],
    [
      "a name of nothing",
      [["facts"], ["resnet"]],
      /^jobs\[1\]: there is no job "resnet"$/,
      /path of its module, e\.g\. \.\/jobs\/resnet\.ts/,
    ],
    ["an inherited name", [["constructor"]], /no job "constructor"/, /Built in/],
    [
      "a typo in a key",
      [["thumbnails", { size: [9] }]],
      /jobs\[0\]\.params: unknown key "size", did you mean "sizes"\?/,
      /sizes, format, quality/,
    ],
    ["a typo in a key of a module", [["./brightness.ts", { gian: 9 }]], /unknown key "gian", did you mean "gain"\?/, /gain, label/],
    ["a wrong type", [["facts", { gps: "yes" }]], /jobs\[0\]\.params\.gps: .*expected boolean/, /gps/],
    ["a value too small", [["facts"], ["thumbnails", { sizes: [256, 4] }]], /jobs\[1\]\.params\.sizes\[1\]: .*>=8/, /sizes/],
    ["too many sizes", [["thumbnails", { sizes: Array(17).fill(9) }]], /jobs\[0\]\.params\.sizes: .*<=16/, /sizes/],
    ["an unknown format", [["thumbnails", { format: "jpg" }]], /params\.format: .*"jpeg"/, /format/],
    [
      "an equal job twice",
      [["facts"], ["facts", { gps: false }]],
      /jobs\[1\]: the job "facts" is at jobs\[0\] already, with the same params/,
      /Remove/,
    ],
    ["a job twice", [["thumbnails"], ["thumbnails", { quality: 9 }]], /"thumbnails" is at jobs\[0\] already$/, /several sizes/],
    ["a module that is not there", [["./no.ts"]], /job module .*no\.ts cannot be loaded: ENOENT/, /default export/],
  ];
  for (const [what, jobs, message, hint] of wrong) {
    it(`tells place and remedy of ${what}`, async () => {
      await assert.rejects(resolve(...jobs), (error: ImagemillError) => {
        assert.equal(error.exitCode, exitCodes.usage);
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        return true;
      });
    });
  }

  const modules: [what: string, text: string, message: RegExp][] = [
    ["has no default export", "export const job = {};", /no default export/],
    ["has a built-in name", brightness.replace('"brightness"', '"facts"'), /name of a built-in job/],
    ["has the name of the archived source", brightness.replace('"brightness"', '"source"'), /not be "source"/],
    ["has a path for a name", brightness.replace('"brightness"', '"a/b"'), /its name must be/],
    ["has no version", brightness.replace("version: 3", "version: 0"), /version must be/],
    ["lacks a member", brightness.replace("needs:", "wants:"), /"needs" must be a function/],
    ["throws", 'throw new Error("not today")', /not today/],
  ];
  for (const [index, [what, text, message]] of modules.entries()) {
    it(`refuses a module that ${what}`, async () => {
      await writeFile(join(folder, `module${index}.ts`), text);
      await assert.rejects(resolve([`./module${index}.ts`]), message);
    });
  }
});
