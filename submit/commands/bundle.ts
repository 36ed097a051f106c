import { formatBytes } from "../terminal/format.ts";
import { placeText } from "../terminal/places.ts";
import { jsonFlag, text } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const bundleVerb = defineVerb({
  command: "bundle",
  summary: "The runtime archive for nodes of a cluster: Node, this code, sharp for linux-x64",
  group: "Keep",
  positionals: {},
  flags: { out: text("out", "Folder for the archive [default: this one]"), ...jsonFlag },
  examples: [["bundle --out dist", "engines make it by themselves where they need it; bin/imagemill inside starts it"]],
  run: async (args, shell) => {
    const [{ makeBundle }, { stat }, { resolve }, { pathToFileURL }] = await Promise.all([
      import("../bundle/bundle.ts"),
      import("node:fs/promises"),
      import("node:path"),
      import("node:url"),
    ]);
    const { file, name, digest, files, written } = await makeBundle(resolve(shell.cwd, args.out ?? "."), shell.signal);
    const { size: sizeBytes } = await stat(file);
    if (args.json ?? false) shell.out(JSON.stringify({ file, name, digest, files, sizeBytes, written }));
    else {
      const how = written ? "wrote" : "was there already:";
      shell.out(`${how} ${placeText(pathToFileURL(file).href, shell.cwd)}: ${files} files, ${formatBytes(sizeBytes)}`);
    }
    return 0;
  },
});
