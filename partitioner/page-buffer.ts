import { createBell } from "../core/bell.ts";
import type { Spool, SpoolFile } from "./spool.ts";

/** Pages of one range between who lists it and who reads it, perhaps much later. */
export interface PageBuffer<T> {
  /** Resolves when there is room for the next; to be awaited before it. */
  push(page: T[]): Promise<void>;
  /** No page follows. */
  end(): void;
  /** Once. What came before is read back from disk; from then on pages pass directly. */
  read(): AsyncGenerator<T[]>;
}

const maxWaiting = 2;

export function createPageBuffer<T>(spool: Spool): PageBuffer<T> {
  const waiting: T[][] = [];
  const bell = createBell();
  let file: SpoolFile | undefined;
  let storing: Promise<void> = Promise.resolve();
  const state = { isRead: false, isEnded: false };

  const store = async (page: T[]): Promise<void> => {
    file ??= spool.file();
    for (const item of page) {
      const pending = file.append(JSON.stringify(item));
      if (pending !== undefined) await pending;
    }
  };

  return {
    push: async (page) => {
      if (!state.isRead) return (storing = store(page));
      waiting.push(page);
      bell.ring();
      while (waiting.length > maxWaiting && !state.isEnded) await bell.next();
    },
    end: () => {
      state.isEnded = true;
      bell.ring();
    },
    read: async function* () {
      state.isRead = true;
      await storing;
      if (file !== undefined) for await (const lines of file.read()) yield lines.map((line) => JSON.parse(line) as T);
      for (;;) {
        const page = waiting.shift();
        if (page !== undefined) {
          bell.ring();
          yield page;
        } else if (state.isEnded) return;
        else await bell.next();
      }
    },
  };
}
