import { GoogleAuth } from "google-auth-library";
import { parseEndpoint } from "../../core/endpoint.ts";
import { usageError } from "../../core/errors.ts";

/** As whom Google's services are asked. */
export interface GoogleLogin {
  /**
   * Rejects where there are no credentials. To be awaited before a client of a gRPC service is made: that one would find
   * out in a promise of its own, which ends the process.
   */
  ready(): Promise<void>;
  /** The configured project, else that of the credentials. */
  project(): Promise<string>;
}

export function googleLogin({ project, endpoint }: { project?: string; endpoint?: string }): GoogleLogin {
  if (endpoint !== undefined && parseEndpoint(endpoint).loopback) {
    return { ready: async () => Promise.resolve(), project: async () => Promise.resolve(project ?? "local") };
  }
  const auth = new GoogleAuth({ scopes: "https://www.googleapis.com/auth/cloud-platform" });
  let client: Promise<unknown> | undefined;
  const ready = async (): Promise<void> => void (await (client ??= auth.getClient()));
  return {
    ready,
    project: async () => {
      if (project !== undefined) return project;
      await ready();
      const known = await auth.getProjectId().catch(() => undefined);
      if (known === undefined)
        throw usageError("the credentials do not say which project it is", "--set google.project=PROJECT, or GOOGLE_CLOUD_PROJECT.");
      return known;
    },
  };
}
