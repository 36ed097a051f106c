import { archivePruneVerb } from "./archive.ts";
import type { Verb } from "./verb.ts";

/** In the order of the help text. */
export const verbs: readonly Verb[] = [archivePruneVerb];
