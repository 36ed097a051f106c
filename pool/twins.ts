import type { TwinRef } from "../core/rows.ts";
import type { KnownTwin } from "./channel.ts";

/**
 * Who of several equal objects is processed and who points at it. `duplicate` needs a twin that is `ok`, so the others
 * wait until the first is done; when it fails, the next is processed.
 */
export interface Twins {
  know(twin: KnownTwin): void;
  /** The `ok` twin; undefined = the caller processes the object, and says how it went with `settle`. */
  claim(attempt: string, sha256: string): Promise<TwinRef | undefined>;
  /** `twin` only when it is `ok`. */
  settle(attempt: string, sha256: string, twin: TwinRef | undefined): void;
  forget(attempt: string): void;
  /** Lets candidates of one group claim in the order in which they queued. */
  queue(group: string): Turn;
}

export interface Turn {
  /** Resolves when all that queued before have passed. */
  readonly mine: Promise<unknown>;
  pass(): void;
}

interface Claim {
  settled: Promise<void>;
  settle: () => void;
  twin?: TwinRef;
}

export function createTwins(): Twins {
  const claims = new Map<string, Map<string, Claim>>();
  const lines = new Map<string, Promise<unknown>>();

  const claimsOf = (attempt: string): Map<string, Claim> => {
    const found = claims.get(attempt) ?? new Map<string, Claim>();
    claims.set(attempt, found);
    return found;
  };

  return {
    know: ({ attempt, sha256, twin }) => claimsOf(attempt).set(sha256, { settled: Promise.resolve(), settle: () => undefined, twin }),
    claim: async (attempt, sha256) => {
      const known = claimsOf(attempt);
      for (;;) {
        const claim = known.get(sha256);
        if (claim === undefined) break;
        if (claim.twin !== undefined) return claim.twin;
        await claim.settled;
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      known.set(sha256, { settled: promise, settle: resolve });
      return undefined;
    },
    settle: (attempt, sha256, twin) => {
      const known = claimsOf(attempt);
      const claim = known.get(sha256);
      if (claim === undefined || claim.twin !== undefined) return;
      if (twin === undefined) known.delete(sha256);
      else claim.twin = twin;
      claim.settle();
    },
    forget: (attempt) => {
      const known = claimsOf(attempt);
      claims.delete(attempt);
      const open = [...known.values()];
      // Emptied first: who waits looks again.
      known.clear();
      for (const claim of open) claim.settle();
    },
    queue: (group) => {
      const before = lines.get(group) ?? Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const line: Promise<unknown> = Promise.all([before, promise]).then(() => (lines.get(group) === line ? lines.delete(group) : false));
      lines.set(group, line);
      return { mine: before, pass: resolve };
    },
  };
}
