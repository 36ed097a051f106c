import type { Bundle } from "../bundle/bundle.ts";
import type { UploadedRuntime } from "../bundle/upload.ts";
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
    const [{ makeBundle }, { stat }, { join, resolve }, { cacheFolder }] = await Promise.all([
      import("../bundle/bundle.ts"),
      import("node:fs/promises"),
      import("node:path"),
      import("../folders.ts"),
    ]);
    const upload = args.upload ?? false;
    const folder = upload && args.out === undefined ? join(cacheFolder(shell.environment), "bundles") : resolve(shell.cwd, args.out ?? ".");
    const bundle = await makeBundle(folder, shell.signal);
    const { size: sizeBytes } = await stat(bundle.file);
    const uploaded = upload ? await uploadTo(args, shell, bundle) : undefined;
    if (args.json ?? false) shell.out(JSON.stringify({ ...bundle, sizeBytes, ...uploaded }));
    else for (const line of await linesOf(bundle, sizeBytes, uploaded, shell.cwd)) shell.out(line);
    return 0;
  },
});

/** What a Dataproc batch with a whole run is made of. */
interface Uploaded extends UploadedRuntime {
  /** Of Spark. */
  properties: Record<string, string>;
}

async function uploadTo(args: ConfigArguments, shell: Shell, bundle: Bundle): Promise<Uploaded> {
  const [{ openSession }, { openSessionStore }, { uploadRuntime }, { wholeRunProperties }] = await Promise.all([
    import("./session.ts"),
    import("./stores.ts"),
    import("../bundle/upload.ts"),
    import("../engines/dataproc/fleet.ts"),
  ]);
  using session = await openSession(args, shell, { source: false, phase: "uploading" });
  const control = await openSessionStore(session.config, "control", shell, session.log);
  try {
    const properties = wholeRunProperties(session.config.dataproc, session.config.policy.limits.workerMemoryBytes);
    return { ...(await uploadRuntime(control, bundle, shell.signal)), properties };
  } finally {
    await control.close();
  }
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
