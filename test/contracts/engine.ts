import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Plan } from "../../core/types.ts";
import type { Engine, EngineStatus } from "../../submit/engines/engine.ts";

export interface EngineBenchOptions {
  shards: number;
  /** How long a shard takes, about. */
  shardMs: number;
  /** Indexes into the plan's shards that no attempt can do. */
  poison?: number[];
}

/** An engine and a stored plan for it. Disposing it closes the engine and removes everything. */
export interface EngineBench extends AsyncDisposable {
  engine: Engine;
  plan: Plan;
  /** Ids of the shards that have a commit. */
  committed(): Promise<string[]>;
  /** Names of all attempts that were begun. */
  attempts(): Promise<string[]>;
}

export type MakeEngineBench = (options: EngineBenchOptions) => Promise<EngineBench>;

/** Every engine passes this. `patienceMs` bounds how long a few small shards may take it, start-up included. */
export function engineContract(name: string, make: MakeEngineBench, { patienceMs }: { patienceMs: number }): void {
  const never = new AbortController().signal;
  const everything = ({ plan }: EngineBench, submission = 1) => ({ plan, shards: plan.shards, submission });

  const settled = async (engine: Engine, handle: unknown): Promise<EngineStatus> => {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const status = await engine.poll(handle, never);
      if (status.state !== "pending" && status.state !== "running") return status;
      assert.ok(Date.now() < deadline, `still ${status.state} after ${patienceMs} ms`);
      await delay(20);
    }
  };
  const ids = ({ plan }: EngineBench): string[] => plan.shards.map((shard) => shard.id).sort();

  describe(`engine contract: ${name}`, function () {
    this.timeout(patienceMs * 4);

    it("does every shard once and then says succeeded", async () => {
      await using bench = await make({ shards: 5, shardMs: 10 });
      const handle = await bench.engine.submit(everything(bench), never);
      const status = await settled(bench.engine, handle);
      assert.equal(status.state, "succeeded", JSON.stringify(status));
      assert.deepEqual((await bench.committed()).sort(), ids(bench));
      assert.equal((await bench.attempts()).length, 5);
    });

    it("does only the shards that it is given", async () => {
      await using bench = await make({ shards: 4, shardMs: 10 });
      const shards = bench.plan.shards.slice(1, 3);
      await settled(bench.engine, await bench.engine.submit({ plan: bench.plan, shards, submission: 1 }, never));
      assert.deepEqual((await bench.committed()).sort(), shards.map((shard) => shard.id).sort());
    });

    it("has a handle of plain JSON, good for polling, links and cancelling", async () => {
      await using bench = await make({ shards: 2, shardMs: 10 });
      const handle = await bench.engine.submit(everything(bench), never);
      const copy: unknown = JSON.parse(JSON.stringify(handle));
      assert.deepEqual(copy, handle);
      assert.equal((await settled(bench.engine, copy)).state, "succeeded");
      for (const link of bench.engine.links(copy)) assert.match(link.url, /^https?:/);
      await bench.engine.cancel(copy, never);
    });

    it("finds what runs already when the same submission comes again", async () => {
      await using bench = await make({ shards: 4, shardMs: 100 });
      const [first, second] = await Promise.all([
        bench.engine.submit(everything(bench), never),
        bench.engine.submit(everything(bench), never),
      ]);
      assert.deepEqual(second, first);
      assert.deepEqual(await bench.engine.submit(everything(bench), never), first);
      assert.equal((await settled(bench.engine, first)).state, "succeeded");
      assert.equal((await bench.attempts()).length, 4);
    });

    it("stops when cancelled, has stopped when that resolves, and takes the rest in a new submission", async () => {
      await using bench = await make({ shards: 12, shardMs: 300 });
      const handle = await bench.engine.submit(everything(bench), never);
      await bench.engine.cancel(handle, never);
      const [before, begun] = [await bench.committed(), (await bench.attempts()).length];
      assert.ok(before.length < 12);
      await delay(600);
      assert.deepEqual(await bench.committed(), before);
      assert.equal((await bench.attempts()).length, begun);
      assert.equal((await bench.engine.poll(handle, never)).state, "cancelled");

      const shards = bench.plan.shards.filter((shard) => !before.includes(shard.id));
      const again = await bench.engine.submit({ plan: bench.plan, shards, submission: 2 }, never);
      assert.equal((await settled(bench.engine, again)).state, "succeeded");
      assert.deepEqual((await bench.committed()).sort(), ids(bench));
    });

    it("does the others when one shard can never be done, and says what happened to it", async () => {
      await using bench = await make({ shards: 5, shardMs: 10, poison: [2] });
      const status = await settled(bench.engine, await bench.engine.submit(everything(bench), never));
      assert.equal(status.state, "failed");
      assert.ok((status.message ?? "").length > 0, "a failure has a message");
      const others = ids(bench).filter((id) => id !== bench.plan.shards[2]!.id);
      assert.deepEqual((await bench.committed()).sort(), others);
    });

    it("refuses to begin after its signal has aborted", async () => {
      await using bench = await make({ shards: 2, shardMs: 10 });
      await assert.rejects(bench.engine.submit(everything(bench), AbortSignal.abort(new Error("no more"))), /no more/);
      assert.deepEqual(await bench.attempts(), []);
    });
  });
}
