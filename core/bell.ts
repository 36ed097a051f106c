/** Wakes whoever waits for something to have changed. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring. */
  next(): Promise<void>;
}

export function createBell(): Bell {
  let { promise, resolve } = Promise.withResolvers<void>();
  return {
    ring: () => {
      resolve();
      ({ promise, resolve } = Promise.withResolvers<void>());
    },
    next: async () => promise,
  };
}
