import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { writeDashboard } from "../../../analysis/dashboard/write.ts";
import { systemClock } from "../../../core/clock.ts";
import { formatCount } from "../../../core/format.ts";
import { controlNames } from "../../../core/layout.ts";
import type { Warehouse } from "../../../warehouse/warehouse.ts";
import { fillWorld, hostileNames, openDuckdbWorld, worldRuns, type DuckdbWorld } from "../../analysis/dashboard/world.ts";
import { startBigquery, type BigqueryServer } from "../../servers/bigquery.ts";
import { startChromium, type Chromium, type OpenedPage } from "../../servers/chromium.ts";
import { orSkip } from "../../servers/install.ts";
import { bigqueryPlace } from "../warehouse/bigquery-place.ts";

const limits = { days: 90, rows: 10_000 };

describe("the dashboard in a browser", function () {
  this.timeout(180_000);
  let chromium: Chromium;
  let world: DuckdbWorld;
  let url: string;
  let opened: OpenedPage;
  let page: Page;
  before(async function () {
    this.timeout(15 * 60_000);
    chromium = await orSkip(this, "a Chromium", () => startChromium());
    world = await openDuckdbWorld();
    await fillWorld(world.warehouse, world.control, world.control);
    url = await write(world.warehouse, "duckdb.html");
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    opened = await open();
    ({ page } = opened);
  });
  afterEach(async () => {
    assert.deepEqual(opened.complaints, [], "no error, no warning, nothing against the policy");
    assert.deepEqual(
      opened.requests.filter((address) => !address.startsWith("file:")),
      [],
      "nothing is fetched",
    );
    await opened.context.close();
  });

  const write = async (warehouse: Warehouse, name: string): Promise<string> => {
    const to = join(world.folder, name);
    await writeDashboard({ warehouse, control: world.control, limits, to, currency: "EUR", clock: systemClock });
    return pathToFileURL(to).href;
  };
  const open = async (address = url, options?: Parameters<Chromium["open"]>[1]): Promise<OpenedPage> => {
    const result = await chromium.open(address, options);
    await result.page.waitForSelector("html[data-ready]");
    return result;
  };
  const line = (list: string, value: string): ReturnType<Page["locator"]> =>
    page.locator(`#by-${list} .line`).filter({ has: page.locator(`bdi:text-is("${value}")`) });
  const status = (): Promise<string> => page.locator(".count").innerText();
  const counted = (text: string): Promise<void> => page.locator(`.count:text-is("${text}")`).waitFor();
  /** What the page says of the images that match: the first tiles. */
  const outcomesShown = async (of: Page = page): Promise<Record<string, string>> =>
    Object.fromEntries(
      await of
        .locator(".tiles > div")
        .evaluateAll((tiles) =>
          tiles.slice(0, 3).map((tile) => [tile.querySelector("dt")!.textContent, tile.querySelector("dd")!.firstChild!.textContent]),
        ),
    );
  /** What the warehouse says. */
  const outcomesOf = async (condition: string, warehouse = world.warehouse): Promise<Record<string, string>> => {
    const rows = await warehouse.query(`SELECT outcome, COUNT(*) AS n FROM dashboard_images WHERE ${condition} GROUP BY outcome`);
    const count = (outcome: string): string => formatCount(Number(rows.find((row) => row["outcome"] === outcome)?.["n"] ?? 0));
    return { ok: count("ok"), quarantined: count("quarantined"), skipped: count("skipped") };
  };

  it("opens from a file, whole, and has every part", async () => {
    assert.equal(await page.locator("h1").innerText(), "240 images in 4 runs");
    assert.equal(await status(), "All 240 images");
    assert.deepEqual(await outcomesShown(), await outcomesOf("TRUE"));
    const titles = await page.locator(".panel h2").allInnerTexts();
    assert.deepEqual(
      titles,
      "Runs over time|Outcome|Reason|Format|Camera|Colour space|Size|Megapixels|Time an image|Throughput|Along the run|Cost|Quarantined|Slowest images|Images".split(
        "|",
      ),
    );
    assert.deepEqual(await page.locator(".empty:visible").allInnerTexts(), []);
    assert.match(
      (await page.locator("meta[http-equiv]").getAttribute("content"))!,
      /^default-src 'none'; img-src data:; style-src 'sha256-/,
    );
    assert.equal(opened.requests.length, 1);
  });

  it("filters everything by what is clicked, as SQL would, and lets go at a second click, a chip and Esc", async () => {
    await line("format", "png").click();
    assert.deepEqual(await outcomesShown(), await outcomesOf("format = 'png'"));
    await line("camera", "SONY ILCE-7M4").click();
    await line("color", "srgb").click();
    const all = "format = 'png' AND camera = 'SONY ILCE-7M4' AND color_space = 'srgb'";
    assert.deepEqual(await outcomesShown(), await outcomesOf(all));
    // Its own filter does not hide what else could be chosen.
    const [tiff] = await world.warehouse.query(
      "SELECT COUNT(*) AS n FROM dashboard_images WHERE format = 'tiff' AND camera = 'SONY ILCE-7M4' AND color_space = 'srgb'",
    );
    assert.match(await line("format", "tiff").innerText(), new RegExp(`^tiff\\s+${Number(tiff?.["n"])}\\s+images`));
    assert.equal(await line("format", "png").getAttribute("aria-pressed"), "true");

    await line("color", "srgb").click();
    assert.deepEqual(await outcomesShown(), await outcomesOf("format = 'png' AND camera = 'SONY ILCE-7M4'"));
    await page.locator(".chip", { hasText: "Camera" }).click();
    assert.deepEqual(await outcomesShown(), await outcomesOf("format = 'png'"));
    await line("outcome", "ok").click();
    await page.keyboard.press("Escape");
    assert.equal(await status(), "All 240 images");
    assert.equal(new URL(page.url()).hash, "");
  });

  it("filters by a range that is dragged over, between the edges that the address says", async () => {
    await dragOver(page, "#by-size .plot", 0.3, 0.62);
    const [, from, below] = /size=(\d+)\.\.(\d+)/.exec(page.url()) ?? [];
    assert.ok(Number(below) > Number(from), page.url());
    assert.deepEqual(await outcomesShown(), await outcomesOf(`size_bytes >= ${from} AND size_bytes < ${below}`));
    await dragOver(page, "#by-spent .plot", 0.5, 0.9);
    const [, atLeast, less = "1e9"] = /spent=(\d+)\.\.(\d+)?/.exec(page.url()) ?? [];
    const spent = `read_ms + process_ms + write_ms >= ${atLeast} AND read_ms + process_ms + write_ms < ${less}`;
    assert.deepEqual(await outcomesShown(), await outcomesOf(`size_bytes >= ${from} AND size_bytes < ${below} AND ${spent}`));
    assert.ok((await page.locator(".chip").count()) === 2);
  });

  it("filters by runs that are clicked or dragged over, in any of the charts of runs", async () => {
    await clickAt(page, "#runs .plot", 3.5 / 4);
    assert.deepEqual(await outcomesShown(), await outcomesOf(`run_id = '${worldRuns[3]!.run_id}'`));
    assert.match(await page.locator(".tiles").innerText(), /cost\s*1\.50 EUR\s*predicted 1\.25 EUR/);
    const runPage = page.getByRole("link", { name: "the page of this run" });
    assert.equal(await runPage.getAttribute("href"), world.control.uri(controlNames.reportPage(worldRuns[3]!.run_id)));
    await clickAt(page, "#throughput .plot", 3.5 / 4);
    assert.equal(await status(), "All 240 images", "clicked again");
    await dragOver(page, "#cost .plot", 0.3, 0.7);
    assert.deepEqual(await outcomesShown(), await outcomesOf(`run_id IN ('${worldRuns[1]!.run_id}', '${worldRuns[2]!.run_id}')`));
    assert.match(await page.locator(".tiles").innerText(), /cost\s*–\s*no prices/);
  });

  it("keeps its state in the address: shared, reloaded, and undone by the back button", async () => {
    await line("outcome", "quarantined").click();
    await line("reason", "truncated").click();
    const address = page.url();
    assert.equal(new URL(address).hash, "#outcome=quarantined&reason=truncated");
    const shown = await outcomesShown();
    const other = await open(address);
    assert.deepEqual(await outcomesShown(other.page), shown);
    await other.page.reload();
    await other.page.waitForSelector("html[data-ready]");
    assert.deepEqual(await outcomesShown(other.page), shown);
    await other.context.close();
    await page.goBack();
    assert.deepEqual(await outcomesShown(), await outcomesOf("outcome = 'quarantined'"));
    await page.goBack();
    assert.equal(await status(), "All 240 images");
    await page.goForward();
    assert.equal(await line("outcome", "quarantined").getAttribute("aria-pressed"), "true");
    await page.evaluate(`location.hash = "#format=of another page&size=nonsense"`);
    await counted("0 of 240 images");
    assert.equal(await page.locator("#images .empty").innerText(), "No image matches. Take a filter away.");
  });

  it("is worked by the keyboard alone, and read aloud", async () => {
    await page.locator("#runs .plot").focus();
    await page.keyboard.press("End");
    const active = await page.locator("#runs .plot").getAttribute("aria-activedescendant");
    assert.match(await page.locator(`#${active}`).innerText(), /^2026-11-23-333333333333: 60 images, 48 ok, 6 skipped, 6 quarantined$/);
    await page.keyboard.press("Enter");
    assert.deepEqual(await outcomesShown(), await outcomesOf(`run_id = '${worldRuns[3]!.run_id}'`));
    assert.equal(await page.locator(`#${active}`).getAttribute("aria-selected"), "true");
    assert.equal(await page.locator(".count[role=status]").innerText(), "60 of 240 images");
    await page.keyboard.press("Shift+ArrowLeft");
    await page.keyboard.press("Enter");
    assert.deepEqual(await outcomesShown(), await outcomesOf(`run_id IN ('${worldRuns[2]!.run_id}', '${worldRuns[3]!.run_id}')`));
    await page.keyboard.press("Escape");
    assert.equal(await status(), "All 240 images");

    await line("format", "webp").focus();
    await page.keyboard.press("Space");
    assert.deepEqual(await outcomesShown(), await outcomesOf("format = 'webp'"));
    assert.equal(await page.evaluate(`document.activeElement.getAttribute("aria-pressed")`), "true", "the focus stays");
  });

  it("has nothing that axe finds fault with: names, roles, contrasts, in either light", async () => {
    const faults = async (of: Page): Promise<unknown> => {
      await of.evaluate(axe.source);
      return await of.evaluate(
        `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))`,
      );
    };
    assert.deepEqual(await faults(page), []);
    const dark = await open(`${url}#format=png&size=1000..50000&theme=dark`);
    await dark.page.getByRole("button", { name: "Runs over time as a table" }).click();
    await dark.page.locator("#by-size .plot").focus();
    assert.deepEqual(await faults(dark.page), []);
    await dark.context.close();
  });

  it("shows every chart as a table with the numbers of SQL", async () => {
    await page.getByRole("button", { name: "Runs over time as a table" }).click();
    const cells = await page
      .locator("#runs tbody tr")
      .evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
    const known = await world.warehouse.query("SELECT run_id, objects, ok, skipped, quarantined FROM run_summary ORDER BY run_id");
    assert.deepEqual(
      cells,
      known.map((row) => Object.values(row).map(String)),
    );
    for (const id of ["by-size", "by-megapixels", "by-spent", "by-elapsed", "throughput", "cost"]) {
      await page.locator(`#${id} .tools button[aria-pressed]`).click();
      assert.ok((await page.locator(`#${id} tbody tr`).count()) > 0, id);
    }
    await line("format", "png").click();
    const sum = await page
      .locator("#by-size tbody tr td:nth-child(2)")
      .evaluateAll((all) => all.reduce((total, cell) => total + Number(cell.textContent), 0));
    const [png] = await world.warehouse.query("SELECT COUNT(*) AS n FROM dashboard_images WHERE format = 'png'");
    assert.equal(sum, png?.["n"]);
  });

  it("finds names, sorts the images, and leads to outputs", async () => {
    await page.getByRole("searchbox").fill("11-22/");
    await counted("53 of 240 images");
    assert.deepEqual(await outcomesShown(), await outcomesOf("name LIKE '%11-22/%'"));
    const column = (number: number): Promise<string[]> => page.locator(`#images tbody tr > :nth-child(${number})`).allInnerTexts();
    await page.getByRole("button", { name: "name", exact: true }).click();
    const names = await column(1);
    assert.deepEqual(names, [...names].sort());
    await page.getByRole("button", { name: "size", exact: true }).click();
    assert.equal(await page.locator("#images th[aria-sort]").getAttribute("aria-sort"), "descending");
    const [largest] = await world.warehouse.query(
      "SELECT name FROM dashboard_images WHERE name LIKE '%11-22/%' ORDER BY size_bytes DESC, processed_at LIMIT 1",
    );
    const [size] = await world.warehouse.query("SELECT MAX(size_bytes) AS n FROM dashboard_images WHERE name LIKE '%11-22/%'");
    assert.ok(largest !== undefined && size !== undefined);
    assert.equal((await column(6))[0], "3.3 MB");
    const link = page.locator("#images a").first();
    assert.match((await link.getAttribute("href"))!, /^https:\/\/storage\.cloud\.google\.com\/archive\/2026-11-22\//);
    assert.equal(await link.getAttribute("rel"), "noreferrer");
    assert.match(page.url(), /name=11-22%2F&sort=-size$/);
  });

  it("takes names and messages for text, whatever they say", async () => {
    await page.locator("#images .more").click();
    const names = await page.locator("#images tbody th").allInnerTexts();
    for (const name of hostileNames) {
      const visible = name.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
      assert.ok(names.includes(visible), visible);
    }
    assert.ok((await page.locator("#images .message").allInnerTexts()).some((text) => text.includes("<b>byte")));
    assert.equal(await page.locator("#dashboard script, #dashboard b b, #dashboard img:not([src^='data:image/webp'])").count(), 0);
    const schemes = await page
      .locator("#dashboard a[href]")
      .evaluateAll((all) => [...new Set(all.map((one) => (one as unknown as URL).protocol))]);
    assert.deepEqual(schemes, ["https:"]);
    await page.getByRole("searchbox").fill("<img");
    await counted("4 of 240 images");
  });

  it("shows pictures of what is quarantined, and the runs of one of them", async () => {
    assert.equal(await page.locator("#quarantine img").count(), 12);
    assert.ok(await page.locator("#quarantine img").first().evaluate(drawn));
    await line("reason", "empty").click();
    assert.match(await page.locator("#quarantine .empty").innerText(), /No pictures of these/);
    await line("reason", "empty").click();
    await page.locator("#quarantine .picture").nth(11).click();
    assert.match(await status(), /^[14] of 240 images$/);
    assert.match(page.url(), /#name=/);
  });

  it("is light or dark as the system has it, or as one likes, and light on paper", async () => {
    const ground = (of: Page = page): Promise<string> => of.evaluate("getComputedStyle(document.body).backgroundColor");
    const light = await ground();
    const dark = await open(url, { colorScheme: "dark" });
    assert.notEqual(await ground(dark.page), light);
    await dark.context.close();
    await page.getByRole("button", { name: "Dark colours" }).click();
    assert.notEqual(await ground(), light);
    assert.match(page.url(), /#theme=dark$/);
    await page.evaluate(`window.dispatchEvent(new Event("beforeprint"))`);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.evaluate("getComputedStyle(document.documentElement).colorScheme"), "light");
    assert.equal(await page.locator(".controls").isVisible(), false);
  });

  it("fits a telephone", async () => {
    const narrow = await open(url, { viewport: { width: 360, height: 740 } });
    const over = Number(await narrow.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"));
    await narrow.context.close();
    assert.ok(over <= 0, `${over} pixels too wide`);
  });

  it("says where there is no price", async () => {
    const { warehouse } = world;
    const query: Warehouse["query"] = async (...request) =>
      (await warehouse.query(...request)).map((row) => Object.assign({}, row, { predicted_cost: null, actual_cost: null }));
    const bare = await open(await write({ ...warehouse, query }, "bare.html"));
    assert.match(await bare.page.locator("#cost .empty").innerText(), /^No prices/);
    await bare.context.close();
  });

  describe("from BigQuery", () => {
    let server: BigqueryServer;
    before(async function () {
      this.timeout(15 * 60_000);
      server = await orSkip(this, "a BigQuery server", () => startBigquery());
    });
    after(() => server?.[Symbol.asyncDispose]());

    it("shows the same", async () => {
      await using place = bigqueryPlace(server);
      const warehouse = await place.open();
      await fillWorld(warehouse, place.store, world.control);
      const same = await open(await write(warehouse, "bigquery.html"));
      const text = async (of: Page): Promise<string> => (await of.locator("main").innerText()).trim();
      assert.equal(await text(same.page), await text(page));
      assert.match(await same.page.locator(".lead").innerText(), /^bigquery:\/\//);
      await same.page.locator("#by-format .line").first().click();
      assert.deepEqual(await outcomesShown(same.page), await outcomesOf("format = 'jpeg'", warehouse));
      assert.deepEqual(same.complaints, []);
      await same.context.close();
      await warehouse.close();
    });
  });
});

/** Whether an element of the page, an image, shows something. */
async function drawn(element: unknown): Promise<boolean> {
  const image = element as { decode(): Promise<void>; naturalWidth: number };
  await image.decode();
  return image.naturalWidth > 0;
}

/** Places inside the plot, without its margins: 0 is its left edge, 1 its right. */
async function pointIn(page: Page, selector: string, along: number): Promise<[x: number, y: number]> {
  const plot = page.locator(selector);
  await plot.scrollIntoViewIfNeeded();
  const box = (await plot.boundingBox())!;
  return [box.x + 50 + along * (box.width - 70), box.y + box.height / 2];
}

async function clickAt(page: Page, selector: string, along: number): Promise<void> {
  await page.mouse.click(...(await pointIn(page, selector, along)));
}

async function dragOver(page: Page, selector: string, from: number, to: number): Promise<void> {
  await page.mouse.move(...(await pointIn(page, selector, from)));
  await page.mouse.down();
  await page.mouse.move(...(await pointIn(page, selector, to)), { steps: 5 });
  await page.mouse.up();
}
