const batchSize = 1_000;

/** One of the inputs, with the batch in hand. */
interface Head<T> {
  source: AsyncIterator<T[]>;
  order: number;
  batch: T[];
  index: number;
}

/** Sorted streams as one sorted stream; what is equal comes in the order of the streams. Holds one batch of each. */
export async function* mergeSorted<T>(streams: AsyncIterable<T[]>[], compare: (a: T, b: T) => number): AsyncGenerator<T[]> {
  if (streams.length === 1) {
    yield* streams[0]!;
    return;
  }
  const heads = streams.map((stream, order): Head<T> => ({ source: stream[Symbol.asyncIterator](), order, batch: [], index: 0 }));
  try {
    yield* mergeHeads(heads, compare);
  } finally {
    await Promise.all(heads.map(async (head) => head.source.return?.()));
  }
}

async function* mergeHeads<T>(heads: Head<T>[], compare: (a: T, b: T) => number): AsyncGenerator<T[]> {
  const heap = heapOf<Head<T>>((a, b) => compare(a.batch[a.index]!, b.batch[b.index]!) || a.order - b.order);
  for (const head of heads) if (await refill(head)) heap.push(head);
  let merged: T[] = [];
  for (let head = heap.top(); head !== undefined; head = heap.top()) {
    merged.push(head.batch[head.index++]!);
    if (head.index < head.batch.length || (await refill(head))) heap.siftTop();
    else heap.pop();
    if (merged.length < batchSize) continue;
    yield merged;
    merged = [];
  }
  if (merged.length > 0) yield merged;
}

async function refill<T>(head: Head<T>): Promise<boolean> {
  do {
    const next = await head.source.next();
    if (next.done === true) return false;
    head.batch = next.value;
    head.index = 0;
  } while (head.batch.length === 0);
  return true;
}

interface Heap<T> {
  top(): T | undefined;
  push(item: T): void;
  pop(): void;
  /** After the top has changed. */
  siftTop(): void;
}

function heapOf<T>(compare: (a: T, b: T) => number): Heap<T> {
  const items: T[] = [];
  const swap = (a: number, b: number): void => {
    [items[a], items[b]] = [items[b]!, items[a]!];
  };
  const siftTop = (): void => {
    for (let parent = 0; ;) {
      const left = 2 * parent + 1;
      if (left >= items.length) return;
      const right = left + 1;
      const least = right < items.length && compare(items[right]!, items[left]!) < 0 ? right : left;
      if (compare(items[parent]!, items[least]!) <= 0) return;
      swap(parent, least);
      parent = least;
    }
  };
  return {
    top: () => items[0],
    siftTop,
    push: (item) => {
      items.push(item);
      for (let child = items.length - 1; child > 0;) {
        const parent = (child - 1) >> 1;
        if (compare(items[parent]!, items[child]!) <= 0) return;
        swap(parent, child);
        child = parent;
      }
    },
    pop: () => {
      const last = items.pop()!;
      if (items.length === 0) return;
      items[0] = last;
      siftTop();
    },
  };
}
