import { spawn } from "node:child_process";
import { once } from "node:events";
import { ImagemillError, messageOf } from "../../core/errors.ts";

const openers: Partial<Record<NodeJS.Platform, [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["explorer.exe"],
};

/** Hands a URL to the desktop; resolves once something has taken it. */
export async function openInBrowser(url: string): Promise<void> {
  const [command, ...words] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(command, [...words, url], { stdio: "ignore", detached: true });
  try {
    await once(child, "spawn");
    child.unref();
  } catch (error) {
    throw new ImagemillError("NO_BROWSER", `cannot open a browser with ${command}: ${messageOf(error)}`, {
      hint: `open it yourself: ${url}`,
    });
  }
}
