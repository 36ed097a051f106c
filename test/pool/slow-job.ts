import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { defineJob } from "../../jobs/job.ts";

interface Params {
  /** Images take as long as this file is there. */
  gate: string;
  /** In a loop that lets nothing else run in the thread. */
  busy: boolean;
}

/** An image that is not done before somebody wants it to be. */
export default defineJob<Params>({
  name: "slow",
  version: 1,
  params: (zod) => zod.strictObject({ gate: zod.string(), busy: zod.boolean() }),
  needs: () => ({ pixels: [{ width: 16, height: 16 }] }),
  run: async (image, { gate, busy }) => {
    const { data, info } = await image.pixels({ width: 16, height: 16 }).png().toBuffer({ resolveWithObject: true });
    while (existsSync(gate)) if (!busy) await delay(20);
    const { width, height } = info;
    return { outputs: [{ variant: "small", bytes: data, format: "png", contentType: "image/png", width, height }] };
  },
});
