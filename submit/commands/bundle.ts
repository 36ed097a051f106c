import type { Bundle } from "../bundle/bundle.ts";
import type { UploadedRuntime } from "../bundle/upload.ts";
import { usageError, type ImagemillError } from "../../core/errors.ts";
import { formatBytes } from "../terminal/format.ts";
import { placeText } from "../terminal/places.ts";
import { configFlags, text } from "./flags.ts";
import type { ConfigArguments } from "./session.ts";
import { defineVerb, type Shell } from "./verb.ts";

export const bundleVerb = defineVerb({
  command: "bundle",
  summary: "The runtime archive for nodes of a cluster: Node, this code, sharp for linux-x64",
  group: "Keep",
  positionals: {},
  flags: {
    out: text("out", "Folder for the archive [default: this one; with --upload, a cache]"),
    upload: { type: "boolean", describe: "Put it and driver.py into the control store, and say their URIs for schedulers" },
    ...configFlags,
  },
  examples: [
    ["bundle --out dist", "engines make it by themselves where they need it; bin/imagemill inside starts it"],
    ["bundle --upload --config nightly.yaml", "what a Dataproc batch of a scheduler is made of"],
  ],
  run: async (args, shell) => {
    const { bundle, sizeBytes, uploaded } = await ((args.upload ?? false) ? makeAndUpload(args, shell) : make(args.out ?? ".", shell));
    if (args.json ?? false) shell.out(JSON.stringify({ ...bundle, sizeBytes, ...uploaded }));
    else for (const line of await linesOf(bundle, sizeBytes, uploaded, shell.cwd)) shell.out(line);
    return 0;
  },
});

interface Made {
  bundle: Bundle;
  sizeBytes: number;
  uploaded?: Uploaded;
}

async function make(folder: string, shell: Shell): Promise<Made> {
  const [{ makeBundle }, { stat }, { resolve }] = await Promise.all([
    import("../bundle/bundle.ts"),
    import("node:fs/promises"),
    import("node:path"),
  ]);
  const bundle = await makeBundle(resolve(shell.cwd, folder), shell.signal);
  return { bundle, sizeBytes: (await stat(bundle.file)).size };
}

/** What a Dataproc batch with a whole run is made of. */
interface Uploaded extends UploadedRuntime {
  /** Of Spark. */
  properties: Record<string, string>;
}

async function makeAndUpload(args: ConfigArguments & { out?: string | undefined }, shell: Shell): Promise<Made> {
  const [{ openSession }, { openSessionStore }, { uploadRuntime }, { wholeRunProperties }, { join }, { cacheFolder }] = await Promise.all([
    import("./session.ts"),
    import("./stores.ts"),
    import("../bundle/upload.ts"),
    import("../engines/dataproc/fleet.ts"),
    import("node:path"),
    import("../folders.ts"),
  ]);
  using session = await openSession(args, shell, { source: false, phase: "uploading" });
  const { config, log } = session;
  if (!config.control.startsWith("gs://")) throw folderRefused(config.control);
  const made = await make(args.out ?? join(cacheFolder(shell.environment), "bundles"), shell);
  const control = await openSessionStore(config, "control", shell, log);
  try {
    const properties = wholeRunProperties(config.dataproc, config.policy.limits.workerMemoryBytes);
    return { ...made, uploaded: { ...(await uploadRuntime(control, made.bundle, shell.signal)), properties } };
  } finally {
    await control.close();
  }
}

function folderRefused(control: string): ImagemillError {
  return usageError(
    `the control store ${control} is a folder of this machine, where no scheduler's cluster finds what is uploaded`,
    "--control gs://bucket/prefix; for the archive as a file: imagemill bundle --out FOLDER",
  );
}

async function linesOf(
  { file, files, written }: Bundle,
  sizeBytes: number,
  uploaded: Uploaded | undefined,
  cwd: string,
): Promise<string[]> {
  const { pathToFileURL } = await import("node:url");
  const how = written ? "wrote" : "was there already:";
  const local = `${how} ${placeText(pathToFileURL(file).href, cwd)}: ${files} files, ${formatBytes(sizeBytes)}`;
  if (uploaded === undefined) return [local];
  const properties = Object.entries(uploaded.properties).map(([name, value]) => `${name}=${value}`);
  return [local, `archive    ${uploaded.archive}`, `driver     ${uploaded.driver}`, `properties ${properties.join(",")}`];
}
