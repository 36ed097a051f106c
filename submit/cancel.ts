import { hostname } from "node:os";
import { utcInstant } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import { parseRunId } from "../core/ids.ts";
import { controlNames } from "../core/layout.ts";
import { jsonBytes } from "../storage/objects.ts";
import { existing } from "./finish.ts";
import { lockFolder, runLockHolder } from "./lock.ts";
import { readCommits, readRecords } from "./records.ts";
import { stateOf, type CancelRecord, type RunRecords } from "./state.ts";
import type { Driver } from "./driver.ts";
import type { CancelResult } from "./summary.ts";

const waitForDriverMs = 20_000;
const lookMs = 100;

/**
 * Stops a run and leaves it resumable: nothing that is committed is lost, running it again goes on. A driver elsewhere
 * sees the record within seconds; one on this machine is told at once and waited for; remote work is stopped here.
 */
export async function cancelRun(driver: Driver, runId: string): Promise<CancelResult> {
  parseRunId(runId);
  const { control, host } = driver;
  const records = await readRecords(control, runId, host.signal);
  existing(records, driver);
  if (records.done !== undefined) return { runId, stopped: "nothing", state: "done" };
  const record: CancelRecord = { format: 1, runId, requestedAt: utcInstant(host.clock.now()) };
  await control.write(controlNames.cancel(runId), jsonBytes(record), { durable: true, signal: host.signal });
  const remote = await cancelRemote(driver, records);
  const local = await stopDriver(driver, runId);
  return { runId, stopped: remote ? "remote" : local ? "driver" : "nothing", state: await stateNow(driver, runId) };
}

async function cancelRemote(driver: Driver, { submit }: RunRecords): Promise<boolean> {
  if (submit === undefined) return false;
  const engine = await driver.createEngine(() => undefined, submit.engine);
  try {
    if (engine.name !== submit.engine) {
      driver.host.emit({
        type: "notice",
        level: "warn",
        text: `the run was submitted to ${submit.engine}, not ${engine.name}: imagemill cancel ${submit.runId} --engine ${submit.engine}`,
      });
      return false;
    }
    await engine.cancel(submit.handle, driver.host.signal);
    return true;
  } finally {
    await engine.close();
  }
}

/** True when a driver on this machine held the run and has let go of it. */
async function stopDriver(driver: Driver, runId: string): Promise<boolean> {
  const { clock, signal, environment, log } = driver.host;
  const folder = lockFolder(driver.control.url, environment);
  const holder = runLockHolder(folder, runId);
  if (holder === undefined || holder.host !== hostname() || holder.pid === process.pid) return false;
  try {
    process.kill(holder.pid, "SIGTERM");
  } catch (error) {
    // Ended this moment, or another user's: the record that we wrote reaches that one.
    log.debug("cancel-signal", { pid: holder.pid, message: messageOf(error) });
  }
  const startedMs = clock.monotonicMs();
  while (clock.monotonicMs() - startedMs < waitForDriverMs) {
    if (runLockHolder(folder, runId) === undefined) return true;
    await clock.sleep(lookMs, signal);
  }
  return false;
}

async function stateNow(driver: Driver, runId: string): Promise<CancelResult["state"]> {
  const { control, host } = driver;
  const records = await readRecords(control, runId, host.signal);
  const commits = new Map();
  await readCommits(control, runId, commits, host.signal);
  return stateOf({ ...records, commits });
}
