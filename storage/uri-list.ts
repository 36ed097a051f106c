import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { messageOf } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { fileUri, nameOfPath } from "./file-names.ts";
import { noGeneration, StoreError, type ListPage, type ObjectStore, type StoreCapabilities } from "./store.ts";
import type { StoreUrl } from "./url.ts";
import { readUris } from "./uri-list-read.ts";

const capabilities: StoreCapabilities = {
  listsCrc32c: false,
  keepsMetadata: false,
  lifecycle: false,
  parallelList: false,
  serverSideCopy: false,
  listsNamesOnly: true,
};

/**
 * A file of URIs as a bucket whose names are those URIs; reads go to where each one points. Relative paths in the file
 * are taken from its folder. Nothing can be written: the objects are other people's.
 */
export function uriListStore(list: Extract<StoreUrl, { kind: "list" }>, open: (url: string) => Promise<ObjectStore>): ObjectStore {
  const opened = new Map<string, Promise<ObjectStore>>();
  const storeAt = async (url: string): Promise<ObjectStore> => {
    const known = opened.get(url);
    if (known !== undefined) return known;
    const store = open(url);
    opened.set(url, store);
    return store;
  };
  const refuse = async (name: string): Promise<never> => {
    throw new StoreError("STORE_FAILED", `${printable(name)} is an entry of ${list.url}: nothing is written there`, {
      hint: "A list of URIs can be a source only.",
    });
  };

  return {
    url: list.url,
    bucket: list.url,
    prefix: "",
    capabilities,
    list: async function* ({ signal, ...range } = {}): AsyncGenerator<ListPage> {
      if (Object.values(range).some((value) => value !== undefined)) throw new StoreError("STORE_FAILED", "a list is read as a whole");
      const file = { store: await storeAt(list.folder), name: list.name, format: list.format };
      for await (const uris of readUris(file, signal)) {
        yield { objects: uris.map((uri) => ({ name: absolute(uri, list.folder), generation: "", sizeBytes: 0 })), prefixes: [] };
      }
    },
    stat: async (name, options) => {
      const place = placeOf(name);
      const info = await (await storeAt(place.root)).stat(place.name, options);
      return info && { ...info, name };
    },
    read: async (name, options = {}) => {
      const place = placeOf(name);
      if (options.generation === noGeneration)
        throw new StoreError("STORE_FAILED", `${printable(name)} did not exist when the run was planned`);
      const { info, bytes } = await (await storeAt(place.root)).read(place.name, options);
      return { info: { ...info, name }, bytes };
    },
    write: refuse,
    copy: async (_source, name) => refuse(name),
    delete: refuse,
    uri: (name) => name,
    close: async () => {
      await Promise.all([...opened.values()].map(async (store) => (await store).close()));
    },
  };
}

/** A URI stays as it is written; a path becomes one. */
function absolute(uri: string, folder: string): string {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)) return uri;
  return folder.startsWith("file:") ? fileUri(resolve(fileURLToPath(folder), uri)) : `${folder}/${uri}`;
}

/** A bucket is opened once; of a file system, the whole. */
function placeOf(uri: string): { root: string; name: string } {
  const bucket = /^(gs:\/\/[^/]+)\/(.+)$/s.exec(uri);
  if (bucket !== null) return { root: bucket[1]!, name: bucket[2]! };
  if (uri.startsWith("file:")) return { root: "file:///", name: nameOfPath(pathOf(uri).slice(1)) };
  throw new StoreError("STORE_FAILED", `${printable(uri)}: only file: and gs: URIs and paths can be read`, {
    hint: "Copy the images to a folder or a bucket first, and list them there.",
  });
}

function pathOf(uri: string): string {
  try {
    return fileURLToPath(uri);
  } catch (error) {
    throw new StoreError("STORE_FAILED", `${printable(uri)} is not a file URL: ${messageOf(error)}`, { cause: error });
  }
}
