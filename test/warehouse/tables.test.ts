import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { differencesOf, tableDescription, viewDescription, withoutHalves, type ActualSchema } from "../../warehouse/differences.ts";
import { warehouseMarkdown } from "../../warehouse/describe.ts";
import { inDialect } from "../../warehouse/dialect.ts";
import { checkParameters, dollarParameters } from "../../warehouse/parameters.ts";
import { rowProblem } from "../../warehouse/rows.ts";
import { imagesTable, runsTable, schemaVersion, tables, type Column } from "../../warehouse/tables.ts";
import { readViews } from "../../warehouse/views.ts";
import { bareRow, imageRow, outputRow, runRow } from "./rows.ts";

describe("warehouse tables", () => {
  it("have the columns of the row types, in their order", () => {
    const source = readFileSync(new URL("../../core/rows.ts", import.meta.url), "utf8");
    for (const [name, table] of [
      ["ImageRow", imagesTable],
      ["RunRow", runsTable],
    ] as const) {
      const [, body = ""] = new RegExp(`interface ${name} \\{([\\s\\S]*?)\\n\\}`).exec(source) ?? [];
      const members = [...body.matchAll(/^ {2}(\w+):/gm)].map((match) => match[1]);
      assert.deepEqual(
        table.columns.map((column) => column.name),
        members,
      );
    }
  });

  it("describe every column", () => {
    const undescribed = (columns: Column[]): string[] =>
      columns.flatMap((column) => [...(column.description.endsWith(".") ? [] : [column.name]), ...undescribed(column.fields ?? [])]);
    assert.deepEqual(
      tables.flatMap((table) => undescribed(table.columns)),
      [],
    );
  });

  it("docs/warehouse.md is what warehouse/describe.ts makes of them", () => {
    assert.equal(readFileSync(new URL("../../docs/warehouse.md", import.meta.url), "utf8"), warehouseMarkdown());
  });

  it("views say which question they answer", () => {
    assert.deepEqual(
      readViews().filter((view) => !view.question.endsWith("?")),
      [],
    );
  });
});

describe("rowProblem", () => {
  it("takes rows as workers and drivers write them", () => {
    const twin = { run_id: "r", name: "n", generation: "1" };
    for (const row of [imageRow(), bareRow(), imageRow({ twin, outputs: [outputRow(), outputRow({ member: "1.jpg" })] })]) {
      assert.equal(rowProblem(imagesTable, row), undefined);
    }
    assert.equal(rowProblem(runsTable, runRow()), undefined);
  });

  const wrong: [object, RegExp][] = [
    [{ extra: 1 }, /"extra"/],
    [{ width: 1.5 }, /width is 1\.5, not a INT64/],
    [{ width: 2 ** 53 }, /width/],
    [{ megapixels: Number.NaN }, /megapixels/],
    [{ has_alpha: "yes" }, /has_alpha/],
    [{ warnings: null }, /warnings is no list/],
    [{ warnings: ["a", null] }, /warnings is null/],
    [{ outputs: [{}] }, /job is missing/],
    [{ run_date: "2026-13-01" }, /run_date/],
    [{ run_date: "26-11-23" }, /run_date/],
    [{ processed_at: "2026-11-23" }, /processed_at/],
    [{ processed_at: "2026-11-23T25:00:00Z" }, /processed_at/],
    [{ taken_at: "0000-01-01T00:00:00" }, /taken_at/],
  ];
  for (const [changes, expected] of wrong) {
    it(`refuses ${JSON.stringify(changes)}`, () => assert.match(rowProblem(imagesTable, { ...imageRow(), ...changes }) ?? "", expected));
  }

  it("never throws", () => {
    fc.assert(fc.property(fc.anything(), (value) => typeof rowProblem(imagesTable, value) === "string"));
  });
});

describe("differences", () => {
  const complete = (): ActualSchema => ({
    tables: new Map(tables.map((table) => [table.name, { columns: structuredClone(table.columns), description: tableDescription(table) }])),
    views: new Map(readViews().map((view) => [view.name, { description: viewDescription(view, "duckdb") }])),
  });
  const whatOf = (actual: ActualSchema): string[] => differencesOf(actual, "duckdb").map(({ what }) => what);
  const imagesOf = (actual: ActualSchema): Column[] => actual.tables.get("images")!.columns;

  it("are none where all is there, stricter or laxer columns of ours, and columns of others, aside", () => {
    const actual = complete();
    imagesOf(actual).push({ name: "theirs", type: "STRING", mode: "NULLABLE", description: "" });
    imagesOf(actual)[0]!.mode = "NULLABLE";
    assert.deepEqual(whatOf(actual), []);
  });

  it("name nested columns by their path", () => {
    const actual = complete();
    imagesOf(actual)
      .find((column) => column.name === "outputs")!
      .fields!.pop();
    assert.deepEqual(whatOf(actual), ["add column images.outputs.format"]);
  });

  it("relax what must be allowed to be null", () => {
    const actual = complete();
    imagesOf(actual).find((column) => column.name === "lens")!.mode = "REQUIRED";
    assert.deepEqual(whatOf(actual), ["let column images.lens be null"]);
  });

  it("replace a view of another definition and note a newer schema", () => {
    const actual = complete();
    actual.views.set("capacity", { description: "mine" });
    actual.tables.get("runs")!.description = "";
    assert.deepEqual(whatOf(actual), [`note schema ${schemaVersion} on table runs`, "replace view capacity"]);
  });

  it("one that is not applicable stands alone", () => {
    const actual = complete();
    actual.views.delete("capacity");
    imagesOf(actual)[0]!.type = "INT64";
    actual.views.set("runs", { description: "" });
    assert.deepEqual(
      withoutHalves(differencesOf(actual, "duckdb")).map(({ what }) => what),
      ["column images.run_id is INT64 and should be STRING", "runs is a view, not a table"],
    );
  });
});

describe("SQL of both dialects", () => {
  it("refuses a word that there is not", () => {
    assert.throws(() => inDialect("duckdb", "SELECT {{nonsense a}}"), /nonsense/);
  });

  it("every word is written in both", () => {
    for (const view of readViews()) {
      for (const dialect of ["duckdb", "bigquery"] as const) {
        assert.doesNotMatch(inDialect(dialect, view.sql, { images: "images", runs: "runs" }), /\{\{|\}\}|undefined|NaN/);
      }
    }
  });

  it("binds names outside of quotes and comments only", () => {
    const sql = `SELECT '@a ''@b' AS "@c", \`@d\`, @e -- @f\n/* @g */ WHERE x = @h`;
    assert.equal(dollarParameters(sql), `SELECT '@a ''@b' AS "@c", \`@d\`, $e -- @f\n/* @g */ WHERE x = $h`);
    checkParameters(sql, { e: 1, h: "x" });
    assert.throws(() => checkParameters(sql, { e: 1 }), /@h without/);
    assert.throws(() => checkParameters(sql, { e: 1, h: 1, a: 1 }), /no place for a/);
  });
});
