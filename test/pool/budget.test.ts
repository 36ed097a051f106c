import assert from "node:assert/strict";
import fc from "fast-check";
import { budgetsOf } from "../../pool/budget.ts";
import { createGate } from "../../pool/gate.ts";

const mib = 2 ** 20;

describe("gate", () => {
  it("holds no more than its total, but for one that is larger than all of it and is alone", () => {
    const amount = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.constantFrom(101, 5000, Infinity));
    fc.assert(
      fc.property(fc.array(fc.record({ amount, take: fc.boolean() }), { maxLength: 200 }), (steps) => {
        const gate = createGate(100);
        const held: number[] = [];
        for (const step of steps) {
          if (step.take) {
            if (gate.tryTake(step.amount)) held.push(step.amount);
            else assert.ok(held.length > 0, "an empty gate lets anything in");
          } else if (held.length > 0) gate.give(held.shift()!);
          const sum = held.reduce((total, one) => total + one, 0);
          assert.ok(sum <= 100 || held.filter((one) => one > 0).length === 1, held.join("+"));
        }
      }),
    );
  });

  it("is open again after an unbounded one has left", () => {
    const gate = createGate(100);
    assert.ok(gate.tryTake(Infinity));
    assert.ok(!gate.tryTake(1));
    gate.give(Infinity);
    assert.ok(gate.tryTake(60));
    assert.ok(!gate.tryTake(60));
  });
});

describe("budgets", () => {
  it("stay within the memory that is left beside the process itself", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 * 1024 }),
        fc.integer({ min: 1, max: 64 }),
        fc.constantFrom(1, 2, 4, 8),
        (memory, threads, shrink) => {
          const budgets = budgetsOf(memory * mib, threads, shrink);
          assert.ok(budgets.readAheadBytes >= mib && budgets.decodeBytes >= mib && budgets.readAheadObjects >= 2);
          const free = Math.max(32, memory - 140 - threads * 40) * mib;
          assert.ok(budgets.readAheadBytes + 2 * budgets.decodeBytes <= free / shrink + 2);
        },
      ),
    );
  });
});
