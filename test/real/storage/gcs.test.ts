import { seededRandom, systemClock, systemRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { gcsStore } from "../../../storage/gcs.ts";
import { withLimit } from "../../../storage/limit.ts";
import { withRetry } from "../../../storage/retry.ts";
import type { ObjectStore } from "../../../storage/store.ts";
import { storeContract } from "../../contracts/store.ts";
import { startGcsProxy, type GcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";

let server: GcsProxy;
let made = 0;

const wrapped = (store: ObjectStore): ObjectStore => {
  const options = { attempts: 3, clock: systemClock, random: seededRandom(1), log: silentLogger };
  return withRetry(withLimit(store, { concurrency: 8 }), options);
};
const itself = (store: ObjectStore): ObjectStore => store;

describe("Cloud Storage", () => {
  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a Cloud Storage server", startGcsProxy);
  });
  after(async () => server?.[Symbol.asyncDispose]());

  for (const [title, prefix, wrap] of [
    ["gcsStore", "", itself],
    ["gcsStore below a prefix, wrapped", "some/prefix é/", wrapped],
  ] as const) {
    storeContract(
      title,
      async () => {
        const bucket = `contract-${(made += 1)}`;
        await server.createBucket(bucket);
        const own = { clock: systemClock, random: systemRandom, endpoint: server.endpoint, bucket, pageSize: 100 };
        const bare = [gcsStore({ ...own, prefix }), gcsStore({ ...own, prefix: "other/" })];
        const [store, other] = bare.map(wrap);
        return {
          store: store!,
          other: other!,
          dispose: async () => {
            for (const one of bare) await one.close();
          },
        };
      },
      { lineBreaks: false, dotNames: prefix !== "", manyObjects: 350, maxNameBytes: 1024 - Buffer.byteLength(prefix) },
    );
  }
});
