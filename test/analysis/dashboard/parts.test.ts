import assert from "node:assert/strict";
import fc from "fast-check";
import { binAt, binsOf, durationEdges, rangeOf, roundEdges } from "../../../analysis/dashboard/model/bins.ts";
import { categoriesOf } from "../../../analysis/dashboard/model/categories.ts";
import { browserLink, packLink, unpackLink } from "../../../analysis/dashboard/model/links.ts";
import { firstMatching, orderOf } from "../../../analysis/dashboard/model/order.ts";
import {
  binKeys,
  categoryKeys,
  nothingSelected,
  readSelection,
  sortKeys,
  toggled,
  withRange,
  withValues,
  writeSelection,
  type Selection,
} from "../../../analysis/dashboard/model/selection.ts";
import { archiveNames } from "../../../core/layout.ts";

describe("bins", () => {
  it("hold what lies between their edges, what is no number apart", () => {
    const edges = roundEdges(1000, 100_000_000);
    assert.deepEqual(edges.slice(0, 5), [0, 1000, 2000, 5000, 10_000]);
    assert.equal(edges.at(-1), 100_000_000);
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.double({ min: -10, max: 1e9 }), fc.constantFrom(...edges, Number.NaN))), (values) => {
        const { codes, occupied } = binsOf(values, edges);
        values.forEach((value, row) => {
          const expected = Number.isNaN(value)
            ? edges.length
            : Math.max(
                0,
                edges.findLastIndex((edge) => edge <= value),
              );
          assert.equal(codes[row], expected, String(value));
        });
        const real = [...(codes as Uint16Array)].filter((code) => code < edges.length);
        assert.deepEqual(occupied, real.length === 0 ? [edges.length, -1] : [Math.min(...real), Math.max(...real)]);
      }),
    );
  });

  it("of small numbers have round edges", () => {
    assert.deepEqual(roundEdges(0.01, 0.5), [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
  });

  it("of durations reach to the longest in at most so many steps", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (longest) => {
        const edges = durationEdges(longest, 48);
        assert.ok(edges.length >= 1 && edges.length <= 50);
        const step = edges.length > 1 ? edges[1]! : Number.POSITIVE_INFINITY;
        assert.ok(longest < edges.at(-1)! + step);
        assert.equal(binAt(edges, longest), edges.length - 1);
      }),
    );
    assert.deepEqual(rangeOf([0, 10, 20], 1, 2), { from: 10, below: undefined });
  });
});

describe("categories", () => {
  it("are in order of frequency; what is rare and what is not known come last", () => {
    const texts = ["b", "a", "b", null, "", "c", "d", "a", "b"];
    const { values, codes } = categoriesOf(texts, { unknown: "unknown", others: "others", limit: 2 });
    assert.deepEqual(values, ["b", "a", "others", "unknown"]);
    assert.deepEqual([...(codes as Uint16Array)], [0, 1, 0, 3, 3, 2, 2, 1, 0]);
  });

  it("keep every text, whatever it is", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string())), (texts) => {
        const { values, codes } = categoriesOf(texts, { unknown: "unknown", others: "others" });
        assert.equal(new Set(values).size, values.length);
        texts.forEach((text, row) => assert.equal(values[codes[row]!], text || "unknown"));
      }),
    );
  });
});

describe("the order of rows", () => {
  it("is that of the values, in both directions, rows without a value last", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Number.NaN))),
        fc.boolean(),
        fc.nat(8),
        (values, descending, limit) => {
          const order = orderOf(values);
          const isLast = (row: number): boolean => Number.isNaN(values[row]);
          const found = firstMatching({ order, descending, isLast }, (row) => row % 3 !== 0, limit).map((row) => values[row]!);
          const kept = values.filter((_, row) => row % 3 !== 0);
          const sorted = kept.filter((value) => !Number.isNaN(value)).sort((a, b) => (descending ? b - a : a - b));
          assert.deepEqual(found, [...sorted, ...kept.filter((value) => Number.isNaN(value))].slice(0, limit));
        },
      ),
    );
    assert.deepEqual([...orderOf(["b", "a", "b"])], [1, 0, 2]);
  });
});

