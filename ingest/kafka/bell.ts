/** Wakes all who wait. */
export interface Bell {
  ring(): void;
  /** The next ring after this call. */
  next(): Promise<void>;
}

export function createBell(): Bell {
  let next = Promise.withResolvers<void>();
  return {
    ring: () => {
      const rung = next;
      next = Promise.withResolvers();
      rung.resolve();
    },
    next: async () => next.promise,
  };
}
