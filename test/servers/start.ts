import { once } from "node:events";
import { startBatch } from "./batch.ts";
import { startBigquery } from "./bigquery.ts";
import { startDataproc } from "./dataproc.ts";
import { startGcsProxy } from "./gcs-proxy.ts";

/*
 * Cloud Storage, BigQuery, Batch and Dataproc on this machine, until Ctrl-C: `npm run servers`. What it prints, typed into
 * another shell, makes imagemill talk to them; their buckets and tables end with them.
 */

process.stderr.write("starting (the first time installs the servers: a few minutes)\n");
await using gcs = await startGcsProxy();
await using bigquery = await startBigquery({ storage: gcs.bareEndpoint });
await using batch = await startBatch();
await using dataproc = await startDataproc({
  storage: gcs.endpoint,
  environment: { IMAGEMILL_BIGQUERY_ENDPOINT: bigquery.endpoint },
});
process.stdout.write(`export IMAGEMILL_STORAGE_ENDPOINT=${gcs.endpoint}\n`);
process.stdout.write(`export IMAGEMILL_BIGQUERY_ENDPOINT=${bigquery.endpoint}\n`);
process.stdout.write(`export IMAGEMILL_BATCH_ENDPOINT=${batch.endpoint}\n`);
process.stdout.write(`export IMAGEMILL_DATAPROC_ENDPOINT=${dataproc.endpoint}\n`);
const engines = "--engine compute or dataproc";
process.stderr.write(`ready: gs://<bucket>/…, bigquery://${bigquery.project}/<dataset>, ${engines}; Ctrl-C ends all\n`);
await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
