import { readdirSync } from "node:fs";
import { join } from "node:path";
import { installed, pythonEnvironment } from "./install.ts";
import { answersHttp, freePort, type ServerProcess, startServer } from "./process.ts";

const version = "4.1.4";

/** The folder of a Python environment with Spark in it. */
export async function installSpark(): Promise<string> {
  return installed(pythonEnvironment(`pyspark-${version}`, "python3", [`pyspark==${version}`]));
}

/** A Spark on disk. */
export interface SparkHome {
  readonly home: string;
  /** Environment under which `spark-submit` of this Spark runs. */
  readonly environment: NodeJS.ProcessEnv;
  readonly submitCommand: string;
}

export async function sparkHome(): Promise<SparkHome> {
  const folder = await installSpark();
  const home = join(folder, "lib", pythonFolder(folder), "site-packages", "pyspark");
  const environment: NodeJS.ProcessEnv = {
    SPARK_HOME: home,
    SPARK_LOCAL_IP: "127.0.0.1",
    PYSPARK_PYTHON: join(folder, "bin", "python"),
    SPARK_NO_DAEMONIZE: "1",
  };
  return { home, environment, submitCommand: join(home, "bin", "spark-submit") };
}

export interface SparkCluster extends SparkHome, AsyncDisposable {
  /** `spark://127.0.0.1:<port>` */
  readonly master: string;
  readonly workers: ServerProcess[];
  /** The master's status as it tells it: applications, workers, cores. */
  status(): Promise<SparkStatus>;
}

export interface SparkStatus {
  aliveworkers: number;
  cores: number;
  activeapps: { id: string; name: string; state: string }[];
  completedapps: { id: string; name: string; state: string }[];
}

/**
 * A real standalone Spark from PyPI: one master and workers of one core each. Each worker has a loopback address of its
 * own: Spark speculates only on another host.
 */
export async function startSpark(workerCount: number): Promise<SparkCluster> {
  const spark = await sparkHome();
  const { home, environment } = spark;
  await using started = new AsyncDisposableStack();
  const [port, uiPort] = [await freePort(), await freePort()];
  const master = `spark://127.0.0.1:${port}`;
  const sparkClass = join(home, "bin", "spark-class");
  started.use(
    await startServer({
      command: sparkClass,
      args: ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", String(port), "--webui-port", String(uiPort)],
      env: environment,
      ready: () => answersHttp(`http://127.0.0.1:${uiPort}/json/`),
    }),
  );
  const status = async (): Promise<SparkStatus> => (await fetch(`http://127.0.0.1:${uiPort}/json/`)).json() as Promise<SparkStatus>;
  const workers: ServerProcess[] = [];
  for (let index = 0; index < workerCount; index += 1) {
    const workerUi = await freePort();
    const host = `127.0.0.${index + 1}`;
    const worker = await startServer({
      command: sparkClass,
      args: [
        "org.apache.spark.deploy.worker.Worker",
        master,
        "--host",
        host,
        "--cores",
        "1",
        "--memory",
        "1g",
        "--webui-port",
        String(workerUi),
      ],
      env: { ...environment, SPARK_LOCAL_IP: host, SPARK_WORKER_DIR: join(await installSpark(), "work") },
      ready: async () => (await status()).aliveworkers > index,
    });
    workers.push(started.use(worker));
  }
  const stack = started.move();
  return {
    ...spark,
    master,
    workers,
    status,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function pythonFolder(environmentFolder: string): string {
  const found = readdirSync(join(environmentFolder, "lib")).find((name) => name.startsWith("python"));
  if (found === undefined) throw new Error(`${environmentFolder} holds no Python`);
  return found;
}
