import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Config } from "../../configs/config.ts";
import { compute } from "../../configs/engines/compute.ts";
import { dataproc } from "../../configs/engines/dataproc.ts";
import { loadConfig, type ConfigRequest } from "../../configs/load.ts";
import { configValues, originText } from "../../configs/origins.ts";
import { ImagemillError } from "../../core/errors.ts";

describe("loadConfig", () => {
  let cwd: string;
  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), "imagemill-config-"));
  });
  afterEach(() => rm(cwd, { recursive: true }));

  const load = async (yaml: string | undefined, rest: Partial<ConfigRequest> = {}): Promise<Config> => {
    if (yaml !== undefined) await writeFile(join(cwd, "imagemill.yaml"), yaml);
    return await loadConfig({ flags: {}, env: {}, cwd, ...rest });
  };
  const refusal = async (yaml: string | undefined, rest: Partial<ConfigRequest> = {}): Promise<ImagemillError> => {
    const error: unknown = await load(yaml, rest).then(
      () => assert.fail("it was accepted"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof ImagemillError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  };
  const url = (path: string): string => pathToFileURL(join(cwd, path)).href;

  it("fills in every default", async () => {
    const config = await load("source: photos\n");
    assert.deepEqual(config, {
      source: url("photos"),
      archive: url("out/archive"),
      control: url("out/control"),
      warehouse: url("out/warehouse.duckdb").replace("file:", "duckdb:"),
      engine: "local",
      jobs: [
        { name: "facts", params: {} },
        { name: "thumbnails", params: { sizes: [256] } },
      ],
      select: { include: [], exclude: ["**/.DS_Store", "**/Thumbs.db", "**/desktop.ini", "**/._*"] },
      policy: {
        limits: {
          imageTimeoutMs: 30_000,
          shardTimeoutMs: 3_600_000,
          runTimeoutMs: 86_400_000,
          maxObjectBytes: 256 * 2 ** 20,
          maxPixels: 250_000_000,
          workerMemoryBytes: 2 * 2 ** 30,
          storageAttempts: 6,
          storageConcurrency: 32,
        },
        archive: { days: 7, sources: true, onArchived: "keep", durable: false },
        gate: { maxQuarantinedRatio: 0.5 },
        packing: { shardSeconds: 60, minShards: 16, maxShardObjects: 10_000, maxShardBytes: 4 * 2 ** 30 },
      },
      local: { processes: "auto", threadsPerProcess: "auto", pin: true, shardAttempts: 3 },
      spark: { submitCommand: "spark-submit", conf: {}, taskCpus: 1, shardAttempts: 4, speculation: true, worker: "auto" },
      dataproc: dataproc.parse({}),
      compute: compute.parse({}),
      prices: { currency: "USD", minimumBilledMs: 60_000 },
      kafka: {
        brokers: [],
        topics: [],
        group: "imagemill",
        from: "earliest",
        concurrency: 32,
        bufferBytes: 256 * 2 ** 20,
        fetchBytes: 16 * 2 ** 20,
        commitEveryMs: 1000,
        sessionTimeoutMs: 20_000,
        stopTimeoutMs: 30_000,
        tls: { enabled: false },
      },
      google: { location: "EU", endpoints: {} },
      logLevel: "warn",
    });
  });

  it("takes a Kafka cluster from the file and from flags, whose names are in what is said of them", async () => {
    const yaml =
      "source: photos\nkafka: { brokers: ['a:9092'], deadLetters: dead, tls: { enabled: true, caFile: ca.pem }, commitEveryMs: 2s }\n";
    const { kafka } = await load(yaml, { flags: { keyed: [{ flag: "--topic", path: ["kafka", "topics"], value: ["photos"] }] } });
    assert.deepEqual([kafka.brokers, kafka.topics, kafka.deadLetters, kafka.commitEveryMs], [["a:9092"], ["photos"], url("dead"), 2000]);
    assert.deepEqual(kafka.tls, { enabled: true, caFile: join(cwd, "ca.pem") });
    const wrong = await refusal(yaml, { flags: { keyed: [{ flag: "--brokers", path: ["kafka", "brokers"], value: ["a"] }] } });
    assert.match(wrong.message, /--brokers[\s\S]*kafka\.brokers.* must be a broker like host:9092/);
    assert.match((await refusal("kafka: { brokers: ['a:99999'] }")).message, /kafka\.brokers.* must be a broker with a port below 65536/);
    assert.match((await refusal("kafka: { topics: ['no spaces'] }")).message, /must be the name of a topic/);
    assert.match((await refusal("kafka: { sasl: { mechanism: PLAIN, username: u, password: p } }")).message, /password/);
  });

  it("needs no file", async () => {
    const config = await load(undefined, { flags: { source: "photos" } });
    assert.equal(config.source, url("photos"));
  });

  it("is frozen through and through", async () => {
    const config = await load("source: photos\n");
    assert.throws(() => {
      config.policy.limits.maxPixels = 1;
    }, TypeError);
    assert.throws(() => config.jobs.push({ name: "x", params: {} }), TypeError);
  });

  it("takes sizes, durations and pixels with units or as numbers", async () => {
    const { limits } = (
      await load(
        "source: p\nlimits: { maxObjectBytes: 64MiB, imageTimeoutMs: 1500, shardTimeoutMs: 1.5h, maxPixels: 12 MP, workerMemoryBytes: 1GB }\n",
      )
    ).policy;
    assert.deepEqual(
      [limits.maxObjectBytes, limits.imageTimeoutMs, limits.shardTimeoutMs, limits.maxPixels, limits.workerMemoryBytes],
      [64 * 2 ** 20, 1500, 5_400_000, 12e6, 1e9],
    );
  });

  it("takes jobs as a name, as a name with parameters and in the long form", async () => {
    const config = await load("source: p\njobs: [facts, {thumbnails: {sizes: [64]}}, {name: ./mine.ts, params: {a: 1}}, {name: facts}]\n");
    assert.deepEqual(config.jobs, [
      { name: "facts", params: {} },
      { name: "thumbnails", params: { sizes: [64] } },
      { name: join(cwd, "mine.ts"), params: { a: 1 } },
      { name: "facts", params: {} },
    ]);
  });

  it("resolves paths against the file that says them, and flags against the working directory", async () => {
    await mkdir(join(cwd, "conf"));
    await writeFile(join(cwd, "conf", "a.yaml"), "source: ../photos\narchive: ../out/a\njobs: [{name: ./mine.ts}]\n");
    const config = await load(undefined, { path: "conf/a.yaml", flags: { control: "c", warehouse: "w.duckdb" } });
    assert.equal(config.source, url("photos"));
    assert.equal(config.archive, url("out/a"));
    assert.equal(config.control, url("c"));
    assert.equal(config.warehouse, `duckdb://${join(cwd, "w.duckdb")}`);
    assert.equal(config.jobs[0]!.name, join(cwd, "conf", "mine.ts"));
  });

  it("lets flags win over the environment, the environment over the file, --set over all", async () => {
    const yaml = "source: p\ngoogle: { project: file, endpoints: { storage: http://file } }\nlimits: { maxPixels: 1 }\nengine: spark\n";
    const config = await load(yaml, {
      env: { GOOGLE_CLOUD_PROJECT: "env", IMAGEMILL_STORAGE_ENDPOINT: "127.0.0.1:4443", IMAGEMILL_BATCH_ENDPOINT: "" },
      flags: { engine: "dataproc", set: ["google.project=set", "limits.maxPixels=2MP", "engine=local"] },
    });
    assert.equal(config.google.project, "set");
    assert.deepEqual(config.google.endpoints, { storage: "127.0.0.1:4443" });
    assert.equal(config.policy.limits.maxPixels, 2e6);
    assert.equal(config.engine, "local");
    const origins = Object.fromEntries(configValues(config).map((value) => [value.key, originText(value.origin)]));
    assert.equal(origins["google.project"], "--set google.project");
    assert.equal(origins["google.endpoints.storage"], "$IMAGEMILL_STORAGE_ENDPOINT");
    assert.equal(origins["limits.maxPixels"], "--set limits.maxPixels");
    assert.equal(origins["source"], "imagemill.yaml:1:9");
    assert.equal(origins["limits.imageTimeoutMs"], "default");
    assert.equal(origins["archivePolicy.days"], "default");
  });

  it("replaces the list of jobs by those of --job", async () => {
    const config = await load("source: p\njobs: [facts]\n", { flags: { job: ['thumbnails:{"sizes":[64,128]}', "facts"] } });
    assert.deepEqual(config.jobs, [
      { name: "thumbnails", params: { sizes: [64, 128] } },
      { name: "facts", params: {} },
    ]);
  });

  it("keeps {run_date} as written", async () => {
    const config = await load('source: "in/{run_date}"\nselect: { createdAfter: "{run_date}T00:00:00Z" }\n');
    assert.equal(config.source, `${url("in")}/{run_date}`);
    assert.equal(config.select.createdAfter, "{run_date}T00:00:00Z");
  });

  it("escapes what a URL must not hold", async () => {
    assert.equal((await load("source: 'a #1 %20?'\n")).source, url("a #1 %20?"));
  });

  it("does without a source only where the verb does", async () => {
    assert.equal((await load(undefined, { needsSource: false })).source, "");
    const error = await refusal(undefined);
    assert.match(error.message, /^source is missing/);
    assert.match(error.hint!, /--source FOLDER/);
  });

  const refused: [what: string, yaml: string, message: RegExp, hint: RegExp][] = [
    ["an unknown key", "source: p\nsorce: p\n", /^imagemill\.yaml:2:1: sorce is no key/, /did you mean "source"/],
    ["an unknown key in a section", "source: p\nlimits:\n  imageTimout: 3s\n", /:3:3: limits\.imageTimout is/, /"limits\.imageTimeoutMs"/],
    ["a key of a section at the top", "source: p\nmaxPixels: 3\n", /:2:1: maxPixels is no key/, /"limits\.maxPixels"/],
    [
      "a key of a section in another section",
      "source: p\ngate: {maxPixels: 3}\n",
      /:2:8: gate\.maxPixels is no key/,
      /"limits\.maxPixels"/,
    ],
    ["an unknown key of a job", "source: p\njobs: [{name: x, parms: {}}]\n", /:2:18: jobs\[0\]\.parms is no key/, /name and params/],
    ["a wrong type", "source: p\nlocal: {pin: 3}\n", /:2:14: local\.pin must be true or false, not 3/, /./],
    ["a wrong value", "source: p\nengine: sparc\n", /:2:9: engine must be one of local, .*, not "sparc"/, /did you mean "spark"/],
    [
      "a ratio out of range",
      "source: p\ngate: {maxQuarantinedRatio: 50}\n",
      /:2:29: gate\.maxQuarantinedRatio must be a number from 0 to 1, not 50/,
      /./,
    ],
    ["a duration without sense", "source: p\nlimits: {imageTimeoutMs: soon}\n", /:2:26: .* must be a duration like 30s.*, not "soon"/, /./],
    ["a duration that is too long", "source: p\nlimits: {imageTimeoutMs: 25h}\n", /must be a duration like 30s, at most 24h/, /./],
    [
      "a job that there is not",
      "source: p\njobs: [facts, thumnails]\n",
      /:2:15: jobs\[1\] names no job: "thumnails"/,
      /did you mean "thumbnails"/,
    ],
    ["no jobs", "source: p\njobs: []\n", /:2:7: jobs must name at least one job/, /./],
    ["a text for a section", "source: p\nlimits: high\n", /:2:9: limits .*not "high"/, /./],
    ["a list", "- source\n", /:1:1: must hold keys and values/, /configs\/local\.yaml/],
    ["a key twice", "source: a\nsource: b\n", /:2:1: this is no valid YAML: Map keys must be unique/, /./],
    ["a broken file", "source: [a\n", /:\d+:\d+: this is no valid YAML/, /indentation/],
    ["another kind of store", "source: s3://bucket/x\n", /:1:9: source is no location: .*s3:\/\/ is not supported/, /gs:\/\//],
    ["a bucket that can be none", "source: gs://UPPER/x\n", /:1:9: source .*"UPPER" cannot be the name of a bucket/, /lower-case/],
    ["a relative file URL", "source: file://photos\n", /is not a file URL/, /three slashes/],
    ["another kind of warehouse", "source: p\nwarehouse: postgres://x/y\n", /:2:12: warehouse is no location: .*postgres/, /duckdb:/],
    [
      "an archive in the source",
      "source: p\narchive: p/out\n",
      /:2:10: archive \(.*p\/out\) lies inside source/,
      /--archive file:.*\/archive/,
    ],
    ["a source in the archive", "source: p/in\narchive: p\n", /:2:10: archive .* contains source/, /beside/],
    ["the same place twice", "source: p\narchive: o\ncontrol: o\n", /:3:10: control .* is the same place as archive/, /beside/],
    [
      "a warehouse in the archive",
      "source: p\narchive: o\nwarehouse: o/w.duckdb\n",
      /:3:12: warehouse .* lies inside archive/,
      /--warehouse duckdb:/,
    ],
    [
      "a move without consent",
      "source: p\narchivePolicy: {onArchived: move}\n",
      /:2:29: archivePolicy\.onArchived is move/,
      /iAcceptLossAfterDays: 7/,
    ],
    ["a move with other consent", "source: p\niAcceptLossAfterDays: 8\narchivePolicy: {onArchived: move}\n", /onArchived is move/, /: 7/],
    [
      "a move into a shorter archive",
      "source: p\niAcceptLossAfterDays: 7\narchivePolicy: {onArchived: move, days: 3}\n",
      /:3:41: .*days is 3/,
      /days: 7/,
    ],
    [
      "a move without copies",
      "source: p\niAcceptLossAfterDays: 7\narchivePolicy: {onArchived: move, sources: false}\n",
      /sources is false/,
      /./,
    ],
    [
      "an empty span",
      "source: p\nselect: {createdAfter: 2026-02-02, createdBefore: 2026-02-01}\n",
      /createdBefore \(2026-02-01\) is not after/,
      /./,
    ],
  ];
  for (const [what, yaml, message, hint] of refused) {
    it(`refuses ${what}, naming the place and what to do`, async () => {
      const error = await refusal(yaml);
      assert.equal(error.code, "CONFIG_INVALID");
      assert.match(error.message, message);
      assert.match(error.hint!, hint);
      assert.equal(error.message.split("\n").length, 1, error.message);
    });
  }

  it("tells all problems at once, in the order of the file", async () => {
    const error = await refusal("engine: x\nsource: p\nlimits: {maxPixels: -1, storageAttempts: 0}\nfoo: 1\n", {
      flags: { logLevel: "loud" },
    });
    const places = error.message.split("\n").slice(1);
    assert.deepEqual(
      places.map((line) => line.trim().split(": ")[0]),
      ["imagemill.yaml:1:9", "imagemill.yaml:3:21", "imagemill.yaml:3:42", "imagemill.yaml:4:1", "--log-level"],
    );
  });

  it("names flag and variable where they are wrong", async () => {
    assert.match((await refusal("source: p\n", { flags: { engine: "Local" } })).message, /^--engine: engine must be/);
    assert.match((await refusal("source: p\n", { flags: { set: ["limits.maxPixel=3"] } })).message, /^--set limits\.maxPixel: /);
    assert.match((await refusal("source: p\n", { flags: { set: ["limits"] } })).message, /must be key=value/);
    assert.match((await refusal("source: p\n", { flags: { job: ["x:{a"] } })).message, /^--job x.*no JSON/);
    assert.match((await refusal("source: p\n", { flags: { job: ["x:{a}"] } })).message, /no JSON/);
    const env = { IMAGEMILL_BIGQUERY_ENDPOINT: "not an address" };
    assert.match(
      (await refusal("source: p\n", { env })).message,
      /^\$IMAGEMILL_BIGQUERY_ENDPOINT: google\.endpoints\.bigquery must be an address/,
    );
  });

  it("follows links before it looks for overlaps", async () => {
    await mkdir(join(cwd, "photos"));
    await symlink(join(cwd, "photos"), join(cwd, "elsewhere"));
    const error = await refusal("source: photos\narchive: elsewhere/archive\n");
    assert.match(error.message, /archive .* lies inside source/);
  });

  it("says which file is not there", async () => {
    const error = await refusal(undefined, { path: "nope.yaml" });
    assert.equal(error.code, "CONFIG_NOT_FOUND");
    assert.match(error.message, /nope\.yaml: there is no such file/);
  });
});
