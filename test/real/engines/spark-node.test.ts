import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { orSkip } from "../../servers/install.ts";
import { metadataServer } from "../../servers/metadata.ts";
import { answersHttp, freePort, type ServerProcess, startServer } from "../../servers/process.ts";
import { installSpark } from "../../servers/spark.ts";

const script = fileURLToPath(new URL("../../../submit/engines/spark/node.sh", import.meta.url));

function asAttributes(attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`attributes/${name}`, value]));
}

describe("the start-up script of a Spark node", function () {
  this.timeout(120_000);
  let home: string;
  let folder: string;
  before(async function () {
    home = await orSkip(this, "Spark", installSpark);
    folder = await mkdtemp(join(tmpdir(), "imagemill-node-"));
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  it("makes a master, and a worker that joins it", async () => {
    const [port, ui, workerUi] = [await freePort(), await freePort(), await freePort()];
    const node = async (attributes: Record<string, string>, ready: () => Promise<boolean>): Promise<ServerProcess> => {
      const metadata = await metadataServer(asAttributes(attributes));
      try {
        const env = {
          IMAGEMILL_METADATA: metadata.url,
          IMAGEMILL_SPARK: home,
          IMAGEMILL_ADDRESS: "127.0.0.1",
          IMAGEMILL_SPARK_PORT: String(port),
          IMAGEMILL_FOREGROUND: "1",
          SPARK_MASTER_WEBUI_PORT: String(ui),
          SPARK_WORKER_WEBUI_PORT: String(workerUi),
          SPARK_WORKER_DIR: folder,
        };
        return await startServer({ command: "bash", args: [script], env, ready });
      } finally {
        metadata.close();
      }
    };
    const page = `http://127.0.0.1:${ui}/json/`;
    await using _master = await node({ "spark-role": "master" }, async () => answersHttp(page));
    const joined = async (): Promise<boolean> => ((await (await fetch(page)).json()) as { aliveworkers: number }).aliveworkers === 1;
    await using _worker = await node({ "spark-role": "worker", "spark-master": "127.0.0.1" }, joined);
    assert.equal(await joined(), true);
  });

  it("refuses a role that it does not know", async () => {
    const metadata = await metadataServer(asAttributes({ "spark-role": "queen" }));
    const env = { IMAGEMILL_METADATA: metadata.url, IMAGEMILL_SPARK: home };
    await assert.rejects(
      startServer({ command: "bash", args: [script], env, ready: async () => Promise.resolve(false) }),
      /ended with 2: .*spark-role must be master or worker, not "queen"/,
    );
    metadata.close();
  });
});
