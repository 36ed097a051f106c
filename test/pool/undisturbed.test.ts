import assert from "node:assert/strict";
import fc from "fast-check";
import type { ImageRow } from "../../core/rows.ts";
import type { ImageResult } from "../../jobs/process.ts";
import sharp from "../../jobs/sharp.ts";
import { undisturbed } from "../../pool/undisturbed.ts";
import { plainJpeg } from "./pictures.ts";
import { planRun } from "./planned-run.ts";
import { work } from "./working.ts";

/** Ends what a test has in its threads, one after the other. */
interface Desk {
  started: string[];
  end(name: string, result?: Partial<ImageResult>): Promise<void>;
  compute: ReturnType<typeof undisturbed>;
}

function desk(): Desk {
  const started: string[] = [];
  const ends = new Map<string, (result: Partial<ImageResult>) => void>();
  const compute = undisturbed(async (name, bytes) => {
    started.push(name);
    const { promise, resolve } = Promise.withResolvers<Partial<ImageResult>>();
    ends.set(name, resolve);
    const result = await promise;
    return { result: { sha256: "", facts: {}, outputs: [], warnings: [], ...result }, bytes };
  });
  const end = async (name: string, result: Partial<ImageResult> = {}): Promise<void> => {
    await new Promise(setImmediate);
    ends.get(name)!(result);
    await new Promise(setImmediate);
  };
  return { started, end, compute };
}

const numbers = Array.from({ length: 40 }, (_, index) => String(index).padStart(2, "0"));

/** Says that its pixels are compressed in a way that no build of libvips reads. */
async function oldStyleTiff(): Promise<Buffer> {
  const tiff = await sharp({ create: { width: 300, height: 200, channels: 3, background: "red" } })
    .tiff({ compression: "none" })
    .toBuffer();
  const compression = tiff.indexOf(Buffer.from("030103000100000001000000", "hex"));
  tiff.writeUInt16LE(6, compression + 8);
  return tiff;
}

const failure = (message: string): Partial<ImageResult> => ({ failure: { reason: "corrupt", message }, hearsay: true });

describe("a verdict that rests on what libvips said", function () {
  this.timeout(60_000);

  it("is found again alone when another image was beside it, and no new one enters before", async () => {
    const { started, end, compute } = desk();
    const bad = compute("bad", new Uint8Array(1));
    const beside = compute("beside", new Uint8Array(1));
    await end("bad", failure("overheard"));
    const late = compute("late", new Uint8Array(1));
    assert.deepEqual(started, ["bad", "beside"]);
    await end("beside");
    assert.deepEqual(started, ["bad", "beside", "bad"]);
    await end("bad", failure("its own"));
    await end("late");
    assert.equal((await bad).result.failure?.message, "its own");
    await Promise.all([beside, late]);
    assert.deepEqual(started, ["bad", "beside", "bad", "late"]);
  });

  it("stands when the image was alone, as does a verdict on the bytes alone", async () => {
    const { started, end, compute } = desk();
    const alone = compute("alone", new Uint8Array(1));
    await end("alone", failure("its own"));
    await alone;
    const both = [compute("text", new Uint8Array(1)), compute("beside", new Uint8Array(1))];
    await end("text", { failure: { reason: "not_an_image", message: "it is text" } });
    await end("beside");
    await Promise.all(both);
    assert.deepEqual(started, ["alone", "text", "beside"]);
  });

  it("lets others go on when a thread is gone", async () => {
    let gone = true;
    const compute = undisturbed(async (_, bytes) => {
      await Promise.resolve();
      if (gone) throw new Error("the thread is gone");
      return { result: { sha256: "", facts: {}, outputs: [], warnings: [] }, bytes };
    });
    await assert.rejects(compute("a", new Uint8Array(1)), /is gone/);
    gone = false;
    await compute("b", new Uint8Array(1));
  });

  it("never has company, whatever is beside it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ bad: fc.boolean(), turns: fc.integer({ min: 0, max: 5 }) }), { maxLength: 30 }),
        async (images) => {
          let inside = 0;
          const compute = undisturbed(async (name, bytes) => {
            inside += 1;
            const { bad, turns } = images[Number(name)]!;
            let company = inside > 1;
            for (let turn = 0; turn < turns; turn += 1) {
              await new Promise(setImmediate);
              company ||= inside > 1;
            }
            inside -= 1;
            return {
              result: { sha256: "", facts: {}, outputs: [], warnings: [], ...(bad && failure(company ? "overheard" : "its own")) },
              bytes,
            };
          });
          const found = await Promise.all(images.map((_, index) => compute(String(index), new Uint8Array(1))));
          assert.ok(found.every(({ result }) => result.failure?.message !== "overheard"));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is the same for equal bytes in a real pool process", async () => {
    const jpeg = await plainJpeg("red", 800, 600);
    const kinds = {
      cut: Buffer.concat([jpeg.subarray(0, jpeg.length * 0.6), Buffer.from([0xff, 0xd9])]),
      old: await oldStyleTiff(),
      odd: Buffer.from("RIFF0000WEBPVP8 0000".repeat(8)),
    };
    const objects = Object.fromEntries(
      Object.entries(kinds).flatMap(([kind, bytes]) => numbers.map((number) => [`${number}.${kind}`, bytes])),
    );
    await using run = await planRun({ objects });
    assert.equal((await work(run, { shape: { threads: 2, tasksPerThread: 2 } })).exitCode, 0);
    const rows: ImageRow[] = await run.rows(run.shards[0]!);
    for (const kind of Object.keys(kinds)) {
      const verdicts = rows.filter(({ name }) => name.endsWith(kind)).map(({ reason, message }) => `${reason ?? ""}: ${message ?? ""}`);
      assert.equal(verdicts.length, numbers.length);
      assert.equal(new Set(verdicts).size, 1, [...new Set(verdicts)].join("\n"));
    }
  });
});
