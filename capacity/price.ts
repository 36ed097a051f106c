import type { PricesConfig } from "../configs/config.ts";
import { gib, type Fleet, type Machines } from "./fleet.ts";

type Billed = Pick<Fleet, "billing" | "machines" | "shuffleBytes">;

const msPerHour = 3_600_000;
const hoursPerMonth = 730;

/**
 * What it costs to hold a fleet for that long, in `prices.currency`; null where one of the prices it needs is not given or
 * its machines are not known: half a price would be taken for a whole one.
 */
export function priceOf(fleet: Billed, wallMs: number, prices: PricesConfig): number | null {
  if (wallMs <= 0) return 0;
  const hours = Math.max(wallMs, prices.minimumBilledMs) / msPerHour;
  if (fleet.billing === "own") return rounded(times(hours, prices.localHour));
  if (fleet.machines.length === 0) return null;
  const perHour = fleet.machines.map((machines) => times(machines.count, hourOf(machines, fleet, prices)));
  return rounded(times(hours, sum([...perHour, shuffleHour(fleet, prices)])));
}

/** Of one machine. */
function hourOf(machine: Machines, { billing }: Billed, prices: PricesConfig): number | null {
  if (billing === "dcus") return times(dcusOf(machine), prices.dcuHour);
  const vcpu = machine.spot ? prices.spotVcpuHour : prices.vcpuHour;
  const memory = machine.spot ? prices.spotMemoryGibHour : prices.memoryGibHour;
  const bare = sum([times(machine.vcpus, vcpu), times(machine.memoryBytes / gib, memory)]);
  return billing === "managed" ? sum([bare, times(machine.vcpus, prices.dataprocVcpuHour)]) : bare;
}

/** Compute units of serverless Spark as its price list defines them: memory beyond 8 GiB a vCPU counts twice. */
export function dcusOf({ vcpus, memoryBytes }: Pick<Machines, "vcpus" | "memoryBytes">): number {
  const memoryGib = memoryBytes / gib;
  const plain = Math.min(memoryGib, 8 * vcpus);
  return 0.6 * vcpus + 0.1 * plain + 0.2 * (memoryGib - plain);
}

function shuffleHour({ shuffleBytes }: Billed, { shuffleGibMonth }: PricesConfig): number | null {
  return shuffleBytes === 0 ? 0 : times(shuffleBytes / gib / hoursPerMonth, shuffleGibMonth);
}

function times(amount: number, price: number | null | undefined): number | null {
  return price === null || price === undefined ? null : amount * price;
}

function sum(prices: (number | null)[]): number | null {
  return prices.reduce((total, price) => (total === null || price === null ? null : total + price), 0);
}

/** To a millionth: what is printed must not depend on the order of a sum. */
function rounded(price: number | null): number | null {
  return price === null ? null : Math.round(price * 1e6) / 1e6;
}
