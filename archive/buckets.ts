import { difference, type LifecycleRule } from "./lifecycle.ts";

export type BucketPlace = "source" | "archive" | "control";

/** What a bucket is, as far as we have an opinion on it. */
export interface BucketFacts {
  location: string;
  uniformAccess: boolean;
  publicAccessPrevented: boolean;
  /** Days that deleted objects are kept, and billed; 0 = not at all. */
  softDeleteDays: number;
  rules: LifecycleRule[];
  /** Of the metadata read: a change is made only while it is still this one. */
  metageneration: string;
}

/** What the configuration wants of a bucket; several places may share one. */
export interface BucketWish {
  bucket: string;
  places: BucketPlace[];
  location: string;
  rules: LifecycleRule[];
}

/** What is sent to the service, for a new bucket or to change one. */
export interface BucketSettings {
  location?: string;
  uniformAccess?: true;
  publicAccessPrevented?: true;
  softDeleteDays?: number;
  rules?: LifecycleRule[];
}

export interface BucketDifference {
  /** Lines that `settings` brings about. */
  changes: string[];
  settings: BucketSettings;
  /** What a person should know; not for `init` to change. */
  notices: string[];
}

/** What to do so that a bucket, or its absence, becomes what the configuration wants. */
export function bucketDifference(actual: BucketFacts | undefined, wish: BucketWish): BucketDifference {
  return actual === undefined ? newBucket(wish) : changedBucket(actual, wish);
}

function newBucket(wish: BucketWish): BucketDifference {
  const { rules, changes } = difference([], wish.rules);
  const softDeleteDays = onlyArchive(wish) ? 0 : defaultSoftDeleteDays;
  return {
    changes: [
      `create bucket gs://${wish.bucket} (${wish.places.join(", ")}) in ${wish.location}: uniform access, no public access, ${softDeleteText(softDeleteDays)}`,
      ...changes.map((change) => `gs://${wish.bucket}: lifecycle rule, ${change}`),
    ],
    settings: { location: wish.location, uniformAccess: true, publicAccessPrevented: true, softDeleteDays, rules },
    notices: [],
  };
}

const defaultSoftDeleteDays = 7;

/**
 * The ingestion bucket belongs to those who put images there: what is off about it is said, not changed.
 * Soft delete is switched off where nothing but the archive lives: there it would keep, and bill, what expires for
 * days more.
 */
function changedBucket(actual: BucketFacts, wish: BucketWish): BucketDifference {
  const found: BucketDifference = { changes: [], settings: {}, notices: [] };
  const ours = !wish.places.includes("source");
  const at = `gs://${wish.bucket}`;
  const settle = (text: string, settings: BucketSettings): void => {
    if (!ours) return void found.notices.push(`${at}: would ${text}, were it not the ingestion bucket`);
    found.changes.push(`${at}: ${text}`);
    Object.assign(found.settings, settings);
  };
  if (!actual.uniformAccess) settle("set uniform bucket-level access", { uniformAccess: true });
  if (!actual.publicAccessPrevented) settle("prevent public access", { publicAccessPrevented: true });
  if (actual.softDeleteDays > 0 && onlyArchive(wish))
    settle(`${softDeleteText(0)} (now ${actual.softDeleteDays} days)`, { softDeleteDays: 0 });
  const { rules, changes, warnings } = difference(actual.rules, wish.rules);
  found.changes.push(...changes.map((change) => `${at}: lifecycle rule, ${change}`));
  if (changes.length > 0) found.settings.rules = rules;
  found.notices.push(...warnings.map((warning) => `${at}: ${warning}`), ...placeNotices(actual, wish));
  return found;
}

function placeNotices(actual: BucketFacts, wish: BucketWish): string[] {
  const notices: string[] = [];
  if (actual.location.toUpperCase() !== wish.location.toUpperCase()) {
    notices.push(
      `gs://${wish.bucket} is in ${actual.location}, the configuration says ${wish.location} (google.location): a bucket cannot be moved`,
    );
  }
  if (wish.places.includes("archive") && !onlyArchive(wish) && actual.softDeleteDays > 0) {
    notices.push(
      `gs://${wish.bucket} keeps deleted objects ${actual.softDeleteDays} days more (soft delete), billed; it also holds ${wish.places.join(" and ")}`,
    );
  }
  return notices;
}

function onlyArchive(wish: BucketWish): boolean {
  return wish.places.length === 1 && wish.places[0] === "archive";
}

function softDeleteText(days: number): string {
  return days === 0 ? "no soft delete" : `soft delete of ${days} days`;
}
