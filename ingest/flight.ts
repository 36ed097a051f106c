/** What is in work at the same time: bounded in number and in bytes, so that memory is. */
export interface Flight {
  /** Waits for room, in the order of the calls; disposing gives it back. What is larger than the bound goes alone. */
  enter(bytes: number, signal: AbortSignal): Promise<Room>;
  readonly bytes: number;
}

export interface Room extends Disposable {
  /** What it turned out to be, where that was not known before; more than was asked for is granted, and makes others wait. */
  resize(bytes: number): void;
}

interface Waiting {
  bytes: number;
  start(): void;
}

export function createFlight({ most, mostBytes }: { most: number; mostBytes: number }): Flight {
  let count = 0;
  let inFlightBytes = 0;
  const queue: Waiting[] = [];

  const fits = (bytes: number): boolean => count < most && (count === 0 || inFlightBytes + bytes <= mostBytes);

  const take = (asked: number): Room => {
    let bytes = asked;
    count += 1;
    inFlightBytes += bytes;
    let held = true;
    return {
      resize: (actual) => {
        if (!held) return;
        inFlightBytes += actual - bytes;
        bytes = actual;
        startNext();
      },
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        count -= 1;
        inFlightBytes -= bytes;
        startNext();
      },
    };
  };
  const startNext = (): void => {
    while (queue.length > 0 && fits(queue[0]!.bytes)) queue.shift()!.start();
  };

  return {
    get bytes() {
      return inFlightBytes;
    },
    enter: async (bytes, signal) => {
      signal.throwIfAborted();
      if (queue.length === 0 && fits(bytes)) return take(bytes);
      return new Promise<Room>((resolve, reject) => {
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
  };
}
