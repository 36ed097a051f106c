import type { Config } from "../configs/config.ts";
import { parseStoreUrl } from "../storage/url.ts";
import type { BucketPlace, BucketWish } from "./buckets.ts";
import { archiveRules, controlRules, type LifecycleRule } from "./lifecycle.ts";

/** The buckets that a configuration names, each once. Folders are none. */
export function bucketWishes(config: Config): BucketWish[] {
  const wishes = new Map<string, BucketWish>();
  for (const place of ["source", "archive", "control"] as const) {
    const found = placeOf(config, place);
    if (found === undefined) continue;
    const wish = wishes.get(found.bucket) ?? { bucket: found.bucket, places: [], location: config.google.location, rules: [] };
    wish.places.push(place);
    wish.rules.push(...found.rules);
    wishes.set(found.bucket, wish);
  }
  return [...wishes.values()];
}

function placeOf(config: Config, place: BucketPlace): { bucket: string; rules: LifecycleRule[] } | undefined {
  if (config[place] === "") return undefined;
  // Which bucket it is does not depend on the date; a bucket's name cannot hold a brace.
  const url = parseStoreUrl(config[place].replaceAll("{run_date}", "2000-01-01"));
  if (url.kind !== "gs") return undefined;
  return { bucket: url.bucket, rules: rulesOf(config, place, url.prefix) };
}

function rulesOf(config: Config, place: BucketPlace, prefix: string): LifecycleRule[] {
  if (place === "archive") return archiveRules(config.policy.archive.days, prefix);
  return place === "control" ? controlRules(prefix) : [];
}
