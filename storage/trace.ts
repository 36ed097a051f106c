import { codeOf } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { LogFields, Logger } from "../core/log.ts";
import { wrapStore } from "./native.ts";
import type { ListOptions, ListPage, ObjectInfo, ObjectStore } from "./store.ts";

/** One debug line for each call: what, where, how long, how much, what went wrong. */
export function withTrace(inner: ObjectStore, { log, clock }: { log: Logger; clock: Clock }): ObjectStore {
  const traced = async <T>(op: string, name: string, act: () => Promise<T>, describe: (result: T) => LogFields): Promise<T> => {
    const start = clock.monotonicMs();
    const say = (fields: LogFields): void => {
      log.debug(`store.${op}`, { uri: inner.uri(name), ms: Math.round((clock.monotonicMs() - start) * 10) / 10, ...fields });
    };
    try {
      const result = await act();
      say(describe(result));
      return result;
    } catch (error) {
      say({ error: codeOf(error) ?? "unknown" });
      throw error;
    }
  };
  const sized = (info: ObjectInfo | undefined): LogFields => ({ bytes: info?.sizeBytes, generation: info?.generation });

  async function* list(options: ListOptions = {}): AsyncGenerator<ListPage> {
    const pages = inner.list(options)[Symbol.asyncIterator]();
    const next = async (): Promise<IteratorResult<ListPage, unknown>> => pages.next();
    try {
      for (;;) {
        const page = await traced("list", options.prefix ?? "", next, (result) =>
          result.done === true ? { names: 0 } : { names: result.value.objects.length + result.value.prefixes.length },
        );
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      await pages.return?.();
    }
  }

  return wrapStore(inner, {
    list,
    stat: async (name, options) => traced("stat", name, async () => inner.stat(name, options), sized),
    read: async (name, options) =>
      traced(
        "read",
        name,
        async () => inner.read(name, options),
        ({ info, bytes }) => ({ ...sized(info), bytes: bytes.length }),
      ),
    write: async (name, bytes, options) => traced("write", name, async () => inner.write(name, bytes, options), sized),
    copy: async (source, name, options) => traced("copy", name, async () => inner.copy(source, name, options), sized),
    delete: async (name, options) =>
      traced(
        "delete",
        name,
        async () => inner.delete(name, options),
        (removed) => ({ removed }),
      ),
  });
}
