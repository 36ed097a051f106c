import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { codeOf } from "../../core/errors.ts";

/** A process that another process of this machine can find again: ids are used anew, together with the start they are not. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in the system's own words; compared, never read. */
  started: string;
}

/** Undefined when there is no such process, or only what is left of one that has ended. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = process.platform === "linux" ? startOnLinux(pid) : startByPs(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identityOf(identity.pid)?.started === identity.started;
}

/** To the process, or with a negative id to its group; one that has ended is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** Clock ticks since boot; the name of the process, which may hold anything, stands in the last parentheses. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return undefined;
    throw error;
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const [state, ...started] = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/);
    return state === undefined || state.startsWith("Z") ? undefined : started.join(" ");
  } catch {
    // ps ends with 1 when there is no such process.
    return undefined;
  }
}
