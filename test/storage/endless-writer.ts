import { fileStore } from "../../storage/file.ts";

/** Started by file.test.ts, which kills it: creates and replaces objects whose content tells whether it is whole. */
const store = fileStore(process.argv[2]!);
process.stdout.write("ready\n");
for (let round = 0; ; round++) {
  const content = Buffer.alloc(2_000_000, String.fromCharCode(97 + (round % 26)));
  await store.write(`created/${process.pid}-${round % 50}/${round}`, content, { ifGeneration: "0", durable: round % 7 === 0 });
  await store.write("replaced", content);
  if (round > 20) await store.delete(`created/${process.pid}-${(round - 20) % 50}/${round - 20}`);
}
