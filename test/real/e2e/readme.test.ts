import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { silentLogger } from "../../../core/log.ts";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { openStore } from "../../../storage/open.ts";
import { type BigqueryServer, startBigquery } from "../../servers/bigquery.ts";
import { type GcsProxy, startGcsProxy } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";

const root = new URL("../../../", import.meta.url);
const bin = new URL("submit/bin.js", root).pathname;
const execute = promisify(execFile);

/** Commands of the README's first block below this heading. */
async function commandsBelow(heading: string): Promise<string[]> {
  const section = (await readFile(new URL("README.md", root), "utf8")).split(`\n## ${heading}\n`)[1] ?? "";
  const block = /```sh\n([^`]*)```/.exec(section)?.[1] ?? "";
  return block.split("\n").filter((line) => line !== "");
}

describe("the README's commands on Google Cloud", () => {
  let gcs: GcsProxy;
  let bigquery: BigqueryServer;
  let folder: string;

  before(async function () {
    this.timeout(600_000);
    gcs = await orSkip(this, "fake-gcs-server", async () => startGcsProxy());
    bigquery = await orSkip(this, "local-bigquery", async () => startBigquery({ storage: gcs.bareEndpoint }));
    folder = await mkdtemp(join(tmpdir(), "imagemill-readme-"));
    const config = await readFile(new URL("configs/nightly.yaml", root), "utf8");
    await writeFile(join(folder, "nightly.yaml"), config.replaceAll("my-project", bigquery.project));
  });
  after(async () => {
    await bigquery?.[Symbol.asyncDispose]();
    await gcs?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  it("work in their order on configs/nightly.yaml", async function () {
    this.timeout(180_000);
    const commands = await commandsBelow("On Google Cloud");
    assert.ok(commands.length >= 4);
    let uploaded = false;
    for (const command of commands) {
      const words = command.split(" ");
      assert.deepEqual(words.slice(0, 2), ["npx", "imagemill"]);
      if (words[2] === "run" && !uploaded) {
        await upload(gcs.endpoint);
        uploaded = true;
      }
      const { stdout } = await execute(process.execPath, [bin, ...words.slice(2)], {
        cwd: folder,
        env: { ...process.env, IMAGEMILL_STORAGE_ENDPOINT: gcs.endpoint, IMAGEMILL_BIGQUERY_ENDPOINT: bigquery.endpoint },
      });
      if (words[2] === "run") assert.match(stdout, /is done: 3 images/);
    }
    assert.ok(uploaded);
  });
});

async function upload(endpoint: string): Promise<void> {
  const today = new Date().toISOString().slice(0, 10);
  const context = { attempts: 3, concurrency: 4, endpoint, log: silentLogger, clock: systemClock, random: systemRandom };
  const bucket = await openStore(`gs://my-ingestion/${today}`, context);
  for (const background of ["red", "green", "blue"]) {
    const bytes = await sharp({ create: { width: 64, height: 48, channels: 3, background } })
      .jpeg()
      .toBuffer();
    await bucket.write(`${background}.jpg`, bytes, { ifGeneration: "0" });
  }
  await bucket.close();
}
