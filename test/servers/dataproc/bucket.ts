import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Objects of a server that speaks Cloud Storage's API, by their gs:// URIs. */
export interface Buckets {
  create(bucket: string): Promise<void>;
  download(uri: string, path: string): Promise<void>;
  write(uri: string, text: string): Promise<void>;
}

export function bucketsOf(endpoint: string): Buckets {
  const asked = async (url: string, init?: RequestInit): Promise<Response> => {
    const answer = await fetch(`${endpoint}${url}`, init);
    if (!answer.ok) throw new Error(`${init?.method ?? "GET"} ${url}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  return {
    create: async (bucket) => {
      const answer = await fetch(`${endpoint}/storage/v1/b?project=dataproc`, { method: "POST", body: JSON.stringify({ name: bucket }) });
      if (!answer.ok && answer.status !== 409) throw new Error(`bucket ${bucket}: ${answer.status} ${await answer.text()}`);
    },
    download: async (uri, path) => {
      const { bucket, name } = parse(uri);
      const answer = await asked(`/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}?alt=media`);
      if (answer.body === null) throw new Error(`${uri} has no body`);
      await pipeline(Readable.fromWeb(answer.body), createWriteStream(path));
    },
    write: async (uri, text) => {
      const { bucket, name } = parse(uri);
      await asked(`/upload/storage/v1/b/${bucket}/o?uploadType=media&name=${encodeURIComponent(name)}`, { method: "POST", body: text });
    },
  };
}

function parse(uri: string): { bucket: string; name: string } {
  const match = /^gs:\/\/([^/]+)\/(.+)$/.exec(uri);
  if (match === null) throw new Error(`${uri} is no gs:// URI`);
  return { bucket: match[1]!, name: match[2]! };
}
