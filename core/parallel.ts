/**
 * Calls `work` for each item, `width` at a time, taking items only as they are needed. After the first failure no
 * further item is taken; rejects with it when what is in flight has ended.
 */
export async function inParallel<T>(items: Iterable<T> | AsyncIterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const failures: unknown[] = [];
  let taking: Promise<unknown> = Promise.resolve();
  // In turn: an iterator need not stand a second call of next() before the first has answered.
  const take = async (): Promise<IteratorResult<T>> => {
    const taken = taking.then(async () => iterator.next());
    taking = taken.catch(() => undefined);
    return taken;
  };
  const lane = async (): Promise<void> => {
    try {
      while (failures.length === 0) {
        const item = await take();
        if (item.done === true) return;
        await work(item.value);
      }
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  if (failures.length === 0) return;
  await iterator.return?.();
  throw failures[0];
}
