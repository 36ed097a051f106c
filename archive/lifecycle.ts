import { canonicalJson } from "../core/digest.ts";

/** One lifecycle rule, as the Cloud Storage JSON API writes it. */
export interface LifecycleRule {
  action: { type: string; storageClass?: string };
  condition: LifecycleCondition;
}

interface LifecycleCondition {
  /** Days since the object was created. */
  age?: number;
  matchesPrefix?: string[];
  [other: string]: unknown;
}

export interface LifecycleDifference {
  inSync: boolean;
  /** Everything the bucket should have: foreign rules as they are, then ours. */
  rules: LifecycleRule[];
  /** One line for each rule that `rules` adds, changes or drops. */
  changes: string[];
  /** Foreign rules that delete our objects sooner than we say; they are kept all the same. */
  warnings: string[];
}

/** How long the control store keeps runs and quarantined sources; the ledger has no end. */
export const controlDays = 200;

/** Top-level names of the archive are run dates. A prefix keeps the rule off whatever else is in the bucket. */
const runDates = "20";

/** `prefix` is the store's own within its bucket: "" or "some/prefix/". */
export function archiveRules(days: number, prefix: string): LifecycleRule[] {
  return [deleteAfter(days, [`${prefix}${runDates}`])];
}

/** Never covers `ledger/`: without it every run would start over. */
export function controlRules(prefix: string): LifecycleRule[] {
  return [deleteAfter(controlDays, [`${prefix}quarantine/`, `${prefix}runs/`])];
}

function deleteAfter(days: number, prefixes: string[]): LifecycleRule {
  return { action: { type: "Delete" }, condition: { age: days, matchesPrefix: prefixes } };
}

/**
 * What to do so that a bucket with the rules `actual` behaves as `desired`.
 * Rules have no names: one of ours is recognised by deleting by age alone under exactly our prefixes, whatever the age.
 */
export function difference(actual: LifecycleRule[], desired: LifecycleRule[]): LifecycleDifference {
  const foreign = actual.filter((rule) => !desired.some((own) => sameScope(rule, own)));
  const changes = desired.flatMap((own) => changesFor(own, actual));
  return {
    inSync: changes.length === 0,
    rules: [...foreign, ...desired],
    changes,
    warnings: foreign.flatMap((rule) => desired.filter((own) => deletesSooner(rule, own)).map((own) => warning(rule, own))),
  };
}

function changesFor(own: LifecycleRule, actual: LifecycleRule[]): string[] {
  const present = actual.filter((rule) => sameScope(rule, own));
  const exact = present.filter((rule) => rule.condition.age === own.condition.age);
  const stale = present.filter((rule) => rule.condition.age !== own.condition.age);
  const dropped = [...stale, ...exact.slice(1)].map((rule) => `drop: ${describeRule(rule)}`);
  return exact.length > 0 ? dropped : [...dropped, `add: ${describeRule(own)}`];
}

function sameScope(rule: LifecycleRule, own: LifecycleRule): boolean {
  return rule.action.type === own.action.type && scopeOf(rule) === scopeOf(own);
}

/** Every condition but the age. */
function scopeOf(rule: LifecycleRule): string {
  const { age: _, matchesPrefix = [], ...others } = rule.condition;
  return canonicalJson({ ...others, matchesPrefix: [...matchesPrefix].sort() });
}

/**
 * Conditions of a rule must all hold, so one with a condition that we cannot judge may delete sooner; `isLive: false`
 * is the exception: it concerns versions that are already replaced or deleted.
 */
function deletesSooner(rule: LifecycleRule, own: LifecycleRule): boolean {
  if (rule.action.type !== "Delete" || rule.condition["isLive"] === false) return false;
  const age = rule.condition.age ?? 0;
  return age < (own.condition.age ?? 0) && overlaps(rule.condition.matchesPrefix, own.condition.matchesPrefix);
}

function overlaps(a: string[] | undefined, b: string[] | undefined): boolean {
  if (a === undefined || b === undefined) return true;
  return a.some((one) => b.some((other) => one.startsWith(other) || other.startsWith(one)));
}

function warning(rule: LifecycleRule, own: LifecycleRule): string {
  return `a rule that is not ours may delete before day ${own.condition.age}: ${describeRule(rule)}`;
}

/** `delete after 7 days under archive/20` */
export function describeRule(rule: LifecycleRule): string {
  const { age, matchesPrefix, ...others } = rule.condition;
  const parts = [rule.action.type === "Delete" ? "delete" : [rule.action.type, rule.action.storageClass].filter(Boolean).join(" ")];
  if (age !== undefined) parts.push(`after ${age} ${age === 1 ? "day" : "days"}`);
  if (matchesPrefix !== undefined) parts.push(`under ${matchesPrefix.join(", ")}`);
  if (Object.keys(others).length > 0) parts.push(`where ${canonicalJson(others)}`);
  return parts.join(" ");
}
