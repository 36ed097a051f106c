import assert from "node:assert/strict";
import type { Config } from "../../configs/config.ts";
import type { DoneRecord } from "../../submit/done.ts";
import { controlNames } from "../../core/layout.ts";
import { readJson } from "../../storage/objects.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { run } from "../../submit/run.ts";
import { bareRun, createWorld, type World } from "./world.ts";

const objects = { "a.jpg": "image a", "b.jpg": "image b", "c.jpg": "image c", "d.jpg": "image d", "e.jpg": "bad" };

function moving(world: World, accepted: boolean): Partial<Config> {
  const archive = { ...world.config.policy.archive, onArchived: "move" as const };
  return { policy: { ...world.config.policy, archive }, ...(accepted && { iAcceptLossAfterDays: 7 }) };
}

async function namesIn(store: ObjectStore): Promise<string[]> {
  const names: string[] = [];
  for await (const page of store.list()) names.push(...page.objects.map((object) => object.name));
  return names;
}

describe("onArchived: move", () => {
  it("deletes, after the load, what is whole in the archive, and nothing else", async () => {
    await using world = await createWorld("memory", objects);
    const source = await world.store("source");
    const archive = await world.store("archive");
    const copyOf = async (name: string): Promise<string> => (await namesIn(archive)).find((one) => one.includes(`/source/${name}@`))!;
    const { warehouse } = world;
    const meddling = {
      ...warehouse,
      load: async (...request: Parameters<typeof warehouse.load>) => {
        assert.equal((await namesIn(source)).length, 5, "nothing is deleted before the load");
        await source.write("b.jpg", Buffer.from("a new image under an old name"));
        await archive.write(await copyOf("c.jpg"), Buffer.from("image X"));
        await archive.delete(await copyOf("d.jpg"));
        return warehouse.load(...request);
      },
    };
    await using driver = await world.driver({ config: moving(world, true), parts: { openWarehouse: () => Promise.resolve(meddling) } });
    const summary = await run(driver, bareRun);
    assert.equal(summary.exitCode, 0);
    assert.deepEqual(await namesIn(source), ["b.jpg", "c.jpg", "d.jpg", "e.jpg"]);
    const done = await readJson<DoneRecord>(driver.control, controlNames.done(summary.runId));
    assert.deepEqual(done?.moved, { deleted: 1, kept: 4 });
  });

  it("deletes nothing where the configuration does not accept the loss", async () => {
    await using world = await createWorld("memory", objects);
    await using driver = await world.driver({ config: moving(world, false) });
    await assert.rejects(run(driver, bareRun), { code: "MOVE_NOT_ACCEPTED" });
    assert.equal((await namesIn(await world.store("source"))).length, 5);
    await using accepting = await world.driver({ config: moving(world, true) });
    assert.equal((await run(accepting, bareRun)).exitCode, 0);
    assert.deepEqual(await namesIn(await world.store("source")), ["e.jpg"]);
  });

  it("goes on deleting after it was interrupted", async () => {
    await using world = await createWorld("memory", objects);
    let deletions = 0;
    const wrap = (store: ObjectStore, url: string): ObjectStore =>
      url !== world.config.source
        ? store
        : {
            ...store,
            delete: async (...arguments_) => {
              if ((deletions += 1) > 1) throw new Error("the network is gone");
              return store.delete(...arguments_);
            },
          };
    await using driver = await world.driver({ config: moving(world, true), wrap });
    await assert.rejects(run(driver, bareRun), /the network is gone/);
    await using next = await world.driver({ config: moving(world, true) });
    assert.equal((await run(next, bareRun)).exitCode, 0);
    assert.deepEqual(await namesIn(await world.store("source")), ["e.jpg"]);
  });
});

describe("the source", () => {
  it("is never written to", async () => {
    await using world = await createWorld("memory", objects);
    const refuse = (what: string) => async (): Promise<never> => Promise.reject(new Error(`${what} on the source`));
    const wrap = (store: ObjectStore, url: string): ObjectStore =>
      url === world.config.source ? { ...store, write: refuse("write"), copy: refuse("copy"), delete: refuse("delete") } : store;
    await using driver = await world.driver({ wrap });
    assert.equal((await run(driver, bareRun)).exitCode, 0);
  });
});
