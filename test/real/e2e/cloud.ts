import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { systemClock, systemRandom } from "../../../core/clock.ts";
import { silentLogger } from "../../../core/log.ts";
import { openWarehouse } from "../../../warehouse/open.ts";
import type { QueryRow } from "../../../warehouse/warehouse.ts";
import { imagemill, lastLine, type Answer, type Where } from "../../e2e/imagemill.ts";
import { startBigquery, type BigqueryServer } from "../../servers/bigquery.ts";
import { startGcsProxy, type GcsProxy } from "../../servers/gcs-proxy.ts";

/** Both servers, and a folder in which the command line finds them. */
export interface Cloud extends AsyncDisposable {
  readonly gcs: GcsProxy;
  readonly bigquery: BigqueryServer;
  readonly where: { cwd: string; environment: NodeJS.ProcessEnv };
  /** `bigquery://project/<dataset>` */
  warehouse(dataset: string): string;
}

export async function startCloud(): Promise<Cloud> {
  await using started = new AsyncDisposableStack();
  const gcs = started.use(await startGcsProxy());
  // It reads past the proxy: what happens to our requests is not to happen to its own.
  const bigquery = started.use(await startBigquery({ storage: gcs.bareEndpoint }));
  const cwd = await mkdtemp(join(tmpdir(), "imagemill-cloud-"));
  started.defer(async () => rm(cwd, { recursive: true, force: true }));
  const stack = started.move();
  return {
    gcs,
    bigquery,
    where: { cwd, environment: { IMAGEMILL_STORAGE_ENDPOINT: gcs.endpoint, IMAGEMILL_BIGQUERY_ENDPOINT: bigquery.endpoint } },
    warehouse: (dataset) => `bigquery://${bigquery.project}/${dataset}`,
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
}

export interface Places {
  source: string;
  archive: string;
  control: string;
  warehouse: string;
}

/** Writes a configuration; the result is what the command line is given of it. */
export async function configure({ where }: Cloud, name: string, places: Places, more = ""): Promise<string[]> {
  const lines = Object.entries(places).map(([key, value]) => `${key}: ${value as string}\n`);
  const jobs = "jobs: [facts, { thumbnails: { sizes: [32] } }]\npacking: { minShards: 2 }\n";
  await writeFile(join(where.cwd, `${name}.yaml`), `${lines.join("")}${jobs}${more}`);
  return ["--config", `${name}.yaml`];
}

/** Runs the command line and parses the last line of what it says; fails unless it ends with `code`. */
export async function ask(where: Where, args: string[], code = 0): Promise<Record<string, unknown>> {
  const answer = await imagemill(where, ...args, "--json");
  assertCode(answer, code, args);
  return lastLine(answer.out);
}

export function assertCode({ code, out, err }: Answer, expected: number, args: string[]): void {
  assert.equal(code, expected, `imagemill ${args.join(" ")}\n${out.slice(-2000)}\n${err.slice(-4000)}`);
}

export async function assertHolds(where: Where, runId: unknown, config: string[]): Promise<void> {
  const { holds, violations } = await ask(where, ["verify", String(runId), ...config]);
  assert.deepEqual({ holds, violations }, { holds: true, violations: [] });
}

export interface StoredObject {
  name: string;
  generation: string;
  contentType: string;
}

/** What a bucket holds, asked of the server itself. */
export async function objectsOf({ gcs }: Pick<Cloud, "gcs">, bucket: string): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for (let pageToken = ""; ;) {
    const answer = await fetch(`${gcs.bareEndpoint}/storage/v1/b/${bucket}/o?pageToken=${encodeURIComponent(pageToken)}`);
    const page = (await answer.json()) as { items?: StoredObject[]; nextPageToken?: string };
    for (const { name, generation, contentType } of page.items ?? []) found.push({ name, generation, contentType });
    pageToken = page.nextPageToken ?? "";
    if (pageToken === "") return found;
  }
}

export async function putObject(
  { gcs }: Pick<Cloud, "gcs">,
  bucket: string,
  name: string,
  bytes: Uint8Array,
  contentType = "image/png",
): Promise<void> {
  const url = `${gcs.bareEndpoint}/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`;
  const answer = await fetch(url, { method: "POST", headers: { "content-type": contentType }, body: new Uint8Array(bytes) });
  assert.equal(answer.status, 200, await answer.text());
}

export async function removeObject({ gcs }: Pick<Cloud, "gcs">, bucket: string, name: string): Promise<void> {
  const answer = await fetch(`${gcs.bareEndpoint}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`, { method: "DELETE" });
  assert.ok(answer.status < 300, await answer.text());
}

/** Small images with names that are not simple, an empty object, and one that is no image. */
export async function smallImages(count: number, seed = 0): Promise<Map<string, Uint8Array>> {
  const images = new Map<string, Uint8Array>([
    ["broken/empty.png", new Uint8Array()],
    ["broken/text + more?.jpg", Buffer.from("no image\n")],
  ]);
  for (let index = 0; images.size < count; index++) {
    const background = { r: (index * 9 + seed) % 256, g: (seed * 7) % 256, b: 120 };
    const create = { width: 40 + index, height: 30, channels: 3, background } as const;
    images.set(`${index % 2 === 0 ? "deep/er/" : ""}${index} 写真 #&%2F.png`, await sharp({ create }).png().toBuffer());
  }
  return images;
}

export async function fillBucket(cloud: Pick<Cloud, "gcs">, bucket: string, images: Map<string, Uint8Array>): Promise<void> {
  await cloud.gcs.createBucket(bucket);
  for (const [name, bytes] of images) await putObject(cloud, bucket, name, bytes);
}

/** All rows of a run, in the order of names. */
export async function rowsOf(cloud: Cloud, warehouse: string, runId: unknown): Promise<QueryRow[]> {
  return query(cloud, warehouse, "SELECT * FROM images WHERE run_id = @runId ORDER BY name, generation", { runId: String(runId) });
}

export async function query(cloud: Cloud, warehouse: string, sql: string, parameters: Record<string, string> = {}): Promise<QueryRow[]> {
  const opened = await openWarehouse(warehouse, {
    log: silentLogger,
    clock: systemClock,
    random: systemRandom,
    lockTimeoutMs: 10_000,
    endpoint: cloud.bigquery.endpoint,
  });
  try {
    return await opened.query(sql, parameters);
  } finally {
    await opened.close();
  }
}

/** Requests that change something, since the call of that index. */
export function changingCalls({ gcs }: Cloud, since: number): string[] {
  const changing = gcs.calls.slice(since).filter(({ op }) => op === "write" || op === "copy" || op === "delete");
  return changing.map(({ method, path }) => `${method} ${path}`);
}
