import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { orSkip } from "../../servers/install.ts";
import { answersHttp, freePort, type ServerProcess, startServer } from "../../servers/process.ts";
import { installSpark } from "../../servers/spark.ts";

const script = fileURLToPath(new URL("../../../submit/engines/spark/node.sh", import.meta.url));

/** What a machine of Compute Engine tells about itself. */
async function metadataServer(attributes: Record<string, string>): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const value = request.headers["metadata-flavor"] === "Google" ? attributes[request.url?.split("/attributes/")[1] ?? ""] : undefined;
    response.writeHead(value === undefined ? 404 : 200).end(value);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/computeMetadata/v1`, close: () => server.close() };
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
      const metadata = await metadataServer(attributes);
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
    const metadata = await metadataServer({ "spark-role": "queen" });
    const env = { IMAGEMILL_METADATA: metadata.url, IMAGEMILL_SPARK: home };
    await assert.rejects(
      startServer({ command: "bash", args: [script], env, ready: async () => Promise.resolve(false) }),
      /ended with 2: .*spark-role must be master or worker, not "queen"/,
    );
    metadata.close();
  });
});
