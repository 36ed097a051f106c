import { homedir } from "node:os";
import { join } from "node:path";

/** What this user's processes remember on this machine from one to the next. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "imagemill");
}

/** What can be made again. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  return join(environment["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "imagemill");
}
