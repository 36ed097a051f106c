import { defineJob, type JobImage } from "../../jobs/job.ts";

const hoard: Uint8Array[] = [];

/** Does to a worker what the image's name says: what a bug in a decoder, or a careless job, would do. */
const deeds: Record<string, (image: JobImage) => unknown> = {
  kill: () => process.kill(process.pid, "SIGKILL"),
  segfault: () => process.kill(process.pid, "SIGSEGV"),
  loop: () => {
    for (;;);
  },
  hang: async () => new Promise(() => undefined),
  eat: () => {
    for (;;) hoard.push(new Uint8Array(32 * 2 ** 20).fill(1));
  },
  exit: () => process.exit(3),
  scribble: (image) => image.bytes.fill(0),
  throw: () => {
    throw new Error("no such luck");
  },
};

export default defineJob<Record<string, never>>({
  name: "hostile",
  version: 1,
  params: (zod) => zod.strictObject({}),
  needs: () => ({ pixels: [{ width: 16, height: 16 }] }),
  run: async (image) => {
    const { data, info } = await image.pixels({ width: 16, height: 16 }).png().toBuffer({ resolveWithObject: true });
    await deeds[/^([a-z]+)-/.exec(image.name)?.[1] ?? ""]?.(image);
    const { width, height } = info;
    return { outputs: [{ variant: "small", bytes: data, format: "png", contentType: "image/png", width, height }] };
  },
});
