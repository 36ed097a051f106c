/**
 * Addresses of outputs are long, differ in every row and would be most of the page. A row's own parts (its name, its
 * generation, the two digits that spread names) are taken out of them; what is left is the same for a whole run.
 */
export interface PackedLink {
  /** With `{spread}`, `{name}` and `{generation}` where those were. */
  pattern: string;
  /** Two hex digits; empty: the pattern is the address itself. */
  spread: string;
}

interface Named {
  name: string;
  generation: string;
}

/** `runId` marks where the spread is: right after it. An address of another shape stays whole. */
export function packLink(uri: string, { name, generation }: Named, runId: string): PackedLink {
  const whole = { pattern: uri, spread: "" };
  // A brace would be read as a place when it is unpacked.
  if (name === "" || generation === "" || /[{}]/.test(uri + name + generation)) return whole;
  const tail = `/${name}@${generation}`;
  const tailAt = uri.lastIndexOf(tail);
  const spreadAt = uri.indexOf(`/${runId}/`) + runId.length + 2;
  const spread = uri.slice(spreadAt, spreadAt + 2);
  if (tailAt < spreadAt || spreadAt < runId.length + 2 || !/^[0-9a-f]{2}$/.test(spread)) return whole;
  const middle = uri.slice(spreadAt + 2, tailAt);
  return { pattern: `${uri.slice(0, spreadAt)}{spread}${middle}/{name}@{generation}${uri.slice(tailAt + tail.length)}`, spread };
}

export function unpackLink({ pattern, spread }: PackedLink, { name, generation }: Named): string {
  if (spread === "") return pattern;
  return pattern.replace("{spread}", () => spread).replace("{name}@{generation}", () => `${name}@${generation}`);
}

/** What a browser can open of it: files as they are, objects through the page that asks for a login. Others: undefined. */
export function browserLink(uri: string): string | undefined {
  if (uri.startsWith("file:///")) return uri;
  const object = /^gs:\/\/([a-z0-9][a-z0-9._-]*)\/(.+)$/s.exec(uri);
  if (object === null) return undefined;
  return `https://storage.cloud.google.com/${object[1]!}/${object[2]!.split("/").map(encodeURIComponent).join("/")}`;
}
