/*
 * Which images are where, and what to do when a pool process dies: a pure state machine. Two processes exist at most:
 * `main` works on what it is given; `isolation` tries suspects, one at a time, and what ends it is that image's doing.
 * Images are numbers (`seq`).
 */

export type Role = "main" | "isolation";

export interface Death {
  /**
   * signal, exit: the process ended by itself; memory, timeout: the supervisor ended it because of what it did;
   * stalled: its event loop stood still, which no image can be blamed for.
   */
  kind: "signal" | "exit" | "memory" | "timeout" | "stalled";
  message: string;
}

export interface Flight {
  /** Not given to a process yet, in order. */
  held: number[];
  /** Given to `main` and not finished. */
  given: Set<number>;
  /** In flight, in whichever process. */
  started: Set<number>;
  /** To be tried alone, in order. */
  suspects: number[];
  /** Those of `suspects` that the isolation process was given. */
  tried: Set<number>;
  running: Record<Role, boolean>;
  /** Nothing has finished in the isolation process yet: what ends it now has nothing else to be blamed on. */
  fresh: boolean;
  /** Why `main` died last, until the suspects of it are tried. */
  round: { death: Death; condemned: boolean } | undefined;
  /** Deaths in a row for which no image was to blame. */
  fruitless: number;
  finishedSinceDeath: number;
  shrink: number;
  gaveUp: boolean;
}

export type FlightEvent =
  /** `suspects`: those of `seqs` that were in flight when an earlier attempt died. */
  | { type: "added"; seqs: number[]; suspects: number[] }
  | { type: "started"; seqs: number[] }
  | { type: "finished"; role: Role; seqs: number[] }
  /** Nobody waits for these any more. */
  | { type: "dropped"; seqs: number[] }
  /** `slowest`: in a thread for longest, so the likeliest to be guilty. */
  | { type: "died"; role: Role; death: Death; slowest?: number };

export type FlightCommand =
  | { do: "start"; role: Role; shrink: number; seqs: number[] }
  | { do: "give"; seqs: number[] }
  /** The isolation process has nothing left to try. */
  | { do: "end-isolation" }
  | { do: "condemn"; seq: number; death: Death }
  | { do: "give-up"; death: Death };

/** More deaths in a row without a guilty image than this: the machine or the code is at fault. */
export const maxFruitless = 4;
/** So many images after a death are proof that it was an accident. */
const calmImages = 200;
const maxShrink = 8;

export function newFlight(): Flight {
  return {
    held: [],
    given: new Set(),
    started: new Set(),
    suspects: [],
    tried: new Set(),
    running: { main: false, isolation: false },
    fresh: true,
    round: undefined,
    fruitless: 0,
    finishedSinceDeath: 0,
    shrink: 1,
    gaveUp: false,
  };
}

/** Changes `flight` and says what to do now. */
export function advance(flight: Flight, event: FlightEvent): FlightCommand[] {
  const commands: FlightCommand[] = [];
  switch (event.type) {
    case "added":
      added(flight, event.seqs, event.suspects);
      break;
    case "started":
      for (const seq of event.seqs) if (flight.given.has(seq) || flight.suspects.includes(seq)) flight.started.add(seq);
      break;
    case "finished":
      forget(flight, event.seqs);
      flight.finishedSinceDeath += event.seqs.length;
      if (event.role === "isolation") flight.fresh = false;
      break;
    case "dropped":
      forget(flight, event.seqs);
      break;
    case "died":
      flight.running[event.role] = false;
      if (event.role === "main") mainDied(flight, event.death, event.slowest, commands);
      else isolationDied(flight, event.death, commands);
      break;
  }
  decide(flight, commands);
  return commands;
}

function added(flight: Flight, seqs: number[], suspects: number[]): void {
  const suspected = new Set(suspects);
  flight.suspects.push(...suspects);
  for (const seq of seqs) if (!suspected.has(seq)) flight.held.push(seq);
}

