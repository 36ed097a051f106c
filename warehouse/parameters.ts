import { ImagemillError, usageError } from "../core/errors.ts";

const tokens = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\/|@([A-Za-z_][A-Za-z0-9_]*)/g;

/** Names bound in `sql` as `@name`, outside of quotes and comments; each must have a value and each value a place. */
export function checkParameters(sql: string, parameters: Record<string, unknown>): void {
  const used = new Set([...sql.matchAll(tokens)].flatMap((match) => match[1] ?? []));
  const missing = [...used].filter((name) => !Object.hasOwn(parameters, name));
  if (missing.length > 0) throw usageError(`the query names @${missing.join(", @")} without a value`);
  const idle = Object.keys(parameters).filter((name) => !used.has(name));
  if (idle.length > 0) throw usageError(`the query has no place for ${idle.join(", ")}`);
}

/** `@name` as `$name`, which is how DuckDB binds. */
export function dollarParameters(sql: string): string {
  return sql.replaceAll(tokens, (whole, name: string | undefined) => (name === undefined ? whole : `$${name}`));
}

export function queryFailed(message: string, cause: unknown, hint?: string): ImagemillError {
  return new ImagemillError("QUERY_FAILED", `the warehouse does not understand the query: ${message}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}
