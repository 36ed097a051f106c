import assert from "node:assert/strict";
import fc from "fast-check";
import { seededRandom, type Random } from "../../core/clock.ts";
import { advance, maxFruitless, newFlight, type Death, type FlightCommand, type FlightEvent, type Role } from "../../pool/flight.ts";

const death: Death = { kind: "signal", message: "SIGKILL" };

interface World {
  images: number;
  /** These end whatever process works on them, always. */
  poison: ReadonlySet<number>;
  /** How often a process dies of something else. */
  accidents: number;
  /** Added later, as the next shard. */
  later: number;
  suspects: number[];
}

interface Lived {
  finished: number[];
  condemned: number[];
  gaveUp: boolean;
  steps: number;
}

/** Two simulated processes that obey the commands of the state machine until nothing is left to do. */
function live(world: World, random: Random): Lived {
  const flight = newFlight();
  const queues: Record<Role, number[] | undefined> = { main: undefined, isolation: undefined };
  const started: Record<Role, number[]> = { main: [], isolation: [] };
  const lived: Lived = { finished: [], condemned: [], gaveUp: false, steps: 0 };
  let accidents = world.accidents;

  const obey = (command: FlightCommand): void => {
    if (command.do === "start") {
      assert.equal(queues[command.role], undefined, "a process of a role is started once");
      if (command.role === "isolation") assert.equal(started.main.length, 0, "nothing is in flight while suspects are tried");
      queues[command.role] = [...command.seqs];
    } else if (command.do === "give") queues.main!.push(...command.seqs);
    else if (command.do === "end-isolation") queues.isolation = undefined;
    else if (command.do === "condemn") lived.condemned.push(command.seq);
    else lived.gaveUp = true;
  };
  const tell = (event: FlightEvent): void => advance(flight, event).forEach(obey);
  const die = (role: Role): void => {
    queues[role] = undefined;
    started[role] = [];
    tell({ type: "died", role, death });
  };
  const begin = (role: Role): void => {
    const count = role === "isolation" ? 1 : 1 + Math.floor(random.next() * 8);
    const next = queues[role]!.splice(0, count);
    started[role].push(...next);
    tell({ type: "started", seqs: next });
  };
  const act = (role: Role): void => {
    const working = started[role];
    if (accidents > 0 && random.next() < 0.02) {
      accidents -= 1;
      die(role);
    } else if (working.length > 0 && (role === "isolation" || random.next() < 0.6 || queues[role]!.length === 0)) {
      const [seq] = working.splice(Math.floor(random.next() * working.length), 1);
      if (world.poison.has(seq!)) die(role);
      else {
        lived.finished.push(seq!);
        tell({ type: "finished", role, seqs: [seq!] });
      }
    } else if (queues[role]!.length > 0) begin(role);
  };

  const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);
  tell({ type: "added", seqs: range(0, world.images), suspects: world.suspects });
  for (; lived.steps < 20_000 && !lived.gaveUp; lived.steps += 1) {
    if (lived.steps === 20) tell({ type: "added", seqs: range(world.images, world.later), suspects: [] });
    const busy = (["main", "isolation"] as const).filter((role) => started[role].length + (queues[role]?.length ?? 0) > 0);
    if (busy.length === 0 && lived.steps > 20) break;
    const role = busy[Math.floor(random.next() * busy.length)];
    if (role !== undefined) act(role);
  }
  return lived;
}

