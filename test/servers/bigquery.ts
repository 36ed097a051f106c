import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { startBigqueryProxy, type BigqueryFaults } from "./bigquery-proxy.ts";
import { execInstaller, installed, type Installation } from "./install.ts";
import { answersHttp, freePort, startServer } from "./process.ts";

const version = "0.3.2";
const duckdb = "1.5.5";
const extensions = ["icu", "ducklake", "httpfs", "spatial"];

export interface BigqueryServer extends AsyncDisposable {
  /** Of the proxy, which adds what the server lacks and can make it fail. */
  readonly endpoint: string;
  readonly project: string;
  readonly faults: BigqueryFaults;
  /** Where `gs://<bucket>/<name>` is read from when no storage server was given: `<bucketsFolder>/<bucket>/<name>`. */
  readonly bucketsFolder: string;
}

/**
 * A server that speaks BigQuery's REST API (PyPI local-bigquery, DuckDB inside). It reads gs:// from `storage`, the
 * address of a server that speaks Cloud Storage's, or from a folder.
 */
export async function startBigquery({ storage }: { storage?: string } = {}): Promise<BigqueryServer> {
  const folder = await installed(localBigquery());
  const data = await mkdtemp(join(tmpdir(), "imagemill-bigquery-"));
  const bucketsFolder = join(data, "buckets");
  await using started = new AsyncDisposableStack();
  started.defer(() => rm(data, { recursive: true, force: true }));
  await mkdir(bucketsFolder);
  const [port, grpcPort] = [await freePort(), await freePort()];
  const direct = `http://127.0.0.1:${port}`;
  const project = "imagemill-test";
  const listen = ["--host", "127.0.0.1", "--port", String(port), "--grpc-port", String(grpcPort)];
  started.use(
    await startServer({
      command: join(folder, "bin", "local-bigquery"),
      args: [...listen, "--project", project, "--data-dir", join(data, "server"), "serve"],
      env: { HOME: folder, ...(storage === undefined ? { GCS_LOCAL_ROOT: bucketsFolder } : { STORAGE_EMULATOR_HOST: storage }) },
      ready: () => answersHttp(`${direct}/bigquery/v2/projects/${project}/datasets`),
    }),
  );
  const proxy = started.use(await startBigqueryProxy(direct));
  const stack = started.move();
  return {
    endpoint: proxy.url,
    project,
    faults: proxy.faults,
    bucketsFolder,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function localBigquery(): Installation {
  return {
    name: `local-bigquery-${version}`,
    install: async (folder) => {
      await execInstaller(findPython(), ["-m", "venv", folder]);
      const packages = [`duckdb-extensions==${duckdb}`, ...extensions.map((name) => `duckdb-extension-${name}==${duckdb}`)];
      const pip = ["install", "--quiet", "--disable-pip-version-check", `local-bigquery==${version}`, `duckdb==${duckdb}`, ...packages];
      await execInstaller(join(folder, "bin", "pip"), pip);
      const script = `from duckdb_extensions import import_extension\nfor name in ${JSON.stringify(extensions)}: import_extension(name)`;
      await execInstaller(join(folder, "bin", "python"), ["-c", script], { env: { HOME: folder } });
    },
  };
}

/** The server needs Python 3.13 or newer, which is often there under another name than `python3`. */
function findPython(): string {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const pyenv = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, "bin", "python3")) : [];
  const found = ["python3.14", "python3.13", "python3", ...pyenv].find(isNewEnough);
  if (found === undefined)
    throw new Error("local-bigquery needs Python 3.13 or newer; none was found on the path or among pyenv's versions");
  return found;
}

function isNewEnough(python: string): boolean {
  try {
    execFileSync(python, ["-c", "import sys, venv, ensurepip; assert sys.version_info >= (3, 13)"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
