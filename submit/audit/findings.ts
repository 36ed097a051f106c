import type { Violation } from "../summary.ts";

const violationsKept = 100;

/** What an audit finds wrong; bounded, however much that is. */
export interface Findings {
  add(code: string, message: string): void;
  violations(): Violation[];
}

export function newFindings(): Findings {
  const kept: Violation[] = [];
  let found = 0;
  return {
    add: (code, message) => {
      found += 1;
      if (kept.length < violationsKept) kept.push({ code, message });
    },
    violations: () =>
      found <= violationsKept ? kept : [...kept, { code: "MORE", message: `${found - violationsKept} more violations are not listed` }],
  };
}
