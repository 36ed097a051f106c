import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { encodeTable } from "../../../analysis/dashboard/encode.ts";
import { rowsInTurn } from "../../../analysis/dashboard/illustrate.ts";
import { imageColumns, runColumns } from "../../../analysis/dashboard/model/columns.ts";
import { decodeTable } from "../../../analysis/dashboard/model/decode.ts";
import { render } from "../../../analysis/dashboard/page.ts";
import { chooseRuns } from "../../../analysis/dashboard/read.ts";
import { clientScript } from "../../../analysis/dashboard/script.ts";
import { anyImages, imageRecord, imageTable, runRecord, runTable } from "./records.ts";

describe("the tables of the page", () => {
  it("come out as they went in", async () => {
    await fc.assert(
      fc.asyncProperty(anyImages(), async (images) => {
        assert.deepEqual(await decodeTable(imageColumns, new Uint8Array(await encodeTable(imageColumns, images))), {
          ...imageTable(images),
          read_ms: Float64Array.from(images, (image) => Math.fround(image.read_ms)),
          process_ms: Float64Array.from(images, (image) => Math.fround(image.process_ms)),
        });
      }),
      { numRuns: 30 },
    );
    const runs = [runRecord(), runRecord({ run_id: "2026-11-24-0123456789ab", predicted_cost: 0.25 })];
    assert.deepEqual(await decodeTable(runColumns, new Uint8Array(await encodeTable(runColumns, runs))), runTable(runs));
  });

  it("come in several row groups", async () => {
    const images = Array.from({ length: 60_000 }, (_, index) => imageRecord({ name: `n${index}`, size_bytes: index }));
    const table = await decodeTable(imageColumns, new Uint8Array(await encodeTable(imageColumns, images)));
    assert.equal(table.rows, images.length);
    assert.equal(table.name[59_999], "n59999");
    assert.ok(table.size_bytes.every((value, row) => value === row));
  });
});

describe("the choice of runs", () => {
  const run = (run_date: string, objects = 100): ReturnType<typeof runRecord> =>
    runRecord({ run_id: `${run_date}-0123456789ab`, run_date, objects });

  it("takes the newest days, counted from the newest run", () => {
    const found = [run("2020-03-02"), run("2020-02-29"), run("2020-02-01")];
    const { runs, extent } = chooseRuns(found, { days: 3, rows: 1000 });
    assert.deepEqual(runs, found.slice(0, 2));
    assert.deepEqual(extent, { firstDate: "2020-02-29", lastDate: "2020-03-02", olderRuns: 1, share: 1, objects: 200 });
    assert.equal(chooseRuns(found, { days: 2, rows: 1000 }).extent.firstDate, "2020-03-02");
    assert.deepEqual(chooseRuns([], { days: 2, rows: 1000 }).extent, { olderRuns: 0, share: 1, objects: 0 });
  });

  it("takes a share of the images where there are more than the limit, with room for chance", () => {
    assert.equal(chooseRuns([run("2020-03-02", 1000)], { days: 1, rows: 1000 }).extent.share, 1);
    assert.equal(chooseRuns([run("2020-03-02", 4000)], { days: 1, rows: 1000 }).extent.share, 0.245);
    const { share } = chooseRuns([run("2020-03-02", 4_000_000)], { days: 1, rows: 1000 }).extent;
    assert.ok(Math.abs(share - 0.000245) < 1e-9);
  });
});

describe("the pictures of the page", () => {
  it("are of each reason in turn, the newest first, each image once", () => {
    const images = [
      imageRecord({ name: "a", reason: "corrupt" }),
      imageRecord({ name: "a", reason: "corrupt" }),
      imageRecord({ name: "b", reason: "corrupt" }),
      imageRecord({ name: "c" }),
      imageRecord({ name: "d", reason: "truncated" }),
      imageRecord({ name: "e", reason: "not_an_image" }),
      imageRecord({ name: "a", generation: "2", reason: "corrupt" }),
    ];
    assert.deepEqual(rowsInTurn(images), [0, 4, 2, 6]);
  });
});

describe("the dashboard's page", function () {
  this.timeout(60_000);
  let script: string;
  before(async () => {
    script = await clientScript();
  });
  const extent = { firstDate: "2026-11-23", lastDate: "2026-11-23", olderRuns: 0, share: 1, objects: 1 };
  const facts = {
    warehouse: "duckdb:///</script><script>alert(1)</script>",
    extent,
    limits: { days: 1, rows: 1 },
    currency: "EUR",
    runPage: "gs://control/runs/{run}/report.html",
    madeAt: 0,
  };
  const page = async (): Promise<string> => {
    const pictures = [{ row: 0, width: 1, height: 1, data: "</script>" }];
    const [images, runs] = [await encodeTable(imageColumns, [imageRecord()]), await encodeTable(runColumns, [runRecord()])];
    return render({ facts, images, runs, pictures, script });
  };

  it("lets run and style only what it names by digest, and lets nothing be fetched", async () => {
    const html = await page();
    const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(html) ?? [];
    const digestOf = (text: string): string => createHash("sha256").update(text).digest("base64");
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(html) ?? [];
    assert.equal(
      policy.replaceAll("&#39;", "'"),
      `default-src 'none'; img-src data:; style-src 'sha256-${digestOf(style)}'; script-src 'sha256-${digestOf(script)}'; base-uri 'none'; form-action 'none'`,
    );
    assert.doesNotMatch(html.replace(script, ""), /(src|href)="(?!data:|#)/);
  });

  it("holds no element that its data could have closed or opened", async () => {
    const html = await page();
    assert.equal(html.split("</script").length - 1, 5, "four blocks of data and the script");
    assert.doesNotMatch(script, /<\/script|<!--/i);
  });

  it("has a script of the size that it should have", () => {
    assert.ok(script.length < 700_000, `${script.length} characters`);
  });

  it("is the same for the same content", async () => {
    assert.equal(await page(), await page());
  });
});
