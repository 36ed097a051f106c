import assert from "node:assert/strict";
import { homedir } from "node:os";
import fc from "fast-check";
import { locationsOverlap, pathOfLocation, storeLocation, warehouseLocation } from "../../configs/locations.ts";

describe("locations", () => {
  const written: [text: string, url: string][] = [
    ["photos", "file:///data/photos"],
    ["./photos//2026/", "file:///data/photos/2026"],
    ["../x", "file:///x"],
    ["/a b", "file:///a%20b"],
    ["/", "file://"],
    ["~/Pictures", storeLocation(`${homedir()}/Pictures`, "/")],
    ["file:///a%20b/", "file:///a%20b"],
    ["gs://bucket", "gs://bucket"],
    ["gs://bucket/", "gs://bucket"],
    ["gs://bucket/a/b/", "gs://bucket/a/b"],
    ["gs://bucket/{run_date}/", "gs://bucket/{run_date}"],
    ["in/{run_date}", "file:///data/in/{run_date}"],
  ];
  for (const [text, url] of written) {
    it(`reads ${text} as ${url}`, () => assert.equal(storeLocation(text, "/data"), url));
  }

  it("is stable: a location of a location is itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
        fc.pre(!/^[~/]|:|\p{Cc}/u.test(name) && name.trim() !== "");
        const url = storeLocation(name, "/data");
        assert.equal(storeLocation(url, "/elsewhere"), url);
      }),
    );
  });

  it("reads warehouses", () => {
    assert.equal(warehouseLocation("w.duckdb", "/data"), "duckdb:///data/w.duckdb");
    assert.equal(warehouseLocation("duckdb:///x/w.duckdb", "/data"), "duckdb:///x/w.duckdb");
    assert.equal(warehouseLocation("duckdb:w.duckdb", "/data"), "duckdb:///data/w.duckdb");
    assert.equal(warehouseLocation("~/w.duckdb", "/data"), `duckdb://${homedir()}/w.duckdb`);
    assert.equal(warehouseLocation("bigquery://my-project/set_1", "/data"), "bigquery://my-project/set_1");
    assert.throws(() => warehouseLocation("bigquery://my-project", "/data"), /project and a dataset/);
  });

  it("gives paths back", () => {
    assert.equal(pathOfLocation("file:///a%20b"), "/a b");
    assert.equal(pathOfLocation("duckdb:///a/w.duckdb"), "/a/w.duckdb");
    assert.equal(pathOfLocation("file:///a/{run_date}"), undefined);
    assert.equal(pathOfLocation("gs://b"), undefined);
  });

  const pairs: [a: string, b: string, overlap: boolean][] = [
    ["file:///a", "file:///a", true],
    ["file:///a", "file:///a/b", true],
    ["file:///a", "file:///ab", false],
    ["file:///", "file:///a", true],
    ["gs://a", "gs://a/x/y", true],
    ["gs://a/in", "gs://a/in2", false],
    ["gs://a/x", "gs://b/x", false],
    ["gs://a", "file:///a", false],
    ["file:///a", "duckdb:///a/w.duckdb", true],
    ["gs://a", "bigquery://a/b", false],
    ["gs://a/{run_date}", "gs://a", true],
    ["gs://a/{run_date}", "gs://a/archive", false],
    ["gs://a/{run_date}", "gs://a/2026-11-23/x", true],
    ["gs://a/in-{run_date}", "gs://a/in-2026-11-23", true],
    ["gs://a/in-{run_date}", "gs://a/out-2026-11-23", false],
    ["gs://a/{run_date}/x", "gs://a/{run_date}/y", false],
  ];
  for (const [a, b, overlap] of pairs) {
    it(`${a} and ${b} ${overlap ? "overlap" : "are apart"}`, () => {
      assert.equal(locationsOverlap(a, b), overlap);
      assert.equal(locationsOverlap(b, a), overlap);
    });
  }

  it("anything below a location overlaps it", () => {
    const segment = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    fc.assert(
      fc.property(fc.array(segment), fc.array(segment), (base, below) => {
        const root = `gs://bucket${base.map((part) => `/${part}`).join("")}`;
        assert.ok(locationsOverlap(root, root + below.map((part) => `/${part}`).join("")));
      }),
    );
  });
});
