/** What is in work at the same time: bounded in number and in bytes, so that memory is. */
export interface Flight {
  /** Waits for room, in the order of the calls; disposing gives it back. What is larger than the bound goes alone. */
  enter(bytes: number, signal: AbortSignal): Promise<Disposable>;
  readonly count: number;
  /** Resolves when nothing is in flight. */
  landed(): Promise<void>;
}

interface Waiting {
  bytes: number;
  start(): void;
}

export function createFlight({ most, mostBytes }: { most: number; mostBytes: number }): Flight {
  let count = 0;
  let inFlightBytes = 0;
  const queue: Waiting[] = [];
  let watchers: (() => void)[] = [];

  const fits = (bytes: number): boolean => count < most && (count === 0 || inFlightBytes + bytes <= mostBytes);

  const take = (bytes: number): Disposable => {
    count += 1;
    inFlightBytes += bytes;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        count -= 1;
        inFlightBytes -= bytes;
        startNext();
        if (count === 0) tellLanded();
      },
    };
  };
  const startNext = (): void => {
    while (queue.length > 0 && fits(queue[0]!.bytes)) queue.shift()!.start();
  };
  const tellLanded = (): void => {
    const told = watchers;
    watchers = [];
    for (const tell of told) tell();
  };

  return {
    get count() {
      return count;
    },
    enter: async (bytes, signal) => {
      signal.throwIfAborted();
      if (queue.length === 0 && fits(bytes)) return take(bytes);
      return new Promise<Disposable>((resolve, reject) => {
        const giveUp = (): void => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(signal.reason as Error);
          startNext();
        };
        const waiting: Waiting = {
          bytes,
          start: () => {
            signal.removeEventListener("abort", giveUp);
            resolve(take(bytes));
          },
        };
        signal.addEventListener("abort", giveUp, { once: true });
        queue.push(waiting);
      });
    },
    landed: async () => {
      if (count > 0) await new Promise<void>((resolve) => watchers.push(resolve));
    },
  };
}
