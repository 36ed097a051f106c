import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
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

  it("the configurations to start from load", async () => {
    const load = async (name: string) => loadConfig({ path: `configs/${name}.yaml`, flags: {}, env: {}, cwd: fileURLToPath(root) });
    assert.equal((await load("local")).source, new URL("photos", root).href);
    const nightly = await load("nightly");
    assert.deepEqual([nightly.source, nightly.warehouse], ["gs://my-ingestion/{run_date}", "bigquery://my-project/images"]);
  });
});
