import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { openAirflow, type Airflow } from "../../servers/airflow.ts";
import { startDataproc, type DataprocServer } from "../../servers/dataproc.ts";
import { ask, configure, putObject, smallImages, startCloud, type Cloud } from "../e2e/cloud.ts";

/** Everything that a night needs, on this machine: Cloud Storage, BigQuery, Dataproc, Airflow, and who is alerted. */
export interface NightWorld extends AsyncDisposable {
  readonly cloud: Cloud;
  readonly dataproc: DataprocServer;
  readonly airflow: Airflow;
  /** Of the command line. */
  readonly config: string[];
  readonly warehouse: string;
  /** Texts that the webhook was sent. */
  readonly alerts: string[];
}

export const imagesAnight = 8;

/** `jobs`: of the batches, as YAML. */
export async function startNight(jobs = "[facts]"): Promise<NightWorld> {
  await using started = new AsyncDisposableStack();
  const cloud = started.use(await startCloud());
  const { endpoint: storage } = cloud.gcs;
  const { endpoint: bigquery } = cloud.bigquery;
  const dataproc = started.use(await startDataproc({ storage, environment: { IMAGEMILL_BIGQUERY_ENDPOINT: bigquery } }));
  const webhook = started.use(await startWebhook());
  const places = {
    source: "gs://nights/{run_date}",
    archive: "gs://archive",
    control: "gs://control",
    warehouse: cloud.warehouse("nights"),
  };
  const config = await configure(cloud, "nightly", places);
  for (const bucket of ["nights", "archive", "control"]) await cloud.gcs.createBucket(bucket);
  await ask(cloud.where, ["init", ...config]);
  const yaml = Object.entries(places).map(([key, value]) => `${key}: ${value}\n`);
  await putObject(cloud, "control", "config/nightly.yaml", Buffer.from(`${yaml.join("")}jobs: ${jobs}\n`), "text/yaml");
  const uploaded = await ask(cloud.where, ["bundle", "--upload", ...config]);
  const imagemill = {
    project: cloud.bigquery.project,
    region: "europe-west4",
    driver: uploaded["driver"],
    archive: uploaded["archive"],
    properties: uploaded["properties"],
    config: "gs://control/config/nightly.yaml",
    warehouse: places.warehouse,
    sources: [places.source],
    alert_connection: "alerts",
  };
  const airflow = started.use(
    await openAirflow("3.3.1", {
      storage,
      bigquery,
      dataproc: dataproc.endpoint,
      variables: { imagemill },
      connections: { alerts: { conn_type: "generic", password: webhook.url } },
    }),
  );
  const stack = started.move();
  return {
    cloud,
    dataproc,
    airflow,
    config,
    warehouse: places.warehouse,
    alerts: webhook.texts,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

/** The images of one date: two of them are broken. */
export async function bringImages({ cloud }: NightWorld, folder: string, seed: number): Promise<void> {
  for (const [name, bytes] of await smallImages(imagesAnight, seed)) await putObject(cloud, "nights", `${folder}/${name}`, bytes);
}

interface Webhook extends AsyncDisposable {
  url: string;
  texts: string[];
}

async function startWebhook(): Promise<Webhook> {
  const texts: string[] = [];
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      texts.push((body as { text: string }).text);
      return response.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    texts,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, "close");
    },
  };
}
