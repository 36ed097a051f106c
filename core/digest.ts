import { createHash } from "node:crypto";

/** JSON with object keys sorted and `undefined` members dropped: equal values give equal text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    const entries = Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  });
}

export function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** SHA-256 of the canonical JSON, shortened; 24 hex digits keep accidental collisions below 2^-48 a pair. */
export function digestOf(value: unknown, hexDigits = 24): string {
  return sha256Hex(canonicalJson(value)).slice(0, hexDigits);
}