describe("flight", () => {
  it("every image is finished or condemned, once; only those are condemned that end a process of their own", () => {
    fc.assert(
      fc.property(
        fc.record({
          images: fc.integer({ min: 0, max: 120 }),
          later: fc.integer({ min: 0, max: 40 }),
          poison: fc.uniqueArray(fc.integer({ min: 0, max: 160 }), { maxLength: 12 }),
          suspected: fc.uniqueArray(fc.integer({ min: 0, max: 119 }), { maxLength: 6 }),
          seed: fc.integer(),
        }),
        ({ images, later, poison, suspected, seed }) => {
          const present = poison.filter((seq) => seq < images + later);
          const suspects = suspected.filter((seq) => seq < images);
          const lived = live({ images, later, poison: new Set(poison), accidents: 0, suspects }, seededRandom(seed));
          assert.ok(!lived.gaveUp);
          assert.deepEqual(sorted(lived.condemned), sorted(present));
          assert.equal(lived.finished.length + lived.condemned.length, images + later);
          assert.equal(new Set([...lived.finished, ...lived.condemned]).size, images + later);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("accidents cost no image its outcome, and an innocent is condemned only by one that hits it alone in a fresh process", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: maxFruitless }), fc.integer(), (images, accidents, seed) => {
        const lived = live({ images, later: 0, poison: new Set(), accidents, suspects: [] }, seededRandom(seed));
        assert.ok(!lived.gaveUp);
        assert.ok(lived.condemned.length <= accidents);
        assert.equal(new Set([...lived.finished, ...lived.condemned]).size, images);
      }),
      { numRuns: 300 },
    );
  });

  it("blames an image only for a process in which nothing went before it", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1, 2, 3], suspects: [1, 2] });
    advance(flight, { type: "started", seqs: [1] });
    advance(flight, { type: "finished", role: "isolation", seqs: [1] });
    advance(flight, { type: "started", seqs: [2] });
    const again = advance(flight, { type: "died", role: "isolation", death });
    assert.deepEqual(again, [{ do: "start", role: "isolation", shrink: 1, seqs: [2] }]);
    advance(flight, { type: "started", seqs: [2] });
    const [verdict] = advance(flight, { type: "died", role: "isolation", death });
    assert.deepEqual(verdict, { do: "condemn", seq: 2, death });
  });

  it("gives up when processes die again and again and nobody is to blame", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1, 2], suspects: [] });
    const commands = Array.from({ length: maxFruitless + 1 }, () => advance(flight, { type: "died", role: "main", death })).flat();
    assert.equal(commands.filter((command) => command.do === "start").length, maxFruitless);
    assert.deepEqual(commands.at(-1), { do: "give-up", death });
  });

  it("goes on smaller after a memory limit that no single image exceeds", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1, 2, 3], suspects: [] });
    advance(flight, { type: "started", seqs: [1, 2] });
    advance(flight, { type: "died", role: "main", death: { kind: "memory", message: "too much" } });
    const commands = advance(flight, { type: "finished", role: "isolation", seqs: [1, 2] });
    assert.deepEqual(commands, [{ do: "end-isolation" }, { do: "start", role: "main", shrink: 2, seqs: [3] }]);
  });

  it("tries the one that was in its thread for longest first", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1, 2, 3], suspects: [] });
    advance(flight, { type: "started", seqs: [1, 2, 3] });
    const commands = advance(flight, { type: "died", role: "main", death, slowest: 2 });
    assert.deepEqual(commands, [{ do: "start", role: "isolation", shrink: 1, seqs: [2, 1, 3] }]);
  });

  it("blames no image for a process that stands still", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1], suspects: [1] });
    advance(flight, { type: "started", seqs: [1] });
    const commands = advance(flight, { type: "died", role: "isolation", death: { kind: "stalled", message: "silent" } });
    assert.deepEqual(commands, [{ do: "start", role: "isolation", shrink: 1, seqs: [1] }]);
  });

  it("forgets what is dropped", () => {
    const flight = newFlight();
    advance(flight, { type: "added", seqs: [1, 2, 3], suspects: [2] });
    advance(flight, { type: "dropped", seqs: [1, 2, 3] });
    assert.deepEqual(advance(flight, { type: "died", role: "main", death }), []);
    assert.equal(flight.started.size + flight.given.size + flight.held.length + flight.suspects.length, 0);
  });
});

function sorted(seqs: number[]): number[] {
  return seqs.toSorted((a, b) => a - b);
}
