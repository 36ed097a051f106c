import assert from "node:assert/strict";
import { compareNames } from "../../core/names.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { verifyRun } from "../../submit/verify.ts";
import { finishedRun } from "./finished-run.ts";

/** With two outputs each, more than one listing holds. */
const many = 2200;
const objects = Object.fromEntries(Array.from({ length: many }, (_, index) => [`${index % 7}/photo ${index}.jpg`, `image ${index}`]));

describe("verify of many outputs", function () {
  this.timeout(120_000);

  it("holds them against a few listings, not one by one, and misses none of those that are gone", async () => {
    await using run1 = await finishedRun(objects);
    const { world, runId } = run1;
    const archive = await world.store("archive");
    const calls = { list: 0, stat: 0 };
    const counting = (store: ObjectStore): ObjectStore => ({
      ...store,
      list: (options) => {
        calls.list += 1;
        return store.list(options);
      },
      stat: async (name, options) => {
        calls.stat += 1;
        return store.stat(name, options);
      },
    });
    await using looking = await world.driver({
      config: { warehouse: run1.plan.stores.warehouse },
      wrap: (store, url) => (url === world.config.archive ? counting(store) : store),
      parts: { openWarehouse: async () => run1.driver.warehouse(run1.plan.stores.warehouse) },
    });
    const outputViolations = async (): Promise<string[]> => (await verifyRun(looking, runId)).violations.map(({ code }) => code);
    assert.deepEqual(await outputViolations(), []);
    assert.equal(calls.stat, 0);
    assert.ok(calls.list >= 2 && calls.list < 10, `${calls.list} listings`);

    const names: string[] = [];
    for await (const page of archive.list({ prefix: `${runId.slice(0, 10)}/${runId}/` }))
      names.push(...page.objects.map(({ name }) => name));
    const outputs = names.filter((name) => !name.includes("/_metadata/")).sort(compareNames);
    assert.equal(outputs.length, 2 * many);
    const gone = [0, 1, 3998, 3999, 4000, 4001, outputs.length - 1].map((index) => outputs[index]!);
    for (const name of gone) await archive.delete(name);
    assert.deepEqual(
      await outputViolations(),
      gone.map(() => "OUTPUT_MISSING"),
    );
    // What lies between them and is nobody's is no violation.
    for (const name of gone) await archive.write(`${name} and more`, Buffer.from("x"));
    assert.equal((await outputViolations()).length, gone.length);
  });
});
