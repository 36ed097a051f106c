import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import sharp from "../../jobs/sharp.ts";
import { transferList } from "../../jobs/process.ts";
import { load, photograph, run } from "./images.ts";

describe("processImage", () => {
  it("gives digest, header, facts and outputs of a photograph", async () => {
    const result = await run(photograph);
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
    assert.equal(result.outputs.length, 1);
    const [output] = result.outputs;
    assert.deepEqual(
      { ...output, bytes: 0 },
      { job: "thumbnails", variant: "256", format: "jpeg", contentType: "image/jpeg", width: 198, height: 256, bytes: 0 },
    );
    const metadata = await sharp(output!.bytes).metadata();
    assert.deepEqual([metadata.format, metadata.width, metadata.height], ["jpeg", 198, 256]);
  });

  it("gives outputs whose memory can be moved to another thread", async () => {
    const result = await run(photograph, { jobs: await load(["thumbnails", { sizes: [64, 32] }]) });
    const moved = structuredClone(result, { transfer: transferList(result) });
    assert.equal(moved.outputs.length, 2);
    assert.ok(moved.outputs.every((output) => output.bytes.byteLength > 100));
    assert.ok(result.outputs.every((output) => output.bytes.byteLength === 0));
  });

  it("is deterministic", async () => {
    const [one, two] = [await run(photograph), await run(photograph)];
    assert.deepEqual(one, two);
  });

  it("quarantines what is empty or no image, with a reason", async () => {
    assert.equal((await run(new Uint8Array())).failure?.reason, "empty");
    assert.equal((await run(Buffer.from("these are not pixels"))).failure?.reason, "not_an_image");
    assert.equal((await run(photograph, { maxPixels: 1e5 })).failure?.reason, "too_many_pixels");
  });
});
