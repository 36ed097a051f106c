import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";

/** What real folders hold besides photographs: each of these becomes an outcome with a reason, and none stops a run. */
export async function brokenFiles(photo: Uint8Array): Promise<{ name: string; bytes: Uint8Array }[]> {
  return [
    { name: "empty.jpg", bytes: new Uint8Array() },
    { name: "letter.jpg", bytes: Buffer.from("Dear all,\nthis is not a photograph.\n") },
    { name: "interrupted-upload.jpg", bytes: photo.subarray(0, Math.floor(photo.length * 0.6)) },
    {
      name: "drawing.svg",
      bytes: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="30"/></svg>\n'),
    },
    { name: "256-megapixels.png", bytes: chequeredPng(16_000, 16_000) },
    { name: "sideways.jpg", bytes: await lyingOnItsSide(photo) },
  ];
}

/** A chequerboard, one bit a pixel: 256 megapixels are some kilobytes here and 768 MB once decoded to RGB. */
export function chequeredPng(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const fieldBytes = Math.ceil(width / 8 / 8);
  const row = Buffer.from(
    Array.from({ length: 1 + Math.ceil(width / 8) }, (_, at) => (at === 0 || Math.floor((at - 1) / fieldBytes) % 2 ? 0 : 0xff)),
  );
  const inverse = row.map((byte, at) => (at === 0 ? 0 : ~byte & 0xff));
  const rows = Array.from({ length: height }, (_, y) => (Math.floor((y * 8) / height) % 2 === 0 ? row : inverse));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(Buffer.concat(rows))), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** As a phone held upright stores it: the pixels lie on their side and orientation 6 says so. */
async function lyingOnItsSide(photo: Uint8Array): Promise<Uint8Array> {
  return await sharp(photo).rotate(-90).withMetadata({ orientation: 6 }).jpeg({ quality: 85 }).toBuffer();
}