describe("links to outputs", () => {
  const runId = "2026-11-23-0123456789ab";

  it("are put together again as they were, whatever they are", () => {
    const anyText = fc.string({ unit: fc.constantFrom("a", "/", "@", "{", "}", "$", "&", "0", "é", "{spread}", "{name}") });
    fc.assert(
      fc.property(anyText, fc.stringMatching(/^\d{1,19}$/), anyText, (name, generation, other) => {
        const place = { runDate: "2026-11-23", runId };
        const made = `gs://archive/${archiveNames.output(place, "thumbnails", "256", { name, generation }, "jpg")}`;
        for (const uri of [made, other, `${made}${other}`, `${other}${made}`]) {
          assert.equal(unpackLink(packLink(uri, { name, generation }, runId), { name, generation }), uri);
        }
      }),
    );
  });

  it("share one pattern a run", () => {
    const place = { runDate: "2026-11-23", runId };
    const objects = ["a.jpg", "photos/b-2.jpg", "c"].map((name, index) => ({ name, generation: String(index + 100) }));
    const packed = objects.map((object) =>
      packLink(`gs://archive/${archiveNames.output(place, "thumbnails", "256", object, "jpg")}`, object, runId),
    );
    assert.deepEqual(
      [...new Set(packed.map(({ pattern }) => pattern))],
      [`gs://archive/2026-11-23/${runId}/{spread}/thumbnails/256/{name}@{generation}.jpg`],
    );
  });

  it("lead a browser only to files and to Cloud Storage", () => {
    assert.equal(browserLink("file:///photos/a%20b.jpg"), "file:///photos/a%20b.jpg");
    assert.equal(browserLink("gs://my-bucket/a b/#?.jpg"), "https://storage.cloud.google.com/my-bucket/a%20b/%23%3F.jpg");
    for (const other of ["javascript:alert(1)", "http://example.org/x", "data:text/html,x", "gs://Bad Bucket/x", "memory:a", ""]) {
      assert.equal(browserLink(other), undefined, other);
    }
  });
});

describe("the selection in the address", () => {
  const anyRange = fc
    .tuple(fc.nat(1000), fc.nat(1000), fc.boolean())
    .filter(([from, width]) => width > 0 || from === 0)
    .map(([from, width, open]) => ({ from: from / 4, below: open || width === 0 ? undefined : (from + width) / 4 }));
  const anySelection: fc.Arbitrary<Selection> = fc
    .record({
      values: fc.record(
        Object.fromEntries(
          categoryKeys.map((key) => [key, fc.uniqueArray(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 3 })]),
        ),
        { requiredKeys: [], noNullPrototype: true },
      ),
      ranges: fc.record(Object.fromEntries(binKeys.map((key) => [key, anyRange])), { requiredKeys: [], noNullPrototype: true }),
      text: fc.string({ unit: "grapheme" }),
      sort: fc.record({ key: fc.constantFrom(...sortKeys), descending: fc.boolean() }, { noNullPrototype: true }),
    })
    .map((parts) => Object.assign({}, parts))
    .chain((parts) => fc.constantFrom(parts, { ...parts, theme: "dark" as const }));

  it("comes back as it was", () => {
    fc.assert(fc.property(anySelection, (selection) => assert.deepEqual(readSelection(`#${writeSelection(selection)}`), selection)));
    assert.equal(writeSelection(nothingSelected), "");
    assert.deepEqual(readSelection(""), { ...nothingSelected });
  });

  it("leaves out what it does not understand, and never throws", () => {
    assert.deepEqual(readSelection("#size=5..2&size=x&sort=-nothing&theme=pink&format=&spent=1e9..&elapsed=-1..3&other=1"), {
      ...nothingSelected,
    });
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => void readSelection(text)));
  });

  it("takes values in and out", () => {
    const one = toggled(nothingSelected, "format", "png");
    assert.deepEqual(toggled(one, "format", "jpeg").values, { format: ["png", "jpeg"] });
    assert.deepEqual(toggled(one, "format", "png"), nothingSelected);
    assert.deepEqual(withValues(one, "format", []), nothingSelected);
    assert.deepEqual(withRange(withRange(one, "size", { from: 0, below: 5 }), "size", undefined), one);
  });
});
