import { crc32c } from "@node-rs/crc32";

/** Castagnoli CRC as Cloud Storage writes it: base64 of the four bytes, big-endian. */
export function crc32cBase64(bytes: Uint8Array): string {
  return crc32cText(crc32c(bytes));
}

function crc32cText(value: number): string {
  const digest = Buffer.allocUnsafe(4);
  digest.writeUInt32BE(value);
  return digest.toString("base64");
}
