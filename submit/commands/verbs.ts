import { archivePruneVerb } from "./archive.ts";
import { doctorVerb } from "./doctor.ts";
import { initVerb } from "./init.ts";
import type { Verb } from "./verb.ts";
import { workerVerb } from "./worker.ts";

/** In the order of the help text. */
export const verbs: readonly Verb[] = [initVerb, doctorVerb, archivePruneVerb, workerVerb];
