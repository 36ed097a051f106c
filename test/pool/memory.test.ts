import assert from "node:assert/strict";
import sharp, { type Sharp } from "sharp";
import { createLogger } from "../../core/log.ts";
import { startPoolChild } from "../../pool/child.ts";
import { planRun } from "./planned-run.ts";
import { work } from "./working.ts";

function canvas(edge: number): Sharp {
  return sharp({ create: { width: edge, height: edge, channels: 4, background: { r: 10, g: 200, b: 30, alpha: 0.5 } } });
}

describe("memory", function () {
  this.timeout(60_000);

  it("stays within limits.workerMemoryBytes on large images of every kind, small ones beside them, with no process lost", async () => {
    const encodings: [string, (image: Sharp) => Sharp][] = [
      ["interlaced.png", (image) => image.png({ progressive: true, compressionLevel: 1 })],
      ["deep.png", (image) => image.toColourspace("rgb16").png({ compressionLevel: 1 })],
      ["progressive.jpg", (image) => image.flatten().jpeg({ progressive: true })],
      ["lossless.webp", (image) => image.webp({ lossless: true, effort: 0 })],
      ["plain.tif", (image) => image.tiff({ compression: "lzw" })],
      ["frames.gif", (image) => image.gif({ effort: 1 })],
    ];
    const objects: Record<string, Uint8Array> = {};
    for (const [name, encode] of encodings) {
      const large = await encode(canvas(3500)).toBuffer();
      const small = await encode(canvas(50)).toBuffer();
      for (let copy = 0; copy < 2; copy += 1) objects[`${copy}-large-${name}`] = Buffer.concat([large, Buffer.alloc(copy)]);
      for (let copy = 0; copy < 3; copy += 1) objects[`${copy}-small-${name}`] = Buffer.concat([small, Buffer.alloc(copy)]);
    }
    const workerMemoryBytes = 300 * 2 ** 20;
    await using run = await planRun({
      objects,
      limits: { workerMemoryBytes },
      jobs: [{ name: "thumbnails", params: { sizes: [64, 512] } }],
    });
    let peakBytes = 0;
    const lines: string[] = [];
    const { exitCode } = await work(run, {
      shape: { threads: 2, tasksPerThread: 2 },
      log: createLogger("warn", (line) => void lines.push(line)),
      startChild: (shape) => {
        const child = startPoolChild(shape);
        const residentBytes = (): number | undefined => {
          const bytes = child.residentBytes();
          peakBytes = Math.max(peakBytes, bytes ?? 0);
          return bytes;
        };
        return { ...child, residentBytes };
      },
    });
    assert.equal(exitCode, 0);
    assert.deepEqual(lines, []);
    assert.ok(peakBytes > 0 && peakBytes < workerMemoryBytes, `${Math.round(peakBytes / 2 ** 20)} MiB`);
    assert.ok((await run.rows(run.shards[0]!)).every(({ outcome }) => outcome === "ok"));
  });
});
