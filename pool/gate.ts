/** A bounded quantity. What is larger than all of it counts as all of it, so that it goes in alone and never waits for ever. */
export interface Gate {
  readonly total: number;
  /** False when it does not fit now. */
  tryTake(amount: number): boolean;
  give(amount: number): void;
}

export function createGate(total: number): Gate {
  let used = 0;
  const share = (amount: number): number => Math.min(amount, total);
  return {
    total,
    tryTake: (amount) => {
      if (used + share(amount) > total) return false;
      used += share(amount);
      return true;
    },
    give: (amount) => {
      used -= share(amount);
    },
  };
}
