import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("./client/main.ts", import.meta.url));

/** What runs in the page, as one script: our client with the parts of ECharts and hyparquet that it uses. */
export async function clientScript(): Promise<string> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    platform: "browser",
    target: ["chrome110", "firefox115", "safari16.4"],
    charset: "ascii",
    legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}
