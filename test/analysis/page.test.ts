import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { render } from "../../analysis/report/page.ts";
import { summarise } from "../../analysis/report/summarise.ts";
import type { RunNumbers } from "../../analysis/report/numbers.ts";
import type { ImageRow } from "../../core/rows.ts";
import { commitOf, imageRow, planOf } from "./stored-run.ts";

const picture = { bytes: new Uint8Array([1, 2, 3]), width: 4, height: 3 };

/** A run in which every text that comes from outside is `text`. */
async function numbersWith(text: string, rowCount = 3): Promise<RunNumbers> {
  const output = {
    job: text,
    variant: text,
    uri: text,
    member: null,
    generation: "1",
    crc32c: "",
    size_bytes: 5,
    width: 200,
    height: 200,
    format: text,
  };
  const rows: ImageRow[] = [
    imageRow(text, { format: text, warnings: [text], outputs: [output] }),
    imageRow(text, { outcome: "quarantined", reason: "corrupt", message: text }),
    imageRow(`${text}2`, { outcome: "quarantined", reason: "corrupt", message: text }),
    imageRow(text, { outcome: "skipped", reason: "duplicate", message: text }),
  ].slice(0, rowCount + 1);
  const plan = planOf([{ id: "00000-aa", objects: rows.length }]);
  plan.stores = {
    source: `file:///${text}`,
    archive: `gs://${text}`,
    control: text,
    warehouse: `duckdb:///${encodeURIComponent(text.replace(/[\0/]/g, ""))}.duckdb`,
  };
  plan.request.jobs[0]!.name = text;
  return summarise({ plan, commits: [commitOf("00000-aa", rows)], sealed: true, load: undefined }, rows);
}

function pageWith(numbers: RunNumbers, name: string): string {
  const shown = { name, generation: numbers.reasons[0]!.examples[0]!.generation, ...picture };
  return render(numbers, { quarantined: [shown], outputs: [shown] });
}

/** Every tag with its attribute names, in order: what a browser would build. */
function skeletonOf(page: string): string[] {
  return (page.match(/<[^>]*>/g) ?? []).map((tag) => tag.replace(/"[^"]*"/g, '""'));
}

describe("the page of a report", () => {
  it("is built the same whatever the names and messages are", async () => {
    const plain = skeletonOf(pageWith(await numbersWith("plain"), "plain"));
    const hostile = fc.oneof(
      fc.constantFrom(
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "' onmouseover='alert(1)",
        "</style><script>alert(1)</script>",
        "<!--",
        "]]>",
        "&lt;b&gt;",
        "`${alert(1)}`",
        "javascript:alert(1)",
      ),
      fc.string({
        unit: fc.constantFrom("<", ">", '"', "'", "`", "&", "/", "=", "a", " ", "\n", "\0", "\u202e", "#", ";"),
        minLength: 1,
        maxLength: 40,
      }),
    );
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const page = pageWith(await numbersWith(text), text);
        assert.deepEqual(skeletonOf(page), plain);
        assert.ok(!/[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/.test(page.replaceAll("\n", "")), "a control character");
      }),
      { numRuns: 200 },
    );
  });

  it("lets nothing be fetched and nothing run", async () => {
    const page = pageWith(await numbersWith("a.jpg"), "a.jpg");
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'") ?? "";
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? "";
    assert.match(policy, /^default-src 'none'; img-src data:; style-src 'sha256-/);
    assert.ok(policy.includes(createHash("sha256").update(style).digest("base64")));
    assert.doesNotMatch(page, /<script|<link|<iframe|\sstyle=|\son[a-z]+=|url\(|@import/);
    assert.deepEqual(
      [...page.matchAll(/\ssrc="([^"]{0,22})/g)].map((match) => match[1]),
      ["data:image/webp;base64", "data:image/webp;base64"],
    );
  });

  it("has landmarks, a title, one first heading, and table headers with a scope", async () => {
    const page = pageWith(await numbersWith("a.jpg"), "a.jpg");
    for (const part of ['<html lang="en">', "<header>", "<main", "<nav aria-label", "<footer>", "<title>"])
      assert.ok(page.includes(part), part);
    assert.equal(page.match(/<h1/g)?.length, 1);
    assert.equal(page.match(/<table/g)?.length, page.match(/<caption/g)?.length);
    assert.doesNotMatch(page, /<th(?![^>]*scope=)[ >]/);
    assert.doesNotMatch(page, /<img(?![^>]*alt=)/);
    const ids = [...page.matchAll(/\sid="([^"]*)"/g)].map((match) => match[1]);
    assert.equal(new Set(ids).size, ids.length);
    for (const [, target] of page.matchAll(/href="#([^"]*)"/g)) assert.ok(ids.includes(target), target);
  });

  it("is equal for equal numbers", async () => {
    assert.equal(pageWith(await numbersWith("a"), "a"), pageWith(await numbersWith("a"), "a"));
  });

  it("says what happened, in one line", async () => {
    const titleOf = (numbers: RunNumbers): string | undefined => /<h1>([^<]*)</.exec(render(numbers))?.[1];
    const numbers = await numbersWith("a.jpg");
    const counts = { ...numbers.counts, ok: 1, skipped: 0, quarantined: 0 };
    assert.equal(titleOf(numbers), "1 image ok, 2 quarantined");
    assert.equal(titleOf({ ...numbers, counts: { ...counts, objects: 1 } }), "The one image is ok");
    assert.equal(titleOf({ ...numbers, counts: { ...counts, objects: 1200, ok: 1200 } }), "All 1,200 images are ok");
    assert.equal(titleOf({ ...numbers, listed: 5, unchanged: 5 }), "Nothing was new");
    assert.equal(titleOf({ ...numbers, listed: 0, unchanged: 0 }), "There was nothing to process");
    assert.equal(titleOf({ ...numbers, listed: 9, shards: { planned: 2, committed: 1 } }), "4 of 9 images so far: 1 ok, 2 quarantined");
  });

  it("asks for the run alone, in the dialect of the warehouse", async () => {
    const numbers = await numbersWith("a.jpg");
    assert.match(render(numbers), /from images, unnest\(outputs\) as made\(output\)/);
    const bigquery = render({ ...numbers, stores: { ...numbers.stores, warehouse: "bigquery://my-project/photos" } });
    assert.match(bigquery, /from &#96;my-project\.photos\.images&#96;, unnest\(outputs\) as output/);
  });
});
