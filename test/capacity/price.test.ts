import assert from "node:assert/strict";
import type { PricesConfig } from "../../configs/config.ts";
import type { Fleet, Machines } from "../../capacity/fleet.ts";
import { dcusOf, priceOf } from "../../capacity/price.ts";

const gib = 2 ** 30;
const hourMs = 3_600_000;
const prices: PricesConfig = {
  currency: "USD",
  vcpuHour: 0.02,
  memoryGibHour: 0.003,
  spotVcpuHour: 0.008,
  spotMemoryGibHour: 0.001,
  dataprocVcpuHour: 0.01,
  dcuHour: 0.06,
  shuffleGibMonth: 0.04,
  localHour: 1.5,
  minimumBilledMs: 60_000,
};

function fleet(billing: Fleet["billing"], machines: Machines[], shuffleBytes = 0): Fleet {
  return { billing, machines, shuffleBytes, workers: 1, threads: 1, startMs: 0, shardStartMs: 0 };
}

const four: Machines = { count: 4, vcpus: 8, memoryBytes: 32 * gib, spot: false };
const without = (...keys: (keyof PricesConfig)[]): PricesConfig =>
  Object.fromEntries(Object.entries(prices).filter(([key]) => !keys.includes(key as keyof PricesConfig))) as unknown as PricesConfig;

describe("the price", () => {
  const cases: [string, Fleet, number, PricesConfig, number | null][] = [
    ["of machines is vCPUs and memory by the hour", fleet("machines", [four]), 2 * hourMs, prices, 4 * 2 * (8 * 0.02 + 32 * 0.003)],
    ["of spot machines is theirs", fleet("machines", [{ ...four, spot: true }]), hourMs, prices, 4 * (8 * 0.008 + 32 * 0.001)],
    ["of a managed cluster has a fee a vCPU", fleet("managed", [four]), hourMs, prices, 4 * (8 * 0.03 + 32 * 0.003)],
    [
      "of mixed machines is the sum",
      fleet("machines", [four, { ...four, count: 1, spot: true }]),
      hourMs,
      prices,
      4 * (8 * 0.02 + 32 * 0.003) + 8 * 0.008 + 32 * 0.001,
    ],
    // The example of Google's price list: 12 DCUs for 24 hours, 25 GB of shuffle storage.
    [
      "of serverless Spark is compute units and shuffle storage",
      fleet("dcus", [{ count: 3, vcpus: 4, memoryBytes: 16 * gib, spot: false }], 25 * gib),
      24 * hourMs,
      prices,
      12 * 24 * 0.06 + (25 * 0.04 * 24) / 730,
    ],
    ["is at least that of the minimum", fleet("machines", [four]), 1000, prices, (4 / 60) * (8 * 0.02 + 32 * 0.003)],
    ["of this machine is what its owner says", fleet("own", []), 2 * hourMs, prices, 3],
    ["of this machine is unknown where nobody says it", fleet("own", []), hourMs, without("localHour"), null],
    ["is unknown without one of the prices it takes", fleet("machines", [four]), hourMs, without("memoryGibHour"), null],
    ["is unknown without the fee", fleet("managed", [four]), hourMs, without("dataprocVcpuHour"), null],
    ["is unknown without the price of what is spot", fleet("machines", [{ ...four, spot: true }]), hourMs, without("spotVcpuHour"), null],
    ["needs no price of what is not used", fleet("dcus", [four]), hourMs, without("shuffleGibMonth", "vcpuHour"), 4 * 8 * 0.06],
    ["of machines that nobody counted is unknown", fleet("machines", []), hourMs, prices, null],
    ["of no time is nothing", fleet("machines", [four]), 0, prices, 0],
  ];
  for (const [what, whose, ms, list, expected] of cases) {
    it(what, () => {
      const price = priceOf(whose, ms, list);
      if (expected === null || price === null) assert.equal(price, expected);
      else assert.ok(Math.abs(price - expected) <= 1e-6, `${price}, not ${expected}`);
    });
  }

  it("counts memory beyond 8 GiB a vCPU twice", () => {
    assert.equal(dcusOf({ vcpus: 4, memoryBytes: 16 * gib }), 4);
    assert.ok(Math.abs(dcusOf({ vcpus: 2, memoryBytes: 20 * gib }) - (1.2 + 1.6 + 0.8)) < 1e-9);
  });
});
