import type { Config } from "./config.ts";

/** Where a value was said. */
export type Origin =
  | { kind: "default" }
  | { kind: "file"; file: string; line: number; column: number }
  | { kind: "env"; variable: string }
  | { kind: "flag"; flag: string };

/** `imagemill.yaml:3:9`, `$GOOGLE_CLOUD_PROJECT`, `--source`, `default` */
export function originText(origin: Origin): string {
  if (origin.kind === "file") return `${origin.file}:${origin.line}:${origin.column}`;
  if (origin.kind === "env") return `$${origin.variable}`;
  return origin.kind === "flag" ? origin.flag : "default";
}

/** One value of a configuration, under the key a user writes. */
export interface ConfigValue {
  key: string;
  value: unknown;
  origin: Origin;
}

const valuesOfConfig = new WeakMap<Config, readonly ConfigValue[]>();

export function rememberValues(config: Config, values: readonly ConfigValue[]): void {
  valuesOfConfig.set(config, values);
}

/** Every value of a configuration that `loadConfig` gave, and where it was said; empty for any other. */
export function configValues(config: Config): readonly ConfigValue[] {
  return valuesOfConfig.get(config) ?? [];
}
