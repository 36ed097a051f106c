import assert from "node:assert/strict";
import { codeOf, messageOf } from "../../../core/errors.ts";
import type { StoredFile } from "../../../core/types.ts";
import type { LoadRequest, Warehouse } from "../../../warehouse/warehouse.ts";
import { jobIdOf, type Fault, type ProxiedCall } from "../../servers/bigquery-proxy.ts";
import { startBigquery, type BigqueryServer } from "../../servers/bigquery.ts";
import { orSkip } from "../../servers/install.ts";
import { imageRow, loadRequest, runRow, writeRows } from "../../warehouse/rows.ts";
import { bigqueryPlace, hurriedClock, type BigqueryTestPlace } from "./bigquery-place.ts";

const isInsert = (call: ProxiedCall): boolean => jobIdOf(call)?.startsWith("load_") === true;
const isPoll = (call: ProxiedCall): boolean => call.method === "GET" && call.path.includes("/jobs/load_");

describe("bigquery warehouse under faults", function () {
  this.timeout(240_000);
  let server: BigqueryServer;
  let place: BigqueryTestPlace;
  let warehouse: Warehouse;
  let runs = 0;
  before(async function () {
    this.timeout(15 * 60_000);
    server = await orSkip(this, "a BigQuery server", () => startBigquery());
    place = bigqueryPlace(server, { clock: hurriedClock });
    warehouse = await place.open();
    await warehouse.ensure();
  });
  beforeEach(() => server.faults.clear());
  after(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const newRequest = async (fileCount = 1): Promise<LoadRequest> => {
    const runId = `2026-11-23-${String(runs++).padStart(12, "0")}`;
    const files: StoredFile[] = [];
    for (let index = 0; index < fileCount; index++) {
      files.push(await writeRows(place.store, `${runId}/${index}.ndjson.gz`, [imageRow({ run_id: runId, name: `${index}` })]));
    }
    return loadRequest(place.store, files, fileCount, { runId });
  };
  const rowsOf = (request: LoadRequest): Promise<number> => warehouse.countRows(request.runId, request.runDate);
  const insertsOf = (): (string | undefined)[] => server.faults.calls.filter(isInsert).map(jobIdOf);
  for (const fault of ["lost-reply", "reset"] as Fault[]) {
    it(`a job that was accepted although the reply said otherwise (${JSON.stringify(fault)}) is found, not sent again`, async () => {
      const request = await newRequest();
      server.faults.inject(fault, isInsert);
      const result = await warehouse.load(request);
      assert.deepEqual(result, { loadIds: [`${request.loadId}_r1`], rows: 1, adopted: false });
      assert.deepEqual(insertsOf(), [`${request.loadId}_r1`]);
      assert.equal(await rowsOf(request), 1);
    });
  }

  for (const fault of ["unavailable", "rate-limited", "stall"] as Fault[]) {
    it(`a job that never arrived (${JSON.stringify(fault)}) is sent again under its id`, async () => {
      const request = await newRequest();
      server.faults.inject(fault, isInsert, 2);
      const result = await (await place.open({ requestTimeoutMs: fault === "stall" ? 2000 : 60_000 })).load(request);
      assert.deepEqual(result.loadIds, [`${request.loadId}_r1`]);
      assert.deepEqual(new Set(insertsOf()), new Set([`${request.loadId}_r1`]));
      assert.equal(await rowsOf(request), 1);
    });
  }

  /** As the service tells of a job of ours that failed. */
  const failed = (request: LoadRequest, reason: string): Fault => {
    const error = { reason, message: `injected ${reason}` };
    return () => {
      const sent = server.faults.calls.find((call) => jobIdOf(call) === `${request.loadId}_r1`)?.body as { configuration: object };
      return { status: 200, body: { configuration: sent.configuration, status: { state: "DONE", errorResult: error, errors: [error] } } };
    };
  };
  const refused =
    (status: number, reason: string): Fault =>
    () => ({
      status,
      body: { error: { code: status, message: `injected ${reason}`, errors: [{ reason, message: `injected ${reason}` }] } },
    });
  const isFirst =
    (request: LoadRequest, kind: (call: ProxiedCall) => boolean) =>
    (call: ProxiedCall): boolean =>
      kind(call) && (jobIdOf(call) ?? call.path).endsWith(`${request.loadId}_r1`);

  it("a job that ended with a passing failure is followed by the next number", async () => {
    const request = await newRequest();
    server.faults.inject("unavailable", isFirst(request, isInsert));
    server.faults.inject(failed(request, "backendError"), isFirst(request, isPoll), Number.POSITIVE_INFINITY);
    const result = await warehouse.load(request);
    assert.deepEqual(result.loadIds, [`${request.loadId}_r2`]);
    assert.equal(await rowsOf(request), 1);
  });

  it("a job that failed for good in an earlier life does not stand in the way for ever", async () => {
    const request = await newRequest();
    server.faults.inject(refused(409, "duplicate"), isFirst(request, isInsert));
    server.faults.inject(failed(request, "accessDenied"), isFirst(request, isPoll), Number.POSITIVE_INFINITY);
    const result = await warehouse.load(request);
    assert.deepEqual(result.loadIds, [`${request.loadId}_r2`]);
    assert.equal(await rowsOf(request), 1);
  });

  it("a job that fails for good ends the load, with its reason", async () => {
    const request = await newRequest();
    server.faults.inject("unavailable", isFirst(request, isInsert));
    server.faults.inject(failed(request, "accessDenied"), isFirst(request, isPoll), Number.POSITIVE_INFINITY);
    await assert.rejects(
      warehouse.load(request),
      (error) => codeOf(error) === "WAREHOUSE_FAILED" && /injected accessDenied/.test(messageOf(error)),
    );
    assert.equal(await rowsOf(request), 0);
  });

  it("another job under our id is no load of ours", async () => {
    const request = await newRequest();
    const foreign = await newRequest();
    await warehouse.load({ ...foreign, loadId: request.loadId });
    await assert.rejects(warehouse.load(request), { code: "LOAD_CONFLICT" });
    assert.equal(await rowsOf(request), 0);
  });

  it("a job that stays RUNNING is waited for in bounds, and found again", async () => {
    const request = await newRequest();
    server.faults.rewrite(isPoll, (job) => ({ ...job, status: { state: "RUNNING" } }));
    await assert.rejects(
      (await place.open({ loadTimeoutMs: 1500 })).load(request),
      (error) => codeOf(error) === "LOAD_PENDING" && /still RUNNING/.test(messageOf(error)),
    );
    server.faults.clear();
    assert.equal((await warehouse.load(request)).adopted, true);
    assert.equal(await rowsOf(request), 1);
  });

  it("an abort ends the wait, not the job", async () => {
    const request = await newRequest();
    server.faults.rewrite(isPoll, (job) => ({ ...job, status: { state: "RUNNING" } }));
    await assert.rejects(warehouse.load(request, AbortSignal.timeout(1500)), { name: "TimeoutError" });
    server.faults.clear();
    assert.equal((await warehouse.load(request)).adopted, true);
    assert.equal(await rowsOf(request), 1);
  });

  const denials: [string, number, string, number][] = [
    ["accessDenied", 403, "WAREHOUSE_DENIED", 4],
    ["quotaExceeded", 403, "WAREHOUSE_QUOTA", 1],
    ["authError", 401, "WAREHOUSE_DENIED", 4],
  ];
  for (const [reason, status, code, exitCode] of denials) {
    it(`${reason} is ${code}, at once and with a way on`, async () => {
      const request = await newRequest();
      server.faults.inject(refused(status, reason), isInsert);
      await assert.rejects(warehouse.load(request), (error) => {
        assert.deepEqual([codeOf(error), (error as { exitCode?: number }).exitCode], [code, exitCode]);
        assert.ok((error as { hint?: string }).hint);
        return true;
      });
      assert.equal(insertsOf().length, 1);
    });
  }

  /** Fails call 1, then call 2, ... of what is done, until it gets through before the failure comes. */
  const failEach = async (fault: Fault, times: number, act: (number: number) => Promise<void>): Promise<number> => {
    for (let number = 1; ; number++) {
      server.faults.clear();
      let calls = 0;
      let struck = false;
      server.faults.inject(fault, () => (calls++, (struck = struck || calls === number)), times);
      await act(number);
      if (!struck) return number;
    }
  };

  for (const fault of ["unavailable", "lost-reply", "reset"] as Fault[]) {
    it(`any one call of a load may fail (${JSON.stringify(fault)})`, async () => {
      const tried = await failEach(fault, 1, async (number) => {
        const request = await newRequest();
        const result = await warehouse.load(request);
        assert.equal(result.rows, 1, `call ${number}`);
        server.faults.clear();
        assert.equal(await rowsOf(request), 1, `call ${number}`);
      });
      assert.ok(tried > 5);
    });
  }

  it("a driver may vanish after any call of a load, the next one finishes it", async () => {
    await failEach("unavailable", Number.POSITIVE_INFINITY, async (number) => {
      const request = await newRequest();
      await warehouse.load(request).catch((error: unknown) => assert.ok(codeOf(error)));
      server.faults.clear();
      await warehouse.load(request);
      assert.equal(await rowsOf(request), 1, `call ${number}`);
    });
  });

  it("any one call of putRun may fail", async () => {
    await failEach("lost-reply", 1, async (number) => {
      const row = runRow({ run_id: `2026-11-23-${String(runs++).padStart(12, "0")}` });
      await warehouse.putRun(row);
      server.faults.clear();
      assert.deepEqual(await warehouse.query("SELECT * FROM runs WHERE run_id = @run", { run: row.run_id }), [row], `call ${number}`);
    });
  });
});
