import type { Warehouse } from "../../warehouse/warehouse.ts";
import { formatMany } from "../terminal/format.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** Can the warehouse be opened, and has it the tables and views of this version. */
export async function checkWarehouse(warehouse: Warehouse, wanted: string, signal: AbortSignal): Promise<Finding[]> {
  try {
    return [...(await checkSchema(warehouse, signal)), ...checkLocation(warehouse.url, await warehouse.location?.(signal), wanted)];
  } catch (error) {
    signal.throwIfAborted();
    return [fail("warehouse", error)];
  }
}

/** A load job reads buckets of its dataset's location only; where the buckets are is checked with the buckets. */
function checkLocation(url: string, actual: string | undefined, wanted: string): Finding[] {
  if (actual === undefined || actual.toUpperCase() === wanted.toUpperCase()) return [];
  const text = `${url} is in ${actual}, the configuration says ${wanted} (google.location)`;
  return [warn("warehouse", text, "a load job wants dataset and buckets in one place: set google.location, or name another dataset")];
}

async function checkSchema(warehouse: Warehouse, signal: AbortSignal): Promise<Finding[]> {
  const changes = await warehouse.difference(signal);
  const blocked = changes.filter((change) => !change.applicable);
  if (blocked.length > 0) {
    return blocked.map(({ what }) =>
      fail("warehouse", `${warehouse.url}: ${what}`, "imagemill only adds: change this by hand, or name another --warehouse"),
    );
  }
  if (changes.length === 0) return [ok("warehouse", `${warehouse.url}: tables and views are as they should be`)];
  return [
    warn("warehouse", `${warehouse.url}: ${formatMany(changes.length, "change")} to make (${changes[0]!.what}, …)`, "imagemill init"),
  ];
}
