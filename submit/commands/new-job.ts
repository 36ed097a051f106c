import { codeOf, usageError } from "../../core/errors.ts";
import { commandName } from "../terminal/called.ts";
import { jsonFlag } from "./flags.ts";
import { defineVerb } from "./verb.ts";

export const newJobVerb = defineVerb({
  command: "new job <name>",
  summary: "A template for a job of your own",
  group: "Set up",
  positionals: { name: { type: "string", demandOption: true, describe: "Lower-case letters, digits and dashes" } },
  flags: jsonFlag,
  examples: [["new job average-color", "writes average-color.ts, which `imagemill try ./average-color.ts photo.jpg` runs"]],
  run: async (args, shell) => {
    const [{ writeFile }, { join }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
    if (!/^[a-z][a-z0-9-]{0,40}$/.test(args.name)) {
      throw usageError(`"${args.name}" is no name for a job`, "Use lower-case letters, digits and dashes: imagemill new job average-color");
    }
    const file = join(shell.cwd, `${args.name}.ts`);
    try {
      await writeFile(file, template(args.name), { flag: "wx" });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      throw usageError(`${file} is there already`, "Choose another name, or remove the file.");
    }
    const next = `${commandName(shell.environment)} try ./${args.name}.ts path/to/photo.jpg`;
    shell.out((args.json ?? false) ? JSON.stringify({ file }) : `wrote ${file}\n  next: ${next}`);
    return 0;
  },
});

const template = (
  name: string,
): string => `// A job: what is done to one image. docs/jobs.md describes the seam; no I/O here, the worker does that.
export default {
  name: ${JSON.stringify(name)},
  // Raise it when the output for equal input changes: the ledger then knows that old work is stale.
  version: 1,
  params: (zod) => zod.strictObject({ edge: zod.int().min(1).max(8192).default(64) }),
  // What it will ask of the one decode that serves all jobs of a run.
  needs: (_header, params) => ({ pixels: [box(params)] }),
  run: async (image, params) => {
    // A sharp pipeline: upright, sRGB, inside the box.
    const { data, info } = await image.pixels(box(params)).greyscale().png().toBuffer({ resolveWithObject: true });
    return {
      outputs: [
        { variant: "grey", bytes: new Uint8Array(data), format: "png", contentType: "image/png", width: info.width, height: info.height },
      ],
    };
  },
};

const box = (params) => ({ width: params.edge, height: params.edge });
`;
