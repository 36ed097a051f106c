import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** A bucket of names only, each page as late as one of a real bucket. Names are made as they are asked for. */
export async function startListingServer(pageMs: number): Promise<AsyncDisposable & { endpoint: string; requests(): number }> {
  let requests = 0;
  const server = http.createServer((request, response) => {
    requests += 1;
    const url = new URL(request.url!, "http://127.0.0.1");
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(pageOf(url)));
    }, pageMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** As cameras name them: 5,000 to a folder. Bucket `n<count>` holds the first so many. */
function nameOf(index: number): string {
  const folder = String(Math.floor(index / 5000)).padStart(4, "0");
  return `cameras/${folder}/2026-11-22/IMG_${String(index % 5000).padStart(6, "0")}.jpg`;
}

function pageOf({ pathname, searchParams }: URL): object {
  const count = Number(/\/b\/n(\d+)\//.exec(pathname)![1]);
  const start = searchParams.get("pageToken") ?? placeOf(searchParams.get("startOffset"), count);
  const end = searchParams.has("endOffset") ? placeOf(searchParams.get("endOffset"), count) : count;
  const last = Math.min(end, Number(start) + Number(searchParams.get("maxResults")));
  const items = Array.from({ length: Math.max(0, last - Number(start)) }, (_, offset) => itemOf(Number(start) + offset));
  return { items, ...(last < end && { nextPageToken: String(last) }) };
}

/** Of the first name that is not before `offset`; all names are ASCII. */
function placeOf(offset: string | null, count: number): number {
  if (offset === null) return 0;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nameOf(middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function itemOf(index: number): object {
  return {
    name: nameOf(index),
    generation: String(1_763_900_000_000_000 + index),
    size: "100000",
    crc32c: "AAAAAA==",
    contentType: "image/jpeg",
    timeCreated: "2026-11-22T10:00:00.000Z",
  };
}
