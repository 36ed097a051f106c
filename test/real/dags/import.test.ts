import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { airflowVersions, openAirflow } from "../../servers/airflow.ts";
import { orSkip } from "../../servers/install.ts";

const checks = fileURLToPath(new URL("nightly_checks.py", import.meta.url));

describe("the DAG file", function () {
  this.timeout(15 * 60_000);
  this.slow(60_000);

  for (const version of airflowVersions) {
    it(`is imported by Airflow ${version}; settings, batches and failures are what it says`, async function () {
      await using airflow = await orSkip(this, `Airflow ${version}`, async () => openAirflow(version));
      const { code, said } = await airflow.python(checks);
      assert.equal(code, 0, said);
      assert.match(said, /\d+ checks passed/);
    });
  }
});
