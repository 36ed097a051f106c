import { json, type Answer } from "./gcs-answers.ts";

export interface LifecycleRule {
  action: { type: string };
  condition: { age?: number; matchesPrefix?: string[]; matchesSuffix?: string[]; createdBefore?: string };
}

/** What the server drops of a bucket's resource, kept beside it. */
type BucketResource = Record<string, unknown> & { lifecycle?: { rule?: LifecycleRule[] } };

export interface BucketMemory {
  serve(method: string, path: string, body: Buffer): Promise<Answer>;
  runLifecycle(atMs: number): Promise<string[]>;
}

type Ask = (method: string, path: string, headers?: Record<string, string>, body?: Buffer) => Promise<Answer>;

const defaults: BucketResource = {
  iamConfiguration: { uniformBucketLevelAccess: { enabled: false }, publicAccessPrevention: "inherited" },
  softDeletePolicy: { retentionDurationSeconds: "604800" },
};

const dayMs = 24 * 3600 * 1000;

/** Answers for buckets: the server's resource with what it lacks added, and metageneration preconditions. */
export function bucketMemory(ask: Ask): BucketMemory {
  const kept = new Map<string, { resource: BucketResource; metageneration: number }>();

  const create = async (path: string, body: Buffer): Promise<Answer> => {
    const wanted = JSON.parse(body.toString()) as BucketResource & { name: string };
    const answer = await ask("POST", path, { "content-type": "application/json" }, Buffer.from(JSON.stringify({ name: wanted.name })));
    if (answer.status !== 200) return answer;
    kept.set(wanted.name, { resource: { ...defaults, location: "US", ...wanted }, metageneration: 1 });
    return merged(answer, wanted.name);
  };

  const patch = async (path: string, name: string, body: Buffer): Promise<Answer> => {
    const found = await ask("GET", path.split("?")[0]!);
    const known = kept.get(name);
    if (found.status !== 200 || known === undefined) return found;
    const expected = new URLSearchParams(path.split("?")[1]).get("ifMetagenerationMatch");
    if (expected !== null && expected !== String(known.metageneration))
      return json(412, { error: { code: 412, message: "conditionNotMet" } });
    const changed = { ...known.resource, ...(JSON.parse(body.toString()) as BucketResource) };
    // A member set to null is removed.
    const resource = Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== null));
    kept.set(name, { resource, metageneration: known.metageneration + 1 });
    return merged(found, name);
  };

  const merged = (answer: Answer, name: string): Answer => {
    const known = kept.get(name);
    if (answer.status !== 200 || known === undefined) return answer;
    const own = JSON.parse(answer.body.toString()) as object;
    return json(200, { ...own, ...known.resource, metageneration: String(known.metageneration) });
  };

  const covered = async (bucket: string, rules: LifecycleRule[], atMs: number): Promise<string[]> => {
    const names: string[] = [];
    for (let pageToken = ""; ;) {
      const answer = await ask("GET", `/storage/v1/b/${bucket}/o?pageToken=${encodeURIComponent(pageToken)}`);
      const page = JSON.parse(answer.body.toString()) as { items?: { name: string; timeCreated: string }[]; nextPageToken?: string };
      names.push(...(page.items ?? []).filter((object) => rules.some((rule) => covers(rule, object, atMs))).map(({ name }) => name));
      pageToken = page.nextPageToken ?? "";
      if (pageToken === "") return names;
    }
  };

  return {
    serve: async (method, path, body) => {
      const name = /^\/storage\/v1\/b\/([^/?]+)/.exec(path)?.[1];
      if (name === undefined) return method === "POST" ? create(path, body) : ask(method, path);
      if (method === "PATCH" || method === "PUT") return patch(path, name, body);
      const answer = await ask(method, path);
      if (method === "DELETE" && answer.status < 300) kept.delete(name);
      return method === "GET" ? merged(answer, name) : answer;
    },
    runLifecycle: async (atMs) => {
      const deleted: string[] = [];
      for (const [bucket, { resource }] of kept) {
        const rules = (resource.lifecycle?.rule ?? []).filter(({ action }) => action.type === "Delete");
        for (const name of rules.length === 0 ? [] : await covered(bucket, rules, atMs)) {
          await ask("DELETE", `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`);
          deleted.push(`gs://${bucket}/${name}`);
        }
      }
      return deleted;
    },
  };
}

/** All conditions of a rule must hold. */
function covers({ condition }: LifecycleRule, object: { name: string; timeCreated: string }, atMs: number): boolean {
  const { age, matchesPrefix, matchesSuffix, createdBefore } = condition;
  const createdMs = Date.parse(object.timeCreated);
  if (age !== undefined && atMs < createdMs + age * dayMs) return false;
  if (createdBefore !== undefined && createdMs >= Date.parse(createdBefore)) return false;
  if (matchesPrefix !== undefined && !matchesPrefix.some((prefix) => object.name.startsWith(prefix))) return false;
  return matchesSuffix === undefined || matchesSuffix.some((suffix) => object.name.endsWith(suffix));
}
