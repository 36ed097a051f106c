import { controlNames } from "../../core/layout.ts";
import type { Reason } from "../../core/types.ts";
import type { ObjectStore } from "../../storage/store.ts";
import { openDrawing } from "../pictures/drawing.ts";
import { picturable } from "../pictures/pictures.ts";
import type { DashboardData } from "./read.ts";

/** A picture of a quarantined image, by its place among the images. */
export interface RowPicture {
  row: number;
  width: number;
  height: number;
  /** WebP, base64. */
  data: string;
}

const limits = { maxReadBytes: 128_000_000, maxPageBytes: 1_000_000, allTogetherMs: 20_000 };
const maxPictures = 60;
/** Not every copy can be drawn, or is still there. */
const maxTries = 150;

/** Small pictures of quarantined images, of the newest of each reason in turn, from the copies that the control store keeps. */
export async function illustrate(data: DashboardData, control: ObjectStore, signal?: AbortSignal): Promise<RowPicture[]> {
  await using drawing = openDrawing(limits, signal);
  const pictures: RowPicture[] = [];
  for (const row of rowsInTurn(data.images).slice(0, maxTries)) {
    if (pictures.length === maxPictures) break;
    const [name, { run_id, generation }] = [data.names[row]!, data.images[row]!];
    const picture = await drawing.draw(control, controlNames.quarantine(run_id, name, generation), { name, generation });
    if (picture === undefined) continue;
    const { width, height, bytes } = picture;
    pictures.push({ row, width, height, data: Buffer.from(bytes).toString("base64") });
  }
  return pictures;
}

/** One row of each reason, then a second of each, and so on, each image once however often it was quarantined. */
export function rowsInTurn(images: Pick<DashboardData["images"][number], "name" | "generation" | "reason">[]): number[] {
  const byReason = new Map<string, number[]>();
  const seen = new Set<string>();
  images.forEach(({ name, generation, reason }, row) => {
    if (reason === null || !picturable.has(reason as Reason) || seen.has(`${name}@${generation}`)) return;
    seen.add(`${name}@${generation}`);
    byReason.set(reason, [...(byReason.get(reason) ?? []), row]);
  });
  const lists = [...byReason.values()];
  const longest = Math.max(0, ...lists.map((list) => list.length));
  return Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list[turn] ?? [])).flat();
}
