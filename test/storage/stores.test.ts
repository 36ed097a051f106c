import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, systemClock } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { withFaults } from "../../storage/faults.ts";
import { fileStore } from "../../storage/file.ts";
import { withLimit } from "../../storage/limit.ts";
import { memoryStore } from "../../storage/memory.ts";
import { withRetry } from "../../storage/retry.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { withTrace } from "../../storage/trace.ts";
import { storeContract } from "../contracts/store.ts";

const wrapped = (store: ObjectStore): ObjectStore => {
  const clock = systemClock;
  const traced = withTrace(withFaults(store, () => undefined).store, { log: silentLogger, clock });
  return withRetry(withLimit(traced, { concurrency: 4 }), { attempts: 3, clock, random: seededRandom(1), log: silentLogger });
};

const itself = (store: ObjectStore): ObjectStore => store;

for (const [how, wrap] of [
  ["", itself],
  [" in all wrappers", wrapped],
] as const) {
  storeContract(
    `memoryStore${how}`,
    async () => ({ store: wrap(memoryStore({ pageSize: 100 })), other: wrap(memoryStore()), dispose: async () => undefined }),
    { lineBreaks: false, manyObjects: 500 },
  );
}

const folderStores: [string, (root: string) => ObjectStore][] = [
  ["fileStore", (root) => fileStore(root)],
  ["fileStore in all wrappers", (root) => wrapped(fileStore(root))],
  ["fileStore without hard links", (root) => fileStore(root, { hardLinks: false })],
];
for (const [title, make] of folderStores) {
  storeContract(
    title,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "imagemill-store-"));
      // The space and the accent go through every path that the store makes.
      const [store, other] = ["ein Ordner é", "other"].map((name) => make(join(folder, name)));
      await store!.write("root", Buffer.from("there"));
      await store!.delete("root");
      return { store: store!, other: other!, dispose: async () => rm(folder, { recursive: true }) };
    },
    { lineBreaks: true, manyObjects: 1100 },
  );
}
