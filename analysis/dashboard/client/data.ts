import { imageColumns, runColumns, type ImageTable, type RunTable } from "../model/columns.ts";
import { decodeTable } from "../model/decode.ts";
import { need } from "./dom.ts";

/** See `Facts` of ../page.ts. */
export interface Facts {
  warehouse: string;
  extent: { firstDate?: string; lastDate?: string; olderRuns: number; share: number; objects: number };
  limits: { days: number; rows: number };
  runPage: string;
  currency: string;
  madeAt: number;
}

/** See `RowPicture` of ../illustrate.ts. */
export interface RowPicture {
  row: number;
  width: number;
  height: number;
  data: string;
}

export interface PageData {
  facts: Facts;
  pictures: RowPicture[];
  images: ImageTable;
  runs: RunTable;
}

/** What the page carries, unpacked. */
export async function readPage(): Promise<PageData> {
  const [images, runs] = await Promise.all([
    decodeTable(imageColumns, bytesOf(takeBlock("image-data"))),
    decodeTable(runColumns, bytesOf(takeBlock("run-data"))),
  ]);
  return { facts: JSON.parse(takeBlock("facts")) as Facts, pictures: JSON.parse(takeBlock("pictures")) as RowPicture[], images, runs };
}

/** The text goes: it is never needed twice, and may be large. */
function takeBlock(id: string): string {
  const element = need(document.getElementById(id), id);
  const text = element.textContent;
  element.remove();
  return text;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