function forget(flight: Flight, seqs: number[]): void {
  const gone = new Set(seqs);
  for (const seq of seqs) {
    flight.given.delete(seq);
    flight.started.delete(seq);
  }
  if (flight.suspects.some((seq) => gone.has(seq))) flight.suspects = flight.suspects.filter((seq) => !gone.has(seq));
  if (flight.held.some((seq) => gone.has(seq))) flight.held = flight.held.filter((seq) => !gone.has(seq));
}

function mainDied(flight: Flight, death: Death, slowest: number | undefined, commands: FlightCommand[]): void {
  // The likeliest first: it is then the first in its process, and one trial is enough.
  const suspects = [...flight.given].filter((seq) => flight.started.has(seq)).sort((a, b) => Number(b === slowest) - Number(a === slowest));
  const others = [...flight.given].filter((seq) => !flight.started.has(seq));
  flight.given.clear();
  flight.started.clear();
  flight.suspects.push(...suspects);
  flight.held.unshift(...others);
  if (flight.finishedSinceDeath >= calmImages) flight.fruitless = 0;
  flight.finishedSinceDeath = 0;
  flight.round = { death, condemned: false };
  if (suspects.length === 0) closeRound(flight, commands);
}

function isolationDied(flight: Flight, death: Death, commands: FlightCommand[]): void {
  const victim = flight.suspects.find((seq) => flight.started.has(seq));
  flight.started.clear();
  if (victim === undefined || death.kind === "stalled") {
    blameNobody(flight, death, commands);
  } else if (flight.fresh) {
    commands.push({ do: "condemn", seq: victim, death });
    forget(flight, [victim]);
    if (flight.round !== undefined) flight.round.condemned = true;
  } else {
    // Others went through this process before: only a process of its own proves anything.
    flight.suspects = [victim, ...flight.suspects.filter((seq) => seq !== victim)];
  }
}

/** All suspects of a death were tried. */
function closeRound(flight: Flight, commands: FlightCommand[]): void {
  const { round } = flight;
  flight.round = undefined;
  if (round === undefined) return;
  if (round.condemned) {
    flight.fruitless = 0;
    return;
  }
  if (round.death.kind === "memory") flight.shrink = Math.min(maxShrink, flight.shrink * 2);
  blameNobody(flight, round.death, commands);
}

function blameNobody(flight: Flight, death: Death, commands: FlightCommand[]): void {
  flight.fruitless += 1;
  if (flight.fruitless <= maxFruitless || flight.gaveUp) return;
  flight.gaveUp = true;
  commands.push({ do: "give-up", death });
}

function decide(flight: Flight, commands: FlightCommand[]): void {
  if (flight.gaveUp) return;
  if (flight.running.isolation) {
    if (flight.suspects.some((seq) => flight.tried.has(seq))) return;
    flight.running.isolation = false;
    commands.push({ do: "end-isolation" });
  }
  if (flight.suspects.length > 0) {
    isolate(flight, commands);
    return;
  }
  closeRound(flight, commands);
  if (!flight.gaveUp && flight.held.length > 0) work(flight, commands);
}

/** Only while `main` is idle: both at once could take twice the memory. */
function isolate(flight: Flight, commands: FlightCommand[]): void {
  if (flight.given.size > 0) return;
  flight.running.isolation = true;
  flight.fresh = true;
  flight.tried = new Set(flight.suspects);
  commands.push({ do: "start", role: "isolation", shrink: 1, seqs: [...flight.suspects] });
}

function work(flight: Flight, commands: FlightCommand[]): void {
  const seqs = flight.held;
  flight.held = [];
  for (const seq of seqs) flight.given.add(seq);
  if (flight.running.main) commands.push({ do: "give", seqs });
  else commands.push({ do: "start", role: "main", shrink: flight.shrink, seqs });
  flight.running.main = true;
}
