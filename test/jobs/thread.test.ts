import assert from "node:assert/strict";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

describe("what a thread loads", () => {
  it("holds no zod, which takes longer to start than a dozen images to process", async () => {
    const { metafile } = await build({
      entryPoints: ["jobs/process.ts", "jobs/load.ts"],
      absWorkingDir: root,
      bundle: true,
      splitting: true,
      write: false,
      metafile: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outdir: "unwritten",
    });
    const packages = Object.values(metafile.outputs).flatMap((output) =>
      output.imports.filter((each) => each.external).map((each) => each.path),
    );
    assert.deepEqual(
      [...new Set(packages)].filter((name) => !name.startsWith("node:")),
      ["sharp"],
    );
  });
});
