import type { PruneResult } from "../../archive/prune.ts";
import { formatBytes, formatMany } from "../terminal/format.ts";
import { configFlags } from "./flags.ts";
import { openSession } from "./session.ts";
import { openSessionStore } from "./stores.ts";
import { defineVerb } from "./verb.ts";

export const archivePruneVerb = defineVerb({
  command: "archive prune",
  summary: "Delete from folders what is past its days, as buckets do by themselves",
  group: "Keep",
  positionals: {},
  flags: { "dry-run": { type: "boolean", describe: "Only say what would be deleted" }, ...configFlags },
  examples: [["archive prune --dry-run", "what would be deleted now"]],
  run: async (args, shell) => {
    const { pruneArchive, pruneControl } = await import("../../archive/prune.ts");
    using session = await openSession(args, shell, { source: false, phase: "pruning" });
    const { config, screen, log } = session;
    const dryRun = args["dry-run"] ?? false;
    const options = { now: shell.clock.now(), signal: shell.signal, dryRun };
    const results: Record<string, PruneResult> = {};
    for (const place of ["archive", "control"] as const) {
      const store = await openSessionStore(config, place, shell, log);
      try {
        if (store.capabilities.lifecycle) continue;
        results[place] = await (place === "archive"
          ? pruneArchive(store, { ...options, days: config.policy.archive.days })
          : pruneControl(store, options));
      } finally {
        await store.close();
      }
    }
    screen[Symbol.dispose]();
    if (args.json ?? false) shell.out(JSON.stringify({ dryRun, ...results }));
    else for (const line of resultLines(results, dryRun)) shell.out(line);
    return 0;
  },
});

function resultLines(results: Record<string, PruneResult>, dryRun: boolean): string[] {
  const places = Object.entries(results);
  if (places.length === 0) return ["nothing to prune here: the buckets delete by their own lifecycle rules"];
  return places.map(([place, { objects, bytes, runs, more }]) => {
    if (objects === 0) return `${place}: nothing is past its days`;
    const what = `${formatMany(objects, "object")} (${formatBytes(bytes)}) of ${formatMany(runs.length, "run")}`;
    return `${place}: ${dryRun ? "would delete" : "deleted"} ${what}${more ? "; there is more, run it again" : ""}`;
  });
}
