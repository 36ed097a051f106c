#!/usr/bin/env node
// Plain JavaScript that an old Node can parse: it finds a Node that runs TypeScript and goes on in it.
import { spawn } from "node:child_process";
import module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const neededMajor = 24;
const here = dirname(fileURLToPath(import.meta.url));

// Modules without their types, compiled, for us and for all that we start: a worker then needs 60 MB and 50 ms of CPU
// to start instead of 100 MB and 200 ms. Beside the packages, where no other user can write.
process.env.NODE_COMPILE_CACHE ??= join(here, "..", "node_modules", ".cache", "imagemill");

if (Number(process.versions.node.split(".")[0]) >= neededMajor) {
  module.enableCompileCache();
  await import("./main.ts");
} else {
  const child = spawn(ownNode(), [join(here, "main.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
  });
}

/** The `node` package is a dependency, so that an older system Node is no obstacle. */
function ownNode() {
  try {
    const packageFile = createRequire(import.meta.url).resolve("node/package.json");
    return join(dirname(packageFile), "bin", "node");
  } catch {
    process.stderr.write(`imagemill needs Node ${neededMajor} or newer (this is ${process.version}); run \`npm ci\`, which brings one.\n`);
    return process.exit(2);
  }
}
