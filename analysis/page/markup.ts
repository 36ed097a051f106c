import { printable } from "../../core/names.ts";

/** HTML that was escaped already; everything else is text and gets escaped. Only this module can make it. */
export interface Markup {
  readonly [text]: string;
}

const text = Symbol("markup");

export type Content = Markup | string | number | null | undefined | Content[];

/** Escapes every value put in, so that a name can never become markup. For element content and quoted attributes. */
export function markup(parts: TemplateStringsArray, ...values: Content[]): Markup {
  return trusted(parts.reduce((written, part, index) => written + rendered(values[index - 1]) + part));
}

/** Takes text for markup as it is: only for text that is part of the program. */
export function trusted(written: string): Markup {
  return { [text]: written };
}

export function textOf(content: Markup): string {
  return content[text];
}

function rendered(value: Content): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(rendered).join("");
  return typeof value === "object" && text in value ? value[text] : escapeText(String(value));
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "`": "&#96;" };

/** Control and direction-changing characters become visible; only line breaks pass. */
function escapeText(plain: string): string {
  const visible = plain.split("\n").map(printable).join("\n");
  return visible.replace(/[&<>"'`]/g, (character) => entities[character]!);
}

/** A name from outside: on one line, and apart from the direction of the text around it. */
export function nameOf(name: string): Markup {
  return markup`<bdi class="name">${printable(name)}</bdi>`;
}
