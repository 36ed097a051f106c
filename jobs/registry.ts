import type { Job } from "./job.ts";

/** The built-in jobs, imported when used: a thread holds only what its plan names. */
export const builtInJobs: Record<string, () => Promise<{ default: Job }>> = {
  facts: () => import("./facts.ts"),
  fingerprint: () => import("./fingerprint.ts"),
  thumbnails: () => import("./thumbnails.ts"),
};
