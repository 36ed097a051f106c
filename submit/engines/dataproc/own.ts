import { preconditionError } from "../../../core/errors.ts";
import type { Submission } from "./requests.ts";

/** What is there already under our name is taken for ours when it says so itself. */
export function assertOwn(what: string, labels: Record<string, string> | null | undefined, { id, labels: wanted }: Submission): void {
  const own = ["imagemill-run", "imagemill-control"].every((key) => labels?.[key] === wanted[key]);
  if (own) return;
  throw preconditionError(
    "DATAPROC_NAME_TAKEN",
    `there is ${what} ${id} already, which is not of this run`,
    "Delete it, or take another control store: --control gs://bucket/prefix.",
  );
}
