import type { Computed } from "./thread.ts";

export type Compute = (name: string, bytes: Uint8Array<ArrayBuffer>) => Promise<Computed>;

interface Guest {
  /** Whether another image was in a thread at the same time. */
  hadCompany: boolean;
}

/**
 * libvips writes down what is wrong with an image in one place of the whole process, where an image beside it finds it,
 * or clears it away. A verdict that rests on such words is found again while no other image is in a thread, so that equal
 * bytes have equal outcomes whoever was beside them.
 */
export function undisturbed(compute: Compute): Compute {
  const guests = new Set<Guest>();
  const waiting: { alone: boolean; enter(): void }[] = [];
  let closed = false;

  const admit = (): void => {
    while (waiting.length > 0 && !closed) {
      const [first] = waiting;
      if (first!.alone && guests.size > 0) return;
      waiting.shift();
      closed = first!.alone;
      first!.enter();
    }
  };

  const enter = async (alone: boolean): Promise<Guest> => {
    const guest: Guest = { hadCompany: false };
    const { promise, resolve } = Promise.withResolvers<Guest>();
    const begin = (): void => {
      guests.add(guest);
      if (guests.size > 1) for (const each of guests) each.hadCompany = true;
      resolve(guest);
    };
    waiting.push({ alone, enter: begin });
    admit();
    return promise;
  };

  const visit = async (alone: boolean, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<Computed & Guest> => {
    const guest = await enter(alone);
    try {
      const found = await compute(name, bytes);
      return { ...found, hadCompany: guest.hadCompany };
    } finally {
      guests.delete(guest);
      if (alone) closed = false;
      admit();
    }
  };

  return async (name, bytes) => {
    const first = await visit(false, name, bytes);
    const { result, bytes: givenBack } = first.hadCompany && first.result.hearsay === true ? await visit(true, name, first.bytes) : first;
    return { result, bytes: givenBack };
  };
}
