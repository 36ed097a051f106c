import { preconditionError, type ImagemillError } from "../core/errors.ts";
import { canonicalJson } from "../core/digest.ts";
import { printable } from "../core/names.ts";
import type { Plan, Policy, RunRequest, StoreUrls } from "../core/types.ts";

export interface PlanSubject {
  request: RunRequest;
  policy: Policy;
  stores: StoreUrls;
}

const shown = 5;
const maxValueChars = 60;

/** Says what the stored plan was made for and what is asked for now. `finished`: its rows are loaded. */
export function planDiffers(stored: Plan, asked: PlanSubject, how: { finished: boolean } = { finished: false }): ImagemillError {
  const differences = [
    ...differencesOf("request", stored.request, asked.request),
    ...differencesOf("policy", stored.policy, asked.policy),
    ...differencesOf("stores", stored.stores, asked.stores),
  ];
  const more = differences.length > shown ? `; and ${differences.length - shown} more` : "";
  const what = differences.length === 0 ? "its digest" : differences.slice(0, shown).join("; ");
  const state = how.finished ? `It is finished, with its rows in ${stored.stores.warehouse}.` : "A plan never changes.";
  return preconditionError(
    "PLAN_DIFFERS",
    `run ${stored.runId} has a plan that was made with other settings: ${what}${more}`,
    `${state} Undo the change to ${how.finished ? "look at it" : "go on with it"}, or leave it and start another run of the same date: add \`--rerun ${stored.request.rerun + 1}\`.`,
  );
}

/** `policy.packing.shardSeconds was 90, is now 60` */
function differencesOf(path: string, before: unknown, after: unknown): string[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [`${path} was ${valueText(before)}, is now ${valueText(after)}`];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return keys.flatMap((key) => differencesOf(`${path}.${key}`, before[key], after[key]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueText(value: unknown): string {
  if (value === undefined) return "not set";
  const text = printable(canonicalJson(value));
  return text.length > maxValueChars ? `${text.slice(0, maxValueChars)}…` : text;
}
