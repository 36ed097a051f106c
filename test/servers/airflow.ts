import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { execInstaller, installed, type Installation } from "./install.ts";
import { freePort, startServer } from "./process.ts";

/** What Managed Service for Apache Airflow has newest, and the oldest that the DAG is written for. */
export const airflowVersions = ["3.3.1", "2.11.2"] as const;
export type AirflowVersion = (typeof airflowVersions)[number];

const provider = "apache-airflow-providers-google==22.8.0";
/** Of the provider's eighty dependencies, those that its Dataproc, Cloud Storage and BigQuery parts import. */
const googleLibraries = [
  "google-cloud-dataproc==5.32.0",
  "google-cloud-bigquery==3.47.0",
  "google-cloud-storage==3.17.1",
  "google-cloud-secret-manager==2.32.0",
  "google-api-python-client==2.202.0",
  "google-auth-httplib2==0.4.4",
  "gcloud-aio-auth==5.6.0",
  "gcloud-aio-bigquery==7.3.0",
  "gcloud-aio-storage==9.6.5",
  "pandas-gbq==0.35.3",
];
const dags = fileURLToPath(new URL("../../dags", import.meta.url));
const sites = fileURLToPath(new URL("airflow", import.meta.url));

export interface AirflowPlace {
  /** Where Google's services answer. */
  storage?: string;
  bigquery?: string;
  dataproc?: string;
  /** Variables by name, as JSON. */
  variables?: Record<string, unknown>;
  /** Connections by id, as Airflow's JSON. */
  connections?: Record<string, object>;
}

export interface Ended {
  code: number | null;
  /** stdout and stderr. */
  said: string;
}

/** An Airflow from PyPI with the Google provider and our DAG folder, in a home of its own. */
export interface Airflow extends AsyncDisposable {
  /** `airflow <words>` */
  airflow(...words: string[]): Promise<Ended>;
  /** Runs a Python program in Airflow's environment. */
  python(...words: string[]): Promise<Ended>;
  /** Scheduler, triggerer, DAG processor and API server, until disposed. */
  startAll(): Promise<AsyncDisposable>;
}

export async function openAirflow(version: AirflowVersion, place: AirflowPlace = {}): Promise<Airflow> {
  const folder = await installed(airflowInstallation(version));
  const home = await mkdtemp(join(tmpdir(), "imagemill-airflow-"));
  const environment = { ...process.env, ...environmentOf(home, place), PATH: `${join(folder, "bin")}:${process.env.PATH}` };
  const call = async (command: string, words: string[]): Promise<Ended> => ended(join(folder, "bin", command), words, environment);
  return {
    airflow: async (...words) => call("airflow", words),
    python: async (...words) => call("python", words),
    startAll: async () => standalone(folder, environment),
    [Symbol.asyncDispose]: async () => rm(home, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function airflowInstallation(version: AirflowVersion): Installation {
  return {
    name: `airflow-${version}`,
    install: async (folder) => {
      const python = join(folder, "bin", "python");
      await execInstaller("python3", ["-m", "venv", folder]);
      await execInstaller(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]);
      const install = async (...packages: string[]): Promise<void> =>
        // Compiled now, or every process of Airflow does it again.
        execInstaller(python, ["-m", "uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python, ...packages]);
      await install(`apache-airflow==${version}`, ...googleLibraries);
      await install("--no-deps", provider);
    },
  };
}

function environmentOf(home: string, place: AirflowPlace): NodeJS.ProcessEnv {
  const anonymous = { conn_type: "google_cloud_platform", extra: { is_anonymous: true } };
  const connections = Object.entries({ google_cloud_default: anonymous, ...place.connections });
  return {
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__DAGS_FOLDER: dags,
    AIRFLOW__CORE__LOAD_EXAMPLES: "False",
    AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY: "1",
    // A machine that is busy with other tests takes its time.
    AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT: "300",
    AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT: "300",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN: `sqlite:///${home}/airflow.db`,
    AIRFLOW__LOGGING__BASE_LOG_FOLDER: join(home, "logs"),
    PYTHONPATH: sites,
    PYTHONDONTWRITEBYTECODE: "1",
    ...(place.storage !== undefined && { STORAGE_EMULATOR_HOST: place.storage }),
    ...(place.bigquery !== undefined && { BIGQUERY_EMULATOR_HOST: place.bigquery }),
    ...(place.dataproc !== undefined && { IMAGEMILL_DATAPROC_ENDPOINT: place.dataproc }),
    ...Object.fromEntries(connections.map(([id, value]) => [`AIRFLOW_CONN_${id.toUpperCase()}`, JSON.stringify(value)])),
    ...Object.fromEntries(
      Object.entries(place.variables ?? {}).map(([name, value]) => [`AIRFLOW_VAR_${name.toUpperCase()}`, JSON.stringify(value)]),
    ),
  };
}

async function ended(command: string, words: string[], environment: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(command, words, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve, reject) => child.on("close", resolve).on("error", reject));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { code, said: `${out}\n${err}` };
}

async function standalone(folder: string, environment: NodeJS.ProcessEnv): Promise<AsyncDisposable> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return startServer({
    command: join(folder, "bin", "airflow"),
    args: ["standalone"],
    env: {
      ...environment,
      AIRFLOW__API__HOST: "127.0.0.1",
      AIRFLOW__API__PORT: String(port),
      AIRFLOW__API__WORKERS: "1",
      AIRFLOW__API__BASE_URL: url,
      AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `${url}/execution/`,
      AIRFLOW__CORE__PARALLELISM: "2",
    },
    ready: () => allHealthy(`${url}/api/v2/monitor/health`),
    readyTimeoutMs: 180_000,
  });
}

async function allHealthy(url: string): Promise<boolean> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
  const parts = Object.values((await answer.json()) as Record<string, { status: string }>);
  return parts.every(({ status }) => status === "healthy");
}
