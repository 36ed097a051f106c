import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { notebook, type Notebook } from "../servers/notebook.ts";

describe("the notebook as it is stored", () => {
  const { cells, metadata, nbformat } = JSON.parse(readFileSync(notebook, "utf8")) as Notebook;
  const code = cells.filter((cell) => cell.cell_type === "code");

  it("holds no output: nobody's data is in it", () => {
    assert.equal(nbformat, 4);
    assert.ok(code.length > 5);
    for (const { id, outputs, execution_count } of code) assert.deepEqual([id, outputs, execution_count], [id, [], null]);
  });

  it("says which kernel runs it, and has one cell of parameters", () => {
    assert.deepEqual((metadata["kernelspec"] as { name: string }).name, "python3");
    const parameters = code.filter((cell) => cell.metadata.tags?.includes("parameters"));
    assert.equal(parameters.length, 1);
    assert.match(parameters[0]!.source.join(""), /^warehouse = "/m);
  });

  it("has cells with ids of their own, a heading before each part, and names the services it is for", () => {
    assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length);
    const prose = cells.filter((cell) => cell.cell_type === "markdown").map((cell) => cell.source.join(""));
    assert.ok(prose.every((text) => text.startsWith("#")));
    for (const name of ["Vertex AI Workbench", "Colab Enterprise", "Datalab", "Jupyter"]) assert.match(prose.join("\n"), new RegExp(name));
  });

  it("changes nothing: every statement reads, DuckDB is opened read-only", () => {
    const text = code.flatMap((cell) => cell.source).join("");
    assert.doesNotMatch(
      text,
      /\b(INSERT INTO|CREATE (TABLE|OR|VIEW)|DELETE FROM|MERGE INTO|UPDATE \w+ SET|DROP (TABLE|VIEW)|ALTER TABLE)\b/i,
    );
    assert.match(text, /read_only=True/);
  });
});
