import { StoreError, type ObjectStore } from "../../storage/store.ts";

/** Whether the call that fails has had its effect. */
export type Fault = "before" | "after";

/** Fails its `failAt`-th call, and only that: with a loop over `failAt` every point of a protocol fails once. */
export function failingStore(inner: ObjectStore, failAt: number, fault: Fault): { store: ObjectStore; failed: () => boolean } {
  let calls = 0;
  const failure = (): StoreError => new StoreError("UNAVAILABLE", `fault ${failAt}, ${fault}`);
  const counted = async <T>(act: () => Promise<T>): Promise<T> => {
    const fails = ++calls === failAt;
    if (fails && fault === "before") throw failure();
    const result = await act();
    if (fails) throw failure();
    return result;
  };
  const store: ObjectStore = {
    ...inner,
    list: async function* (options) {
      await counted(async () => undefined);
      yield* inner.list(options);
    },
    stat: async (...call) => counted(async () => inner.stat(...call)),
    read: async (...call) => counted(async () => inner.read(...call)),
    write: async (...call) => counted(async () => inner.write(...call)),
    delete: async (...call) => counted(async () => inner.delete(...call)),
  };
  return { store, failed: () => calls >= failAt };
}
