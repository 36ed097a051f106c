import { once } from "node:events";
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { startGcs } from "./gcs.ts";
import { bodyOf, forward, json, misbehave, send, type Answer, type HttpFault } from "./gcs-answers.ts";
import { bucketMemory } from "./gcs-buckets.ts";

export type GcsOperation = "list" | "stat" | "read" | "write" | "copy" | "delete" | "bucket";

export interface GcsCall {
  op: GcsOperation;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** Counts the requests from 1. */
  index: number;
}

export interface GcsProxy extends AsyncDisposable {
  /** What clients talk to: `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  /** The server behind it. */
  readonly bareEndpoint: string;
  /** Asked before each request; may do something to the server first. */
  faults: (call: GcsCall) => HttpFault | undefined | Promise<HttpFault | undefined>;
  /** Every request since the start. */
  readonly calls: GcsCall[];
  createBucket(name: string): Promise<void>;
  /** Deletes what the buckets' lifecycle rules cover at that time, as the service does within a day of it. */
  runLifecycle(atMs: number): Promise<string[]>;
}

/**
 * The real server behind a small proxy that adds what it lacks (preconditions on delete and copy; lifecycle, soft
 * delete and access policy of buckets kept and given back) and does to requests what networks do.
 */
export async function startGcsProxy(options: { folder?: string } = {}): Promise<GcsProxy> {
  await using started = new AsyncDisposableStack();
  const server = started.use(await startGcs(options));
  const agent = started.adopt(new http.Agent({ keepAlive: true }), async (kept) => kept.destroy());
  const ask = async (method: string, path: string, headers: http.OutgoingHttpHeaders = {}, body?: Buffer): Promise<Answer> =>
    forward(server.endpoint, agent, method, path, headers, body);
  const buckets = bucketMemory(ask);
  const calls: GcsCall[] = [];
  const oneByOne = createMutex();

  const proxy = http.createServer((request, response) => {
    const call = callOf(request, calls.length + 1);
    calls.push(call);
    void answerTo(request, response, call).catch(() => response.destroy());
  });

  const answerTo = async (request: IncomingMessage, response: ServerResponse, call: GcsCall): Promise<void> => {
    const fault = await running.faults(call);
    if (fault !== undefined && "when" in fault && fault.when === "before") {
      request.resume();
      return misbehave(response, fault, undefined);
    }
    const body = await bodyOf(request);
    const answer = await oneByOne(lockOf(call), async () => {
      if (fault?.kind === "raced") await serve(call, body);
      return serve(call, body);
    });
    if (fault === undefined) send(response, answer);
    else misbehave(response, fault, answer);
  };

  const serve = async (call: GcsCall, body: Buffer): Promise<Answer> => {
    const { method, path, headers, op } = call;
    if (op === "bucket") return buckets.serve(method, path, body);
    const refused = op === "delete" || op === "copy" ? await refusal(ask, call) : undefined;
    return refused ?? ask(method, path, { ...headers, host: new URL(server.endpoint).host }, body);
  };

  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  started.defer(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, "close");
  });
  const stack = started.move();
  const running: GcsProxy = {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    bareEndpoint: server.endpoint,
    faults: () => undefined,
    calls,
    createBucket: async (name) => {
      const answer = await buckets.serve("POST", "/storage/v1/b?project=test", Buffer.from(JSON.stringify({ name })));
      if (answer.status !== 200) throw new Error(answer.body.toString());
    },
    runLifecycle: async (atMs) => buckets.runLifecycle(atMs),
    [Symbol.asyncDispose]: async () => stack.disposeAsync(),
  };
  return running;
}

function callOf(request: IncomingMessage, index: number): GcsCall {
  const { method = "GET", url: path = "/", headers } = request;
  return { op: operationOf(method, path), method, path, headers, index };
}

function operationOf(method: string, path: string): GcsOperation {
  const [plain, query = ""] = path.split("?");
  if (plain!.startsWith("/upload/")) return "write";
  if (plain!.includes("/rewriteTo/") || plain!.includes("/copyTo/")) return "copy";
  if (/^\/storage\/v1\/b(\/[^/]+)?$/.test(plain!)) return "bucket";
  if (plain!.endsWith("/o")) return method === "GET" ? "list" : "write";
  if (method === "DELETE") return "delete";
  return query.includes("alt=media") ? "read" : "stat";
}

/** Deletes and copies look before they act, so those to one place go one after the other. */
function lockOf({ op, path }: GcsCall): string | undefined {
  if (op === "copy") return path.split(/\/rewriteTo\/|\/copyTo\//)[1]?.split("?")[0];
  return op === "delete" ? path.slice("/storage/v1/".length).split("?")[0] : undefined;
}

function createMutex(): <T>(key: string | undefined, act: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (key, act) => {
    if (key === undefined) return act();
    const turn = (last.get(key) ?? Promise.resolve()).then(act, act);
    last.set(key, turn);
    return turn;
  };
}

type Ask = (method: string, path: string) => Promise<Answer>;

/** 412 where the object is not at the generation that the request expects. */
async function refusal(ask: Ask, { op, path }: GcsCall): Promise<Answer | undefined> {
  const [plain, query] = path.split("?");
  const expected = new URLSearchParams(query).get("ifGenerationMatch");
  if (expected === null) return undefined;
  const target = op === "delete" ? plain! : `/storage/v1/${lockOf({ op, path } as GcsCall)}`;
  const found = await ask("GET", target);
  if (op === "delete" && found.status === 404) return undefined;
  const actual = found.status === 404 ? "0" : (JSON.parse(found.body.toString()) as { generation: string }).generation;
  if (actual === expected) return undefined;
  const message = "At least one of the pre-conditions you specified did not hold.";
  return json(412, { error: { code: 412, message, errors: [{ message, domain: "global", reason: "conditionNotMet" }] } });
}
