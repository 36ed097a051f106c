import sharp from "sharp";

export async function tinyPng(color: string): Promise<Buffer> {
  return sharp({ create: { width: 20, height: 10, channels: 3, background: color } })
    .png()
    .toBuffer();
}

export async function plainJpeg(color: string, width = 500, height = 375): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background: color } })
    .jpeg()
    .toBuffer();
}
