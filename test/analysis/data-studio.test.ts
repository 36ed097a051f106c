import assert from "node:assert/strict";
import fc from "fast-check";
import { dataStudioLinks, dataStudioSources } from "../../analysis/data-studio.ts";
import { ImagemillError } from "../../core/errors.ts";
import { tables } from "../../warehouse/tables.ts";
import { readViews } from "../../warehouse/views.ts";

const warehouse = "bigquery://my-project/images";

function parametersOf(url: string): Record<string, string> {
  return Object.fromEntries(new URL(url).searchParams);
}

describe("links that make a report in Data Studio", () => {
  it("are one a source without a template, the runs first", () => {
    const links = dataStudioLinks({ warehouse });
    assert.deepEqual(
      links.map(({ sources }) => sources),
      dataStudioSources.map((source) => [source]),
    );
    assert.equal(
      links[0]!.url,
      "https://datastudio.google.com/reporting/create?c.mode=edit&r.reportName=imagemill%20my-project.images" +
        "&ds.connector=bigQuery&ds.type=TABLE&ds.projectId=my-project&ds.datasetId=images&ds.tableId=run_summary" +
        "&ds.billingProjectId=my-project&ds.datasourceName=run_summary",
    );
  });

  it("are one with a template, each source by its alias, with the template's fields", () => {
    const [link, ...others] = dataStudioLinks({ warehouse, template: "0B-1234-abcd", billingProject: "payer" });
    assert.deepEqual(others, []);
    const parameters = parametersOf(link!.url);
    assert.equal(parameters["c.reportId"], "0B-1234-abcd");
    for (const source of dataStudioSources) {
      const own = Object.entries(parameters).filter(([name]) => name.startsWith(`ds.${source}.`));
      assert.deepEqual(Object.fromEntries(own.map(([name, value]) => [name.slice(`ds.${source}.`.length), value])), {
        connector: "bigQuery",
        type: "TABLE",
        projectId: "my-project",
        datasetId: "images",
        tableId: source,
        billingProjectId: "payer",
        keepDatasourceName: "true",
        refreshFields: "false",
      });
    }
    assert.equal(Object.keys(parameters).length, 3 + 8 * dataStudioSources.length);
  });

  it("name tables and views that there are, and survive any project's name", () => {
    const there = new Set([...tables, ...readViews()].map(({ name }) => name));
    assert.deepEqual(
      dataStudioSources.filter((source) => !there.has(source)),
      [],
    );
    const project = fc.stringMatching(/^([a-z]{1,10}\.com:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/);
    fc.assert(
      fc.property(project, fc.stringMatching(/^[A-Za-z0-9_]{1,30}$/), (name, dataset) => {
        const parameters = parametersOf(dataStudioLinks({ warehouse: `bigquery://${name}/${dataset}` })[0]!.url);
        assert.deepEqual([parameters["ds.projectId"], parameters["ds.datasetId"]], [name, dataset]);
      }),
    );
  });

  it("are refused for DuckDB, with what to do instead", () => {
    assert.throws(
      () => dataStudioLinks({ warehouse: "duckdb:///tmp/w.duckdb" }),
      (error: unknown) => error instanceof ImagemillError && error.exitCode === 2 && /report --open/.test(error.hint ?? ""),
    );
  });
});
