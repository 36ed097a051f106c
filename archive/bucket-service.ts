import type { Bucket, BucketMetadata, CreateBucketRequest } from "@google-cloud/storage";
import type { GoogleConfig } from "../configs/config.ts";
import { codeOf, ImagemillError, messageOf } from "../core/errors.ts";
import { gcsClient } from "../storage/gcs-client.ts";
import type { BucketFacts, BucketSettings } from "./buckets.ts";
import type { LifecycleRule } from "./lifecycle.ts";

export interface BucketService {
  /** Undefined when there is no such bucket. */
  read(bucket: string): Promise<BucketFacts | undefined>;
  create(bucket: string, settings: BucketSettings): Promise<void>;
  /** Fails when the bucket's metadata changed since `facts` were read. */
  change(bucket: string, facts: BucketFacts, settings: BucketSettings): Promise<void>;
  /** Which of these IAM permissions the caller has on a bucket that exists; undefined where the server knows no IAM. */
  granted(bucket: string, permissions: string[]): Promise<string[] | undefined>;
}

const secondsADay = 86_400;

/** Buckets and their policies, through Google's client. Few calls, made by hand: they are not retried. */
export async function bucketService({ endpoints, project }: GoogleConfig): Promise<BucketService> {
  const client = await gcsClient(endpoints.storage, project);
  return {
    read: async (name) => {
      try {
        const [metadata] = await client.bucket(name).getMetadata();
        return factsOf(metadata);
      } catch (error) {
        if (codeOf(error) === "404") return undefined;
        throw serviceError(`cannot look at bucket gs://${name}`, error, "storage.buckets.get");
      }
    },
    create: async (name, settings) => {
      try {
        await client.createBucket(name, metadataOf(settings) as CreateBucketRequest);
      } catch (error) {
        throw serviceError(`cannot create bucket gs://${name}`, error, "storage.buckets.create");
      }
    },
    change: async (name, facts, settings) => {
      try {
        await client.bucket(name).setMetadata(metadataOf(settings), { ifMetagenerationMatch: facts.metageneration });
      } catch (error) {
        throw serviceError(`cannot change bucket gs://${name}`, error, "storage.buckets.update");
      }
    },
    granted: async (name, permissions) => {
      try {
        return await grantedOf(client.bucket(name), permissions);
      } catch (error) {
        if (codeOf(error) === "404" || codeOf(error) === "501") return undefined;
        throw serviceError(`cannot ask for permissions on bucket gs://${name}`, error, "storage.buckets.get");
      }
    },
  };
}

async function grantedOf(bucket: Bucket, permissions: string[]): Promise<string[]> {
  const [granted] = (await bucket.iam.testPermissions(permissions)) as [Record<string, boolean>, unknown];
  return permissions.filter((permission) => granted[permission] === true);
}

function factsOf(metadata: BucketMetadata): BucketFacts {
  const { iamConfiguration, softDeletePolicy, lifecycle } = metadata;
  return {
    location: metadata.location ?? "unknown",
    uniformAccess: iamConfiguration?.uniformBucketLevelAccess?.enabled === true,
    publicAccessPrevented: iamConfiguration?.publicAccessPrevention === "enforced",
    softDeleteDays: Number(softDeletePolicy?.retentionDurationSeconds ?? 0) / secondsADay,
    rules: (lifecycle?.rule ?? []) as unknown as LifecycleRule[],
    metageneration: metadata.metageneration ?? "",
  };
}

function metadataOf(settings: BucketSettings): BucketMetadata {
  const { location, uniformAccess, publicAccessPrevented, softDeleteDays, rules } = settings;
  const iam = {
    ...(uniformAccess !== undefined && { uniformBucketLevelAccess: { enabled: true } }),
    ...(publicAccessPrevented !== undefined && { publicAccessPrevention: "enforced" }),
  };
  return {
    ...(location !== undefined && { location }),
    ...(Object.keys(iam).length > 0 && { iamConfiguration: iam }),
    ...(softDeleteDays !== undefined && { softDeletePolicy: { retentionDurationSeconds: softDeleteDays * secondsADay } }),
    ...(rules !== undefined && { lifecycle: { rule: rules } }),
  } as BucketMetadata;
}

function serviceError(what: string, error: unknown, permission: string): ImagemillError {
  const status = codeOf(error);
  const message = `${what}: ${status === undefined ? "" : `HTTP ${status}, `}${messageOf(error)}`;
  if (status === "401" || status === "403") {
    const hint = `It needs ${permission}, which roles/storage.admin carries on the bucket or project (docs/operations.md, "Roles").`;
    return new ImagemillError("PERMISSION_DENIED", message, { exitCode: 4, hint, cause: error });
  }
  if (status === "412") {
    return new ImagemillError("BUCKET_CHANGED", message, {
      hint: "Someone changed the bucket meanwhile; run the command again.",
      cause: error,
    });
  }
  return new ImagemillError("BUCKET_FAILED", message, {
    hint: "Is the network up, and is the endpoint the right one? Then run the same command again.",
    cause: error,
  });
}
