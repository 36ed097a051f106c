import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { makeBundle } from "../../../submit/bundle/bundle.ts";
import { driverFile } from "../../../submit/engines/spark/command.ts";
import { orSkip } from "../../servers/install.ts";
import { sparkHome, type SparkHome } from "../../servers/spark.ts";

describe("driver.py run, where Spark gives files to executors only", function () {
  this.timeout(5 * 60_000);
  let spark: SparkHome;
  let folder: string;
  before(async function () {
    spark = await orSkip(this, "Spark", sparkHome);
    folder = await mkdtemp(join(tmpdir(), "imagemill-driver-"));
  });
  after(async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const submit = async (properties: string[], ...args: string[]): Promise<{ code: number | null; said: string }> => {
    const conf = ["spark.ui.enabled=false", ...properties].flatMap((property) => ["--conf", property]);
    const child = spawn(spark.submitCommand, ["--master", "local[1]", ...conf, driverFile, "run", ...args], {
      cwd: folder,
      env: { ...process.env, ...spark.environment, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    // Spark has one stream for what Python says.
    return { code, said: out + err };
  };

  it("fetches the archive and the configuration by their URIs, as on YARN, and ends with imagemill's exit code", async () => {
    const { file } = await makeBundle(folder, new AbortController().signal);
    const config = join(folder, "elsewhere.yaml");
    await writeFile(config, "source: photos\nsauce: mustard\n");
    const archives = `spark.yarn.dist.archives=${pathToFileURL(file).href}#imagemill-runtime`;
    const { code, said } = await submit([archives], `--config=${pathToFileURL(config).href}`);
    assert.equal(code, 2, said);
    assert.match(said, /elsewhere\.yaml:2:1: sauce is no key/);

    const absent = await submit([archives], "--config", "nightly.yaml");
    assert.equal(absent.code, 1);
    assert.match(absent.said, /nightly\.yaml is missing here: give Spark that file along/);
  });

  it("says that the archive is missing", async () => {
    const { code, said } = await submit([], "--config", "nightly.yaml");
    assert.equal(code, 1);
    assert.match(said, /the runtime archive is missing: give Spark the archive gs:/);
  });
});
