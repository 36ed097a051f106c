import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Page } from "playwright-core";
import { execInstaller } from "./install.ts";

/** Quiet: no service of the browser's own speaks to the network. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface OpenedPage {
  page: Page;
  context: BrowserContext;
  /** Everything that the page asked for, itself and its data: addresses aside. */
  requests: string[];
  /** Errors and warnings of the console, violations of the policy among them, and what was thrown. */
  complaints: string[];
}

export interface Chromium extends AsyncDisposable {
  /** Opens an address in a context of its own. */
  open(url: string, options?: BrowserContextOptions): Promise<OpenedPage>;
}

/** Debian's Chromium, without a window; installed where it is missing and this may install it. */
export async function startChromium(): Promise<Chromium> {
  const browser = await chromium.launch({ executablePath: await findChromium(), args: flags });
  return { open: (url, options) => openPage(browser, url, options), [Symbol.asyncDispose]: () => browser.close() };
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  const requests: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith("data:")) requests.push(request.url());
  });
  page.on("console", (message) => {
    if (message.type() !== "log") complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return { page, context, requests, complaints };
}

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

async function findChromium(): Promise<string> {
  const known = onPath();
  if (known !== undefined) return known;
  if (process.getuid?.() !== 0) throw new Error("there is no chromium on the path, and only root may install it");
  const wait = ["-o", "DPkg::Lock::Timeout=600"];
  await execInstaller("apt-get", [...wait, "update", "--quiet"]);
  await execInstaller("apt-get", [...wait, "install", "--yes", "--quiet", "--no-install-recommends", "chromium"], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
  const installed = onPath();
  if (installed === undefined) throw new Error("apt-get installed chromium, but it is not on the path");
  return installed;
}

function onPath(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}
