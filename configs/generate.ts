import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { builtInJobs } from "../jobs/registry.ts";
import { configJsonSchema, configReference, type JsonSchema } from "./reference.ts";

/** In docs/configuration.md everything from here on is generated. */
const keysHeading = "## Keys\n\n";

/** What `npm run schema` writes, by path from the root of the repository; a test keeps both current. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const page = await readFile(new URL("../docs/configuration.md", import.meta.url), "utf8");
  return {
    "configs/imagemill.schema.json": `${JSON.stringify(await editorSchema(), undefined, 2)}\n`,
    "docs/configuration.md": `${page.split(keysHeading)[0]}${keysHeading}${configReference()}`,
  };
}

/** The schema of the configuration, with the built-in jobs and their parameters for completion. */
async function editorSchema(): Promise<JsonSchema> {
  const schema = configJsonSchema();
  const jobs = Object.entries(builtInJobs).map(async ([name, load]): Promise<[string, JsonSchema]> => {
    const { default: job } = await load();
    const { $schema: _, ...params } = z.toJSONSchema(job.params(z), { target: "draft-7", io: "input" });
    return [name, params as JsonSchema];
  });
  const properties = Object.fromEntries(await Promise.all(jobs));
  const names = { enum: Object.keys(properties), description: "A built-in job with its usual parameters." };
  const short = { type: "object", properties, additionalProperties: { type: "object" }, minProperties: 1, maxProperties: 1 };
  const { items } = schema.properties!["jobs"]!;
  // Without the open form of the short one, which would let every misspelt parameter pass.
  items!.anyOf = [names, short, ...items!.anyOf!.filter((form) => form.type === "string" || form.properties !== undefined)];
  return schema;
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedFiles())) {
    await writeFile(new URL(`../${path}`, import.meta.url), text);
  }
}
