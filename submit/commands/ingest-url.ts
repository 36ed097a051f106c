import type { UploadUrl } from "../../ingest/signed-url.ts";
import { usageError } from "../../core/errors.ts";
import { shellWord } from "../terminal/places.ts";
import { configFlags, duration, size, text } from "./flags.ts";
import { ingestTarget } from "./ingest-target.ts";
import { openSession } from "./session.ts";
import { defineVerb } from "./verb.ts";

const defaultMaxBytes = 20e6;
const defaultExpiresMs = 15 * 60_000;

export const ingestUrlVerb = defineVerb({
  command: "ingest url <name>",
  summary: "A URL by which an app uploads one image, without an account",
  group: "Bring in",
  positionals: { name: { type: "string", demandOption: true, describe: "The object's name below --to" } },
  flags: {
    to: text("to", "Where to: gs://bucket/prefix [default: the source of the configuration]"),
    "content-type": text("content-type", "What the app says it uploads [default: image/jpeg]"),
    "max-bytes": size("max-bytes", "Larger uploads are refused [default: 20MB]"),
    expires: duration("expires", "How long the URL may be used, at most 7d [default: 15m]"),
    config: configFlags.config,
    set: configFlags.set,
    json: configFlags.json,
    "log-level": configFlags["log-level"],
  },
  examples: [["ingest url users/4711/cat.jpg --to gs://photos-in --expires 5m", "prints the URL, and the curl that uses it"]],
  run: async (args, shell) => {
    const [{ signUploadUrl }, { gcsClient }, { parseStoreUrl }] = await Promise.all([
      import("../../ingest/signed-url.ts"),
      import("../../storage/gcs-client.ts"),
      import("../../storage/url.ts"),
    ]);
    using session = await openSession(args, shell, { source: false, phase: "signing" });
    const target = parseStoreUrl(await ingestTarget(args.to, session.config, shell.cwd));
    if (target.kind !== "gs")
      throw usageError(`${target.url} is no bucket: only Cloud Storage takes signed URLs`, "Give --to gs://bucket/prefix.");
    const client = await gcsClient(session.config.google.endpoints.storage, session.config.google.project);
    const upload = await signUploadUrl(client, {
      bucket: target.bucket,
      name: target.prefix + args.name,
      contentType: args["content-type"] ?? "image/jpeg",
      maxBytes: args["max-bytes"] ?? defaultMaxBytes,
      expiresMs: args.expires ?? defaultExpiresMs,
      nowMs: shell.clock.now(),
    });
    session.screen[Symbol.dispose]();
    if (args.json ?? false) shell.out(JSON.stringify(upload));
    else for (const line of linesOf(upload)) shell.out(line);
    return 0;
  },
});

function linesOf({ url, method, headers }: UploadUrl): string[] {
  const said = Object.entries(headers).map(([key, value]) => `-H ${shellWord(`${key}: ${value}`)}`);
  return [url, "", `curl --fail-with-body -X ${method} ${said.join(" ")} --upload-file photo.jpg ${shellWord(url)}`];
}
