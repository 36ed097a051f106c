import type { Clock } from "../core/clock.ts";
import { codeOf } from "../core/errors.ts";
import type { LogFields, Logger } from "../core/log.ts";
import type { ListPage, ObjectInfo, ObjectStore } from "./store.ts";
import { wrapCalls, type StoreOperation } from "./wrap.ts";

/** One debug line for each call: what, where, how long, how much, what went wrong. */
export function withTrace(inner: ObjectStore, { log, clock }: { log: Logger; clock: Clock }): ObjectStore {
  return wrapCalls(inner, async ({ op, name }, act) => {
    const start = clock.monotonicMs();
    const say = (fields: LogFields): void => {
      log.debug(`store.${op}`, { uri: inner.uri(name), ms: Math.round((clock.monotonicMs() - start) * 10) / 10, ...fields });
    };
    try {
      const result = await act();
      say(describe[op](result));
      return result;
    } catch (error) {
      say({ error: codeOf(error) ?? "unknown" });
      throw error;
    }
  });
}

const sized = (result: unknown): LogFields => {
  const info = result as ObjectInfo | undefined;
  return { bytes: info?.sizeBytes, generation: info?.generation };
};

/** Of what the calls return (see ObjectStore). */
const describe: Record<StoreOperation, (result: unknown) => LogFields> = {
  list: (result) => {
    const { done, value } = result as IteratorResult<ListPage>;
    return { names: done === true ? 0 : value.objects.length + value.prefixes.length };
  },
  stat: sized,
  read: (result) => {
    const { info, bytes } = result as Awaited<ReturnType<ObjectStore["read"]>>;
    return { ...sized(info), bytes: bytes.length };
  },
  write: sized,
  copy: sized,
  delete: (result) => ({ removed: result as boolean }),
};
