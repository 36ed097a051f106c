import assert from "node:assert/strict";
import { checkWarehouse } from "../../../submit/checks/warehouse.ts";
import type { Warehouse } from "../../../warehouse/warehouse.ts";

const never = new AbortController().signal;

function warehouseIn(location: string | undefined): Warehouse {
  const known = { url: "bigquery://p/d", dialect: "bigquery", difference: async () => [], location: async () => location };
  return known as unknown as Warehouse;
}

describe("doctor on the warehouse", () => {
  it("warns when the dataset is elsewhere than the configuration says", async () => {
    const findings = await checkWarehouse(warehouseIn("US"), "EU", never);
    assert.deepEqual(
      findings.map(({ level }) => level),
      ["ok", "warn"],
    );
    assert.match(findings[1]!.text, /is in US, the configuration says EU/);
  });

  it("has nothing to say of one that is where it should be, or that is not there yet", async () => {
    assert.equal((await checkWarehouse(warehouseIn("eu"), "EU", never)).length, 1);
    assert.equal((await checkWarehouse(warehouseIn(undefined), "EU", never)).length, 1);
  });
});
