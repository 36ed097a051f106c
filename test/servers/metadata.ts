import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface MetadataServer {
  /** As scripts take it in IMAGEMILL_METADATA. */
  url: string;
  /** How often each path was answered. */
  answered: Map<string, number>;
  close(): void;
}

/** What a machine of Compute Engine tells about itself, by path below `instance/`. */
export async function metadataServer(values: Record<string, string>): Promise<MetadataServer> {
  const answered = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url?.split("/instance/")[1] ?? "";
    const value = request.headers["metadata-flavor"] === "Google" ? values[path] : undefined;
    if (value !== undefined) answered.set(path, (answered.get(path) ?? 0) + 1);
    response.writeHead(value === undefined ? 404 : 200).end(value);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/computeMetadata/v1`;
  return {
    url,
    answered,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
