import type { Warehouse } from "../../warehouse/warehouse.ts";
import { formatMany } from "../terminal/format.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** Can the warehouse be opened, and has it the tables and views of this version. */
export async function checkWarehouse(warehouse: Warehouse, signal: AbortSignal): Promise<Finding[]> {
  try {
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
  } catch (error) {
    signal.throwIfAborted();
    return [fail("warehouse", error)];
  }
}
