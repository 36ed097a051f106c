import { readFile, writeFile } from "node:fs/promises";
import { configJsonSchema, configReference } from "./reference.ts";

/** In docs/configuration.md everything from here on is generated. */
const keysHeading = "## Keys\n\n";

/** What `npm run schema` writes, by path from the root of the repository; a test keeps both current. */
export async function generatedFiles(): Promise<Record<string, string>> {
  const page = await readFile(new URL("../docs/configuration.md", import.meta.url), "utf8");
  return {
    "configs/imagemill.schema.json": `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
    "docs/configuration.md": `${page.split(keysHeading)[0]}${keysHeading}${configReference()}`,
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedFiles())) {
    await writeFile(new URL(`../${path}`, import.meta.url), text);
  }
}
