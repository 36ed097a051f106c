import assert from "node:assert/strict";
import { once } from "node:events";
import { startImagemill } from "../../e2e/imagemill.ts";
import type { Fault, ProxiedCall } from "../../servers/bigquery-proxy.ts";
import type { HttpFault } from "../../servers/gcs-answers.ts";
import type { GcsCall, GcsOperation } from "../../servers/gcs-proxy.ts";
import { orSkip } from "../../servers/install.ts";
import {
  ask,
  assertHolds,
  configure,
  fillBucket,
  objectsOf,
  putObject,
  removeObject,
  rowsOf,
  smallImages,
  startCloud,
  type Cloud,
} from "./cloud.ts";

const images = 20;
const runDate = ["--run-date", "2026-11-23"];

/** Faults by what they are and where they were met, over whole runs. */
interface TableRow {
  fault: string;
  met: Record<string, number>;
  runs: number;
}

describe("whole runs while services fail", function () {
  this.timeout(300_000);
  this.slow(60_000);
  let cloud: Cloud;
  const table: TableRow[] = [];
  /** What happens to the requests of a run, by the name of its buckets. */
  const faultsOf = new Map<string, (call: GcsCall) => HttpFault | undefined | Promise<HttpFault | undefined>>();

  /** Goes on beside the others: a stall is given up after a minute. */
  let stalled: Promise<void>;

  before(async function () {
    this.timeout(15 * 60_000);
    cloud = await orSkip(this, "Cloud Storage and BigQuery servers", startCloud);
    cloud.gcs.faults = async (call) => faultsOf.get(/\/b\/([^/?]+)/.exec(call.path)?.[1] ?? "")?.(call);
    const config = await configure(cloud, "tables", placesOf("tables"));
    await ask(cloud.where, ["init", ...config]);
    stalled = stalling();
    stalled.catch(() => undefined);
  });
  after(async () => {
    await cloud?.[Symbol.asyncDispose]();
    if (table.length > 0) print(table);
  });

  const placesOf = (name: string) => ({
    source: `gs://${name}`,
    archive: `gs://${name}-archive`,
    control: `gs://${name}-control`,
    // BigQuery's faults are not for the run that goes on beside the others.
    warehouse: name === "stalled" ? `duckdb://${cloud.where.cwd}/stalled.duckdb` : cloud.warehouse("faults"),
  });

  const strike = (name: string, faults: (call: GcsCall) => HttpFault | undefined): void => {
    for (const bucket of [name, `${name}-archive`, `${name}-control`]) faultsOf.set(bucket, faults);
  };
  const heal = (name: string): void => {
    for (const bucket of [name, `${name}-archive`, `${name}-control`]) faultsOf.delete(bucket);
  };

  const prepare = async (name: string): Promise<string[]> => {
    await fillBucket(cloud, name, await smallImages(images));
    await cloud.gcs.createBucket(`${name}-archive`);
    await cloud.gcs.createBucket(`${name}-control`);
    return configure(cloud, name, placesOf(name));
  };

  /** `run` until it ends done; at most twice. */
  const runToEnd = async (config: string[]): Promise<{ result: Record<string, unknown>; runs: number }> => {
    const first = await ask(cloud.where, ["run", ...config, ...runDate]).catch((error: unknown) => error as Error);
    if (!(first instanceof Error)) return { result: first, runs: 1 };
    process.stdout.write(`      once more after: ${/"code":"\w+","message":"[^"]*/.exec(first.message)?.[0] ?? first.message}\n`);
    return { result: await ask(cloud.where, ["run", ...config, ...runDate]), runs: 2 };
  };

  const assertExactlyOnce = async (name: string, config: string[], result: Record<string, unknown>): Promise<void> => {
    assert.deepEqual([result["state"], result["ok"], result["quarantined"], result["rowsLoaded"]], ["done", images - 2, 2, images]);
    const rows = await rowsOf(cloud, placesOf(name).warehouse, result["runId"]);
    assert.deepEqual(
      rows.map((row) => row["name"]),
      (await objectsOf(cloud, name)).map((object) => object.name).sort(),
    );
    await assertHolds(cloud.where, result["runId"], config);
  };

  const all: GcsOperation[] = ["list", "stat", "read", "write", "copy"];
  const storage: Record<string, { fault: HttpFault; at: GcsOperation[]; every: number }> = {
    "429, Retry-After 1": { fault: { kind: "status", status: 429, retryAfter: "1", when: "before" }, at: all, every: 12 },
    "503, nothing done": { fault: { kind: "status", status: 503, when: "before" }, at: all, every: 4 },
    "503, done all the same": { fault: { kind: "status", status: 503, when: "after" }, at: all, every: 3 },
    "reset, nothing done": { fault: { kind: "reset", when: "before" }, at: all, every: 4 },
    "reset, done all the same": { fault: { kind: "reset", when: "after" }, at: all, every: 3 },
    "answer cut, connection lost": { fault: { kind: "truncate", quietly: false }, at: all, every: 4 },
    "answer cut, length fits": { fault: { kind: "truncate", quietly: true }, at: all, every: 4 },
    "one bit flipped": { fault: { kind: "flip" }, at: ["read"], every: 3 },
    "another writer first (412)": { fault: { kind: "raced" }, at: ["write", "copy"], every: 3 },
  };

  /** The first of each operation, then every nth. */
  const injecting = (fault: HttpFault, at: GcsOperation[], every: number, met: Record<string, number>) => {
    const seen: Record<string, number> = {};
    return ({ op }: GcsCall): HttpFault | undefined => {
      if (!at.includes(op)) return undefined;
      const index = (seen[op] ?? 0) + 1;
      seen[op] = index;
      if (index % every !== 1) return undefined;
      met[op] = (met[op] ?? 0) + 1;
      return fault;
    };
  };

  const stalling = async (): Promise<void> => {
    const name = "stalled";
    const config = await prepare(name);
    const met: Record<string, number> = {};
    strike(name, ({ op, path }) => {
      // Of one image each; the third would wait for the first.
      if ((op !== "read" && op !== "copy") || path.includes("-control") || met[op] !== undefined) return undefined;
      met[op] = 1;
      return { kind: "stall", when: op === "read" ? "before" : "after" };
    });
    const { result, runs } = await runToEnd(config);
    heal(name);
    await assertExactlyOnce(name, config, result);
    assert.deepEqual(met, { read: 1, copy: 1 });
    table.push({ fault: "stall", met, runs });
  };

  for (const [index, [title, { fault, at, every }]] of Object.entries(storage).entries()) {
    it(`Cloud Storage: ${title}`, async () => {
      const name = `storage${index}`;
      const config = await prepare(name);
      const met: Record<string, number> = {};
      strike(name, injecting(fault, at, every, met));
      const { result, runs } = await runToEnd(config);
      heal(name);
      assert.deepEqual(Object.keys(met).sort(), [...at].sort(), "met at every operation");
      await assertExactlyOnce(name, config, result);
      table.push({ fault: title, met, runs });
    });
  }

  it("Cloud Storage: the ingestion bucket changes between the pages of its listing", async () => {
    const name = "mutated";
    const config = await prepare(name);
    const lasting = (await objectsOf(cloud, name)).map((object) => object.name);
    const met: Record<string, number> = {};
    const made: string[] = [];
    const [, image] = [...(await smallImages(3, 5))].at(-1)!;
    faultsOf.set(name, async (call) => {
      if (call.op !== "list") return undefined;
      // What a page is here: three names, so that there is something between two.
      call.path = call.path.replace("maxResults=1000", "maxResults=3");
      met["list"] = (met["list"] ?? 0) + 1;
      for (const at of ["0", "m", "~"]) {
        made.push(`${at}${made.length}.png`);
        await putObject(cloud, name, made.at(-1)!, image);
      }
      if (made.length > 6) await removeObject(cloud, name, made.splice(0, 1)[0]!);
      return undefined;
    });
    const { result, runs } = await runToEnd(config);
    heal(name);
    const rows = await rowsOf(cloud, placesOf(name).warehouse, result["runId"]);
    const names = rows.map((row) => row["name"] as string);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(
      lasting.filter((each) => !names.includes(each)),
      [],
      "what was there all the time has a row",
    );
    assert.equal(result["listed"], names.length);
    assert.ok(met["list"]! >= images / 3);
    await assertHolds(cloud.where, result["runId"], config);
    table.push({ fault: "bucket changes between pages", met, runs });
  });

  const isLoadInsert = ({ method, path, body }: ProxiedCall): boolean =>
    method === "POST" &&
    path.endsWith("/jobs") &&
    (body as { configuration?: { load?: object } } | undefined)?.configuration?.load !== undefined;
  const isLoadLook = ({ method, path }: ProxiedCall): boolean => method === "GET" && /\/jobs\/[^/]+_r\d+$/.test(path);
  const loadInserts = (): number => cloud.bigquery.faults.calls.filter(isLoadInsert).length;

  const warehouse: Record<string, { fault: Fault; at: Record<string, (call: ProxiedCall) => boolean>; inserts: number }> = {
    "accepted, then 503": { fault: "lost-reply", at: { insert: isLoadInsert }, inserts: 1 },
    "accepted, then a reset": { fault: "reset", at: { insert: isLoadInsert }, inserts: 1 },
    "503, nothing done": { fault: "unavailable", at: { insert: isLoadInsert, look: isLoadLook }, inserts: 2 },
    "rate limit": { fault: "rate-limited", at: { insert: isLoadInsert, look: isLoadLook }, inserts: 2 },
    "duplicate id: another driver first": { fault: "raced", at: { insert: isLoadInsert }, inserts: 1 },
  };
  for (const [index, [title, { fault, at, inserts }]] of Object.entries(warehouse).entries()) {
    it(`BigQuery: ${title}`, async () => {
      const name = `warehouse${index}`;
      const config = await prepare(name);
      const { faults } = cloud.bigquery;
      faults.clear();
      for (const matches of Object.values(at)) faults.inject(fault, matches);
      const { result, runs } = await runToEnd(config);
      assert.equal(loadInserts(), inserts);
      faults.clear();
      await assertExactlyOnce(name, config, result);
      table.push({ fault: `BigQuery: ${title}`, met: Object.fromEntries(Object.keys(at).map((where) => [where, 1])), runs });
    });
  }

  it("BigQuery: backendError, the next number is taken", async () => {
    const config = await prepare("backend");
    const { faults } = cloud.bigquery;
    faults.clear();
    // The job is taken and ends without effect: the server behind never hears of it.
    let taken: object = {};
    faults.inject(({ body }) => ({ status: 200, body: (taken = { ...(body as object), status: { state: "RUNNING" } }) }), isLoadInsert);
    const errorResult = { reason: "backendError", message: "injected" };
    faults.inject(() => ({ status: 200, body: { ...taken, status: { state: "DONE", errorResult } } }), isLoadLook);
    const { result, runs } = await runToEnd(config);
    const ids = faults.calls.filter(isLoadInsert).map(({ body }) => (body as { jobReference: { jobId: string } }).jobReference.jobId);
    assert.deepEqual(
      ids.map((id) => id.slice(-3)),
      ["_r1", "_r2"],
    );
    faults.clear();
    await assertExactlyOnce("backend", config, result);
    table.push({ fault: "BigQuery: backendError", met: { look: 1 }, runs });
  });

  it("BigQuery: a job stuck RUNNING, and a driver that is stopped meanwhile", async () => {
    const config = await prepare("stuck");
    const { faults } = cloud.bigquery;
    faults.clear();
    faults.rewrite(isLoadLook, (reply) => ({ ...reply, status: { state: "RUNNING" } }));
    const looks = (): number => faults.calls.filter(isLoadLook).length;
    const stopped = startImagemill(cloud.where, "run", ...config, ...runDate);
    const exit = once(stopped, "close");
    while (looks() < 2 && stopped.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 50));
    stopped.kill("SIGINT");
    assert.deepEqual(await exit, [130, null]);
    assert.equal(loadInserts(), 1);
    const met = { look: looks() };
    faults.clear();
    const { result, runs } = await runToEnd(config);
    assert.equal(loadInserts(), 0, "the rows were found");
    await assertExactlyOnce("stuck", config, result);
    table.push({ fault: "BigQuery: job stuck RUNNING, Ctrl-C", met, runs: runs + 1 });
  });

  it("BigQuery: the driver is killed the moment its load job is taken", async () => {
    const config = await prepare("killed");
    const { faults } = cloud.bigquery;
    faults.clear();
    const killed = startImagemill(cloud.where, "run", ...config, ...runDate);
    const exit = once(killed, "close");
    faults.inject("lost-reply", (call) => isLoadInsert(call) && killed.kill("SIGKILL"));
    assert.deepEqual(await exit, [null, "SIGKILL"]);
    faults.clear();
    const { result, runs } = await runToEnd(config);
    faults.clear();
    await assertExactlyOnce("killed", config, result);
    table.push({ fault: "BigQuery: driver killed at insert", met: { insert: 1 }, runs: runs + 1 });
  });

  it("Cloud Storage: a stalled read, and a stalled copy that was made", async () => stalled);
});

function print(table: TableRow[]): void {
  const columns = [...new Set(table.flatMap(({ met }) => Object.keys(met)))];
  const line = (cells: (string | number)[]): string =>
    `    ${cells.map((cell, index) => (index === 0 ? String(cell).padEnd(44) : String(cell).padStart(6))).join(" ")}\n`;
  process.stdout.write(line(["fault, and how often it was met at", ...columns, "runs"]));
  for (const { fault, met, runs } of table) process.stdout.write(line([fault, ...columns.map((column) => met[column] ?? "-"), runs]));
}
