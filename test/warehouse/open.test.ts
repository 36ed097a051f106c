import assert from "node:assert/strict";
import { codeOf, messageOf } from "../../core/errors.ts";
import { parseWarehouseUrl } from "../../warehouse/open.ts";

describe("warehouse URLs", () => {
  const duckdb: [string, string][] = [
    ["duckdb:///data/w.duckdb", "/data/w.duckdb"],
    ["duckdb:///data/a%20b%25.duckdb", "/data/a b%.duckdb"],
    ["duckdb:/data/w.duckdb", "/data/w.duckdb"],
    ["duckdb:w.duckdb", "/here/w.duckdb"],
    ["duckdb:../50%/w.duckdb", "/50%/w.duckdb"],
  ];
  for (const [url, path] of duckdb) {
    it(`${url} is the file ${path}`, () => {
      const location = parseWarehouseUrl(url, "/here");
      assert.equal(location.dialect === "duckdb" && location.path, path);
      assert.deepEqual(parseWarehouseUrl(location.url, "/elsewhere"), location);
    });
  }

  it("bigquery names project and dataset", () => {
    const location = { dialect: "bigquery", url: "bigquery://my-project/my_dataset", project: "my-project", dataset: "my_dataset" };
    assert.deepEqual(parseWarehouseUrl("bigquery://my-project/my_dataset"), location);
    assert.deepEqual(parseWarehouseUrl("bigquery://my-project/my_dataset/"), location);
  });

  const wrong: [string, RegExp][] = [
    ["", /not the URL of a warehouse/],
    ["w.duckdb", /not the URL of a warehouse/],
    ["postgres://x/y", /not the URL of a warehouse/],
    ["duckdb:", /names no database file/],
    ["duckdb:///data/", /names no database file/],
    ["duckdb://w.duckdb", /a host/],
    ["duckdb:///data/w.duckdb?mode=x", /more in it/],
    ["duckdb:///data/50%.duckdb", /well-formed/],
    ["bigquery://project", /project and a dataset/],
    ["bigquery://project/data-set", /project and a dataset/],
    ["bigquery://project/dataset/table", /project and a dataset/],
  ];
  for (const [url, expected] of wrong) {
    it(`"${url}" is a usage error that says what to write`, () => {
      assert.throws(
        () => parseWarehouseUrl(url),
        (error) => {
          assert.equal(codeOf(error), "USAGE");
          assert.match(messageOf(error), expected);
          assert.match(String((error as { hint?: string }).hint), /duckdb:|bigquery:\/\/project\/dataset|%25/);
          return true;
        },
      );
    });
  }
});
