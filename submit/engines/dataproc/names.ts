import { digestOf } from "../../../core/digest.ts";
import type { Link } from "../engine.ts";
import type { DataprocHandle } from "./handle.ts";

/**
 * The id of a submission's batch or job, and the name of its cluster: the same for every driver that submits it, another
 * one for another control store, or for one that was emptied meanwhile. 4 to 51 characters of a-z, 0-9 and dashes.
 * `generation` is that of the run's plan.
 */
export function submissionId(runId: string, submission: number, control: string, generation: string): string {
  return `imagemill-${runId}-${submission}-${digestOf([control, generation], 6)}`;
}

/** By which a batch, job or cluster shows whose it is. */
export function ownLabels(runId: string, control: string): Record<string, string> {
  return { "imagemill-run": runId, "imagemill-control": digestOf(control) };
}

/** The console's pages. */
export function linksOf(handle: DataprocHandle): Link[] {
  const { project, region } = handle;
  const page = (path: string, query = ""): string =>
    `https://console.cloud.google.com/dataproc/${path}?${query}project=${encodeURIComponent(project)}`;
  if (handle.mode === "serverless") {
    const logged = `resource.type="cloud_dataproc_batch"\nresource.labels.batch_id="${handle.batchId}"`;
    return [
      { label: "batch", url: page(`batches/${region}/${handle.batchId}/summary`) },
      { label: "logs", url: logsPage(project, logged) },
    ];
  }
  const logged = `resource.type="cloud_dataproc_job"\nresource.labels.job_id="${handle.jobId}"`;
  return [
    { label: "job", url: page(`jobs/${handle.jobId}/monitoring`, `region=${region}&`) },
    { label: "cluster", url: page(`clusters/${handle.cluster}/monitoring`, `region=${region}&`) },
    { label: "logs", url: logsPage(project, logged) },
  ];
}

function logsPage(project: string, query: string): string {
  return `https://console.cloud.google.com/logs/query;query=${encodeURIComponent(query)}?project=${encodeURIComponent(project)}`;
}
