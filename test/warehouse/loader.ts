import { systemClock, systemRandom } from "../../core/clock.ts";
import { silentLogger } from "../../core/log.ts";
import { fileStore } from "../../storage/file.ts";
import { openWarehouse } from "../../warehouse/open.ts";
import type { LoadRequest } from "../../warehouse/warehouse.ts";

/** A driver of its own: `node loader.ts URL CONTROL REQUEST` loads and prints the result, or the error's code. */
const [url = "", control = "", request = "{}"] = process.argv.slice(2);
const warehouse = await openWarehouse(url, { log: silentLogger, clock: systemClock, random: systemRandom, lockTimeoutMs: 20_000 });
process.stdout.write("ready\n");
try {
  const result = await warehouse.load({ ...(JSON.parse(request) as Omit<LoadRequest, "store">), store: fileStore(control) });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await warehouse.close();
}
