import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { PixelBox } from "../../jobs/job.ts";
import type { LoadedJob } from "../../jobs/load.ts";
import { transferList } from "../../jobs/process.ts";
import sharp from "../../jobs/sharp.ts";
import { load, loaded, photograph, process } from "./images.ts";

describe("processImage", () => {
  it("gives digest, header, facts and outputs of a photograph", async () => {
    const result = await process(photograph);
    assert.equal(result.failure, undefined);
    assert.equal(result.sha256, createHash("sha256").update(photograph).digest("hex"));
    assert.deepEqual(result.header, {
      format: "jpeg",
      width: 790,
      height: 1024,
      orientation: 1,
      colorSpace: "srgb",
      channels: 3,
      bitDepth: "8",
      hasAlpha: false,
      pages: 1,
    });
    const [output, ...more] = result.outputs;
    assert.deepEqual(more, []);
    assert.deepEqual(
      { ...output, bytes: 0 },
      { job: "thumbnails", variant: "256", format: "jpeg", contentType: "image/jpeg", width: 198, height: 256, bytes: 0 },
    );
    const metadata = await sharp(output!.bytes).metadata();
    assert.deepEqual([metadata.format, metadata.width, metadata.height], ["jpeg", 198, 256]);
  });

  it("gives outputs whose memory can be moved to another thread", async () => {
    const small = loaded({ needs: () => ({}), run: () => Promise.resolve({ outputs: [outputOf("a", Buffer.from("pooled"))] }) });
    const result = await process(photograph, { jobs: [...(await load(["thumbnails", { sizes: [64, 32] }])), small] });
    const moved = structuredClone(result, { transfer: transferList(result) });
    assert.deepEqual(
      moved.outputs.map((output) => output.bytes.byteLength > 0),
      [true, true, true],
    );
    assert.ok(result.outputs.every((output) => output.bytes.byteLength === 0));
    assert.equal(Buffer.from(moved.outputs[2]!.bytes).toString(), "pooled");
  });

  it("gives equal results for equal input", async () => {
    assert.deepEqual(await process(photograph), await process(photograph));
  });

  it("merges facts and warnings of all jobs, and cuts warnings that never end", async () => {
    const jobs = [
      loaded({ name: "one", needs: () => ({}), run: () => Promise.resolve({ facts: { lens: "50 mm" }, warnings: ["a\nb"] }) }),
      loaded({
        name: "two",
        needs: () => ({}),
        run: () => Promise.resolve({ facts: { fingerprint: "0123456789abcdef" }, warnings: Array(99).fill("w") }),
      }),
    ];
    const result = await process(photograph, { jobs });
    assert.equal(result.failure, undefined);
    assert.deepEqual(result.facts, { lens: "50 mm", fingerprint: "0123456789abcdef" });
    assert.equal(result.warnings.length, 21);
    assert.doesNotMatch(result.warnings[0]!, /\n/);
  });

  it("decodes once: for one box from the encoded bytes, for more from pixels in memory", async () => {
    const small = { width: 64, height: 64 };
    const starts: string[] = [];
    const probe = (name: string, ...boxes: (PixelBox | "full")[]) =>
      loaded({
        name,
        needs: () => ({ pixels: boxes }),
        run: async (image) => {
          for (const box of boxes) {
            const pipeline = image.pixels(box) as unknown as { options: { input: { rawChannels: number } } };
            starts.push(pipeline.options.input.rawChannels > 0 ? "pixels" : "bytes");
          }
          return Promise.resolve({});
        },
      });
    const startsOf = async (bytes: Uint8Array, ...jobs: LoadedJob[]) => {
      starts.length = 0;
      assert.equal((await process(bytes, { jobs })).failure, undefined);
      return starts.join();
    };
    assert.equal(await startsOf(photograph, probe("a", small)), "bytes");
    assert.equal(await startsOf(photograph, probe("a", small, small)), "bytes,bytes");
    assert.equal(await startsOf(photograph, probe("a", small, "full")), "pixels,pixels");
    assert.equal(await startsOf(photograph, probe("a", small), probe("b", small)), "pixels,pixels");
    // A foreign profile is applied once, to pixels in memory.
    const wide = await sharp(photograph).withIccProfile("p3").jpeg().toBuffer();
    assert.equal(await startsOf(wide, probe("a", small)), "pixels");
  });

  describe("a job that is wrong", () => {
    const failing: Record<string, Parameters<typeof loaded>[0]> = {
      "throws in needs": { needs: () => assert.fail("needs!"), run: () => Promise.resolve({}) },
      "throws in run": { needs: () => ({}), run: () => assert.fail("run!") },
      "throws with pixels": { needs: () => ({ pixels: ["full"] }), run: () => assert.fail("run!") },
      "throws no error": { needs: () => ({}), run: () => Promise.reject("text") }, // oxlint-disable-line prefer-promise-reject-errors
      "asks for pixels it did not declare": {
        needs: () => ({ pixels: [{ width: 9, height: 9 }] }),
        run: async (image) => ({ outputs: [outputOf("a", await image.pixels("full").png().toBuffer())] }),
      },
      "asks for pixels without any need": {
        needs: () => ({}),
        run: async (image) => void (await image.pixels("full").toBuffer()) as never,
      },
      "gives nothing": { needs: () => ({}), run: () => Promise.resolve(undefined as never) },
      "names a path": { needs: () => ({}), run: () => Promise.resolve({ outputs: [outputOf("../a")] }) },
      "repeats a variant": { needs: () => ({}), run: () => Promise.resolve({ outputs: [outputOf("a"), outputOf("a")] }) },
      "gives text for bytes": {
        needs: () => ({}),
        run: () => Promise.resolve({ outputs: [{ ...outputOf("a"), bytes: "text" as never }] }),
      },
      "makes up a format": { needs: () => ({}), run: () => Promise.resolve({ outputs: [{ ...outputOf("a"), format: "a/b" }] }) },
      "makes up a fact": { needs: () => ({}), run: () => Promise.resolve({ facts: { nonsense: 1 } as never }) },
      "gives an impossible fact": { needs: () => ({}), run: () => Promise.resolve({ facts: { gpsLatitude: 91 } }) },
    };
    for (const [what, job] of Object.entries(failing)) {
      it(`is quarantined as job_error when it ${what}`, async () => {
        const result = await process(photograph, { jobs: [...(await load(["thumbnails"])), loaded(job)] });
        assert.equal(result.failure?.reason, "job_error");
        assert.match(result.failure.message, /^job probe: ./);
        assert.deepEqual(result.outputs, []);
        assert.equal(result.header?.width, 790);
      });
    }
  });
});

function outputOf(variant: string, bytes: Uint8Array = new Uint8Array(1)) {
  return { variant, bytes, format: "bin", contentType: "application/octet-stream" };
}
