import { archivePruneVerb } from "./archive.ts";
import { bundleVerb } from "./bundle.ts";
import { cancelVerb } from "./cancel.ts";
import { capacityVerb } from "./capacity.ts";
import { doctorVerb } from "./doctor.ts";
import { finishVerb } from "./finish.ts";
import { ingestKafkaVerb } from "./ingest-kafka.ts";
import { ingestUploadVerb } from "./ingest-upload.ts";
import { ingestUrlVerb } from "./ingest-url.ts";
import { initVerb } from "./init.ts";
import { newJobVerb } from "./new-job.ts";
import { planVerb } from "./plan.ts";
import { replayVerb } from "./replay.ts";
import { reportVerb } from "./report.ts";
import { runVerb } from "./run.ts";
import { statusVerb } from "./status.ts";
import { submitVerb } from "./submit.ts";
import { tryVerb } from "./try.ts";
import type { Verb } from "./verb.ts";
import { verifyVerb } from "./verify.ts";
import { workerVerb } from "./worker.ts";

/** In the order of the help text. */
export const verbs: readonly Verb[] = [
  initVerb,
  doctorVerb,
  newJobVerb,
  ingestUploadVerb,
  ingestUrlVerb,
  ingestKafkaVerb,
  planVerb,
  runVerb,
  submitVerb,
  finishVerb,
  cancelVerb,
  replayVerb,
  statusVerb,
  verifyVerb,
  reportVerb,
  capacityVerb,
  tryVerb,
  archivePruneVerb,
  bundleVerb,
  workerVerb,
];
