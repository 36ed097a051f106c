import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "../../configs/generate.ts";
import { loadConfig } from "../../configs/load.ts";
import { configJsonSchema, configKeys } from "../../configs/reference.ts";

const root = new URL("../../", import.meta.url);

describe("what is generated from the schema", () => {
  it("is current (`npm run schema` writes it)", async () => {
    for (const [path, text] of Object.entries(await generatedFiles())) {
      assert.equal(await readFile(new URL(path, root), "utf8"), text, path);
    }
  });

  it("describes every key", () => {
    const undescribed: string[] = [];
    const visit = (schema: ReturnType<typeof configJsonSchema>, path: string): void => {
      for (const [key, member] of Object.entries(schema.properties ?? {})) {
        if (member.description === undefined) undescribed.push(path + key);
        visit(member, `${path}${key}.`);
      }
    };
    visit(configJsonSchema(), "");
    assert.deepEqual(undescribed, []);
    assert.ok(configKeys().includes("google.endpoints.storage"));
  });

  it("the configurations to start from have completion at the root of a checkout, where they are copied to", async () => {
    for (const name of ["local", "nightly"]) {
      const text = await readFile(new URL(`configs/${name}.yaml`, root), "utf8");
      const schema = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1];
      assert.equal(new URL(schema!, root).href, new URL("configs/imagemill.schema.json", root).href, name);
    }
  });

  it("the configurations to start from load where they are copied to", async () => {
    const folder = await mkdtemp(join(tmpdir(), "imagemill-config-"));
    const load = async (name: string) => {
      await copyFile(new URL(`configs/${name}.yaml`, root), join(folder, "imagemill.yaml"));
      return loadConfig({ flags: {}, env: {}, cwd: folder });
    };
    const local = await load("local");
    const below = [local.source, local.archive, local.control].map((url) => relative(folder, fileURLToPath(url)));
    assert.deepEqual(below, ["photos", join("out", "archive"), join("out", "control")]);
    const nightly = await load("nightly");
    await rm(folder, { recursive: true });
    assert.deepEqual([nightly.source, nightly.warehouse], ["gs://my-ingestion/{run_date}", "bigquery://my-project/images"]);
  });
});
