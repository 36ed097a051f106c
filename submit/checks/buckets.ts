import { type BucketService, bucketService } from "../../archive/bucket-service.ts";
import { bucketDifference, type BucketPlace, type BucketWish } from "../../archive/buckets.ts";
import { bucketWishes } from "../../archive/wishes.ts";
import type { Config } from "../../configs/config.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";

/** What each place needs of IAM, and the narrowest predefined role that carries it. */
const needs: Record<BucketPlace, { permissions: string[]; role: string }> = {
  source: { permissions: ["storage.objects.get", "storage.objects.list"], role: "roles/storage.objectViewer" },
  archive: { permissions: ["storage.objects.create", "storage.objects.get", "storage.objects.list"], role: "roles/storage.objectUser" },
  control: { permissions: ["storage.objects.create", "storage.objects.get", "storage.objects.list"], role: "roles/storage.objectUser" },
};

/** The buckets of the configuration: there, as they should be, and open to whoever runs this. */
export async function checkBuckets(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const wishes = bucketWishes(config);
  if (wishes.length === 0) return [];
  const service = await bucketService(config.google);
  const found: Finding[] = [];
  for (const wish of wishes) {
    signal.throwIfAborted();
    found.push(...(await checkBucket(service, wish, config.policy.archive.onArchived === "move")));
  }
  return found;
}

async function checkBucket(service: BucketService, wish: BucketWish, moves: boolean): Promise<Finding[]> {
  const topic = `bucket ${wish.places.join("+")}`;
  try {
    const facts = await service.read(wish.bucket);
    if (facts === undefined) return [fail(topic, `gs://${wish.bucket} does not exist`, "imagemill init")];
    const { changes, notices } = bucketDifference(facts, wish);
    const drift = changes.map((change) => warn(topic, change, "imagemill init"));
    const said = notices.map((notice) => warn(topic, notice, 'docs/operations.md, "Buckets"'));
    const permissions = await checkPermissions(service, wish, moves, topic);
    const fine = drift.length + said.length > 0 ? [] : [ok(topic, `gs://${wish.bucket} in ${facts.location}: as it should be`)];
    return [...fine, ...drift, ...said, ...permissions];
  } catch (error) {
    return [fail(topic, error)];
  }
}

async function checkPermissions(service: BucketService, wish: BucketWish, moves: boolean, topic: string): Promise<Finding[]> {
  const wanted = [...new Set(wish.places.flatMap((place) => needs[place].permissions))];
  if (moves && wish.places.includes("source")) wanted.push("storage.objects.delete");
  const granted = await service.granted(wish.bucket, wanted);
  if (granted === undefined) return [warn(topic, "this server does not say what is permitted", "fine for a server on this machine")];
  const missing = wanted.filter((permission) => !granted.includes(permission));
  if (missing.length === 0) return [ok(topic, `permitted: ${wanted.join(", ")}`)];
  const roles = [...new Set(wish.places.map((place) => (place === "source" && moves ? "roles/storage.objectUser" : needs[place].role)))];
  const next = `grant ${roles.join(" or ")} on gs://${wish.bucket} (docs/operations.md, "Roles")`;
  return missing.map((permission) => fail(topic, `missing permission ${permission} on gs://${wish.bucket}`, next));
}
