import type { Storage } from "@google-cloud/storage";
import { utcInstant } from "../core/clock.ts";
import { messageOf, preconditionError, usageError } from "../core/errors.ts";
import { printable } from "../core/names.ts";
import { nameProblem } from "./names.ts";

export interface UploadUrlOptions {
  bucket: string;
  /** Whole, the prefix included. */
  name: string;
  contentType: string;
  maxBytes: number;
  /** At most seven days. */
  expiresMs: number;
  nowMs: number;
}

/** One upload that its holder may make without an account; nothing of it can be changed without breaking the signature. */
export interface UploadUrl {
  method: "PUT";
  url: string;
  /** To be sent exactly so. */
  headers: Record<string, string>;
  object: string;
  expiresAt: string;
}

const longestMs = 7 * 24 * 3600 * 1000;

/**
 * A V4 signed URL. Content type, size (1 to `maxBytes`) and "only if nothing has this name" are part of what is signed:
 * Cloud Storage refuses an upload that leaves one of them out or changes it.
 */
export async function signUploadUrl(client: Storage, options: UploadUrlOptions): Promise<UploadUrl> {
  const { bucket, name, contentType, maxBytes, expiresMs } = options;
  checkOptions(options);
  const conditions = { "x-goog-content-length-range": `1,${maxBytes}`, "x-goog-if-generation-match": "0" };
  const fromMs = Math.floor(options.nowMs / 1000) * 1000;
  const untilMs = fromMs + Math.max(1000, expiresMs);
  const url = await signed(async () => {
    const file = client.bucket(bucket).file(name);
    const asked = { version: "v4", action: "write", accessibleAt: fromMs, expires: untilMs } as const;
    const [answer] = await file.getSignedUrl({ ...asked, contentType, extensionHeaders: conditions });
    return answer;
  });
  return {
    method: "PUT",
    url,
    headers: { "content-type": contentType, ...conditions },
    object: `gs://${bucket}/${name}`,
    expiresAt: utcInstant(untilMs),
  };
}

function checkOptions({ name, contentType, expiresMs }: UploadUrlOptions): void {
  const problem = nameProblem(name) ?? pathProblem(name);
  if (problem !== undefined) throw usageError(`"${printable(name)}" cannot be uploaded by URL: ${problem}`, "Choose another name.");
  if (!/^[a-z]+\/[a-z0-9.+-]+$/i.test(contentType)) {
    throw usageError(`"${printable(contentType)}" is no content type`, "For example --content-type image/jpeg.");
  }
  if (expiresMs > longestMs) throw usageError("a signed URL lives for seven days at most", "For example --expires 15m.");
}

/** Browsers and curl take such segments for steps and ask for another object than the one that was signed. */
function pathProblem(name: string): string | undefined {
  return name.split("/").some((segment) => segment === "." || segment === "..") ? "`.` and `..` are steps in a URL" : undefined;
}

async function signed(sign: () => Promise<string>): Promise<string> {
  try {
    return await sign();
  } catch (error) {
    throw preconditionError("CANNOT_SIGN", `no upload URL can be signed here: ${messageOf(error)}`, howToSign(messageOf(error)));
  }
}

function howToSign(message: string): string {
  const key = "set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file";
  if (/iam\.serviceAccounts\.signBlob|iamcredentials|permission/i.test(message)) {
    return "The service account needs roles/iam.serviceAccountTokenCreator on itself (it holds iam.serviceAccounts.signBlob).";
  }
  return `Only a service account can sign: ${key}, run on a machine that has a service account, or impersonate one: gcloud auth application-default login --impersonate-service-account ACCOUNT.`;
}
