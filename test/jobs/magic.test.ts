import assert from "node:assert/strict";
import fc from "fast-check";
import { endsEarly } from "../../jobs/ending.ts";
import { sniff } from "../../jobs/magic.ts";
import sharp from "../../jobs/sharp.ts";
import { corpus, photograph } from "./images.ts";

describe("sniff", () => {
  it("knows the formats that imagemill reads", async () => {
    const small = sharp(photograph).resize(16);
    const names = { jpeg: "JPEG", png: "PNG", webp: "WebP", gif: "GIF", tiff: "TIFF", avif: "AVIF" } as const;
    for (const [format, name] of Object.entries(names)) {
      const bytes = await small
        .clone()
        .toFormat(format as keyof typeof names)
        .toBuffer();
      assert.deepEqual([sniff(bytes)?.name, sniff(bytes)?.kind], [name, "read"]);
    }
  });

  it("knows most of the formats of the corpus by name", () => {
    const names: Record<string, RegExp> = {
      bmp: /^BMP/,
      psd: /^Photoshop/,
      jp2: /^JPEG 2000/,
      jxl: /^JPEG XL/,
      qoi: /^QOI/,
      ico: /^(icon|cursor)/,
      icns: /^Apple icon/,
      exr: /^OpenEXR/,
      hdr: /^Radiance/,
      fits: /^FITS/,
      sgi: /^SGI/,
      icc: /colour profile/,
      gzip: /gzip/,
      svg: /^SVG/,
    };
    for (const { magic, origin, bytes } of corpus((file) => file.magic in names)) {
      assert.match(sniff(bytes)?.name ?? "unknown", names[magic]!, origin);
      assert.notEqual(sniff(bytes)?.kind, "read", origin);
    }
  });

  it("takes only what is mostly readable for text", () => {
    assert.equal(sniff(Buffer.from("Grüße aus Köln, höchst förmlich"))?.name, "text");
    assert.equal(sniff(Buffer.from("Gr\xfc\xdfe aus K\xf6ln, h\xf6chst f\xf6rmlich", "latin1"))?.name, "text");
    assert.equal(sniff(Buffer.from([0xff])), undefined);
    assert.equal(sniff(Buffer.from("text\0text")), undefined);
  });

  it("never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        sniff(bytes);
        endsEarly(bytes);
      }),
    );
  });
});

describe("endsEarly", () => {
  it("tells a cut from a whole where the container says its length", async () => {
    const small = sharp(photograph).resize(64);
    for (const format of ["png", "webp", "tiff", "avif"] as const) {
      const bytes = await small.clone().toFormat(format).toBuffer();
      assert.equal(endsEarly(bytes), false, format);
      for (const share of [0.3, 0.6]) assert.equal(endsEarly(bytes.subarray(0, bytes.length * share)), true, `${format} at ${share}`);
    }
  });

  it("takes no decodable file of the corpus for one that is cut", () => {
    for (const { origin, bytes } of corpus((file) => file.decodes && !file.origin.includes("truncated")))
      assert.notEqual(endsEarly(bytes), true, origin);
  });
});
