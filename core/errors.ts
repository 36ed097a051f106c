/** Process exit codes: a contract with schedulers. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  gate: 3,
  precondition: 4,
  alreadyRunning: 5,
  cancelled: 130,
  /** A worker was told to stop (SIGTERM), e.g. because its machine is taken away. */
  terminated: 143,
} as const;

export interface ErrorDetails {
  /** What the user can do next; a command where there is one. */
  hint?: string;
  exitCode?: number;
  cause?: unknown;
}

/** The one error shape: a stable code, what happened, what to do next. */
export class ImagemillError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "ImagemillError";
    this.code = code;
    this.hint = details.hint;
    this.exitCode = details.exitCode ?? exitCodes.failed;
  }
}

export function usageError(message: string, hint?: string): ImagemillError {
  return new ImagemillError("USAGE", message, { exitCode: exitCodes.usage, ...(hint === undefined ? {} : { hint }) });
}

export function preconditionError(code: string, message: string, hint: string): ImagemillError {
  return new ImagemillError(code, message, { exitCode: exitCodes.precondition, hint });
}

/** What a caught value says, whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a system, HTTP or imagemill error, as a string. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" || typeof error.code === "number" ? String(error.code) : undefined;
}
