/** A bounded quantity. What is larger than all of it is let in alone, so that nothing waits for ever. */
export interface Gate {
  readonly total: number;
  used(): number;
  /** False when it does not fit now. */
  tryTake(amount: number): boolean;
  give(amount: number): void;
}

export function createGate(total: number): Gate {
  let used = 0;
  let holders = 0;
  return {
    total,
    used: () => used,
    tryTake: (amount) => {
      if (holders > 0 && used + amount > total) return false;
      used += amount;
      holders += 1;
      return true;
    },
    give: (amount) => {
      used -= amount;
      holders -= 1;
    },
  };
}
