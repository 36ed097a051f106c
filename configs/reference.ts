import { z } from "zod";
import { configSchema } from "./schema.ts";

export interface JsonSchema {
  title?: string;
  description?: string;
  default?: unknown;
  type?: string;
  enum?: string[];
  const?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, JsonSchema>;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
}

/** What a user may write, for editors: draft-7. */
export function configJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { target: "draft-7", io: "input" }) as JsonSchema;
  return { title: "imagemill configuration", ...schema };
}

let keys: readonly string[] | undefined;

/** Every key there is, dotted, sections included, in the order of the schema. */
export function configKeys(): readonly string[] {
  keys ??= keysOf(configJsonSchema(), "");
  return keys;
}

function keysOf(schema: JsonSchema, prefix: string): string[] {
  const members = Object.entries(schema.properties ?? {});
  return members.flatMap(([key, member]) => [prefix + key].concat(keysOf(member, `${prefix}${key}.`)));
}

/** Each key with type, default and meaning, as Markdown. */
export function configReference(): string {
  const root = configJsonSchema();
  const members = Object.entries(root.properties ?? {});
  const top = members.filter(([, schema]) => schema.properties === undefined).map(([key, schema]) => entry(key, key, schema));
  const sections = members.filter(([, schema]) => schema.properties !== undefined).map(([key, schema]) => section(key, schema));
  return `${top.join("\n")}\n\n${sections.join("\n\n")}\n`;
}

function section(key: string, schema: JsonSchema): string {
  const lines = leaves(key, schema).map(([path, leaf]) => entry(path, path.split(".").at(-1)!, leaf));
  return `### ${key}\n\n${schema.description ?? ""}\n\n${lines.join("\n")}`;
}

function leaves(prefix: string, schema: JsonSchema): [string, JsonSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]): [string, JsonSchema][] =>
    member.properties === undefined ? [[`${prefix}.${key}`, member]] : leaves(`${prefix}.${key}`, member),
  );
}

function entry(path: string, key: string, schema: JsonSchema): string {
  const fallback = schema.default === undefined ? "" : `, default \`${defaultText(schema.default)}\``;
  return `- \`${path}\` (${typeText(key, schema)}${fallback}): ${schema.description ?? ""}`;
}

function defaultText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function typeText(key: string, schema: JsonSchema): string {
  if (key.endsWith("Ms")) return "duration";
  if (key.endsWith("Bytes")) return "size";
  if (key === "maxPixels") return "pixels";
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  if (schema.anyOf !== undefined)
    return schema.anyOf.map((member) => (member.const === undefined ? typeText(key, member) : `\`${member.const}\``)).join(" or ");
  if (schema.type === "array") return "list";
  if (schema.type === "object") return "mapping";
  if (schema.type === "integer") return range("whole number", schema);
  if (schema.type === "number") return range("number", schema);
  return schema.type === "boolean" ? "true or false" : "text";
}

function range(what: string, schema: JsonSchema): string {
  return schema.minimum === undefined || schema.maximum === undefined ? what : `${what} from ${schema.minimum} to ${schema.maximum}`;
}
