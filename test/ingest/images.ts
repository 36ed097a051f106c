/** The shortest that passes for a JPEG here, followed by what makes it unlike others. */
export function jpegLike(text: string, sizeBytes = 0): Buffer {
  const head = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.from(text)]);
  return Buffer.concat([head, Buffer.alloc(Math.max(0, sizeBytes - head.length))]);
}
