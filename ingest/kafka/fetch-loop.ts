import type { Flight, Room } from "../flight.ts";
import { createBell, type Bell } from "../../core/bell.ts";
import type { Fetched, FetchFrom, Member } from "./member.ts";
import type { ImageMessage } from "./message.ts";

export interface FetchLoop {
  member: Member;
  /** Where to go on, of all partitions whose start is known. */
  positions(): readonly FetchFrom[];
  flight: Flight;
  /** Room to have before a fetch: what one broker may answer with. */
  fetchBytes: number;
  /** Rings when there may be other positions. */
  changed: Bell;
  /** Takes what was fetched; what is kept of it holds a share of its room. */
  deliver(fetched: Fetched, share: () => () => void): void;
  /** After each answer. */
  worked(): void;
  /** Resolves when it is time to try again. */
  failed(error: unknown): Promise<void>;
  stop: AbortSignal;
}

/** What a message costs besides its bytes. */
const overheadBytes = 512;

/** Fetches until it is stopped: from all brokers side by side, one fetch at a time from each, and only into room that is there. */
export async function fetchAll(loop: FetchLoop): Promise<void> {
  const { member, changed, stop } = loop;
  const busy = new Set<number>();
  const answered = createBell();
  stop.addEventListener("abort", answered.ring, { once: true });
  const fetchOnce = async (broker: number, from: FetchFrom[]): Promise<void> => {
    busy.add(broker);
    await fetchFrom(loop, broker, from);
    busy.delete(broker);
    answered.ring();
  };
  while (!stop.aborted) {
    const woken = Promise.race([changed.next(), answered.next()]);
    try {
      for (const [broker, from] of await member.leaders(loop.positions())) if (!busy.has(broker)) void fetchOnce(broker, from);
      await woken;
    } catch (error) {
      if (!stop.aborted) await loop.failed(error);
    }
  }
}

async function fetchFrom(loop: FetchLoop, broker: number, from: FetchFrom[]): Promise<void> {
  const { member, flight, fetchBytes, stop } = loop;
  try {
    const room = await flight.enter(fetchBytes, stop);
    using shared = shareRoom(room);
    const fetched = await member.fetch(broker, from);
    if (stop.aborted) return;
    loop.worked();
    room.resize(fetched.reduce((sum, one) => sum + ("messages" in one ? sizeOf(one.messages) : 0), 0));
    for (const one of fetched) loop.deliver(one, shared.share);
  } catch (error) {
    if (!stop.aborted) await loop.failed(error);
  }
}

function sizeOf(messages: ImageMessage[]): number {
  return messages.reduce((sum, { value, key }) => sum + (value?.length ?? 0) + (key?.length ?? 0) + overheadBytes, 0);
}

/** The room of an answer is given back when the last of its messages is done. */
function shareRoom(room: Room): Disposable & { share(): () => void } {
  let holders = 1;
  const release = (): void => {
    holders -= 1;
    if (holders === 0) room[Symbol.dispose]();
  };
  return {
    share: () => {
      holders += 1;
      return release;
    },
    [Symbol.dispose]: release,
  };
}
