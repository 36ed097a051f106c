import type { protos } from "@google-cloud/batch";

/** As they arrive: defaults filled in, enums and 64-bit numbers as texts. */
export type CreateJobRequest = protos.google.cloud.batch.v1.ICreateJobRequest;
export type Job = protos.google.cloud.batch.v1.IJob;
type V1 = typeof protos.google.cloud.batch.v1;
type TaskSpec = protos.google.cloud.batch.v1.ITaskSpec;
type Runnable = protos.google.cloud.batch.v1.IRunnable;
type Allocation = protos.google.cloud.batch.v1.IAllocationPolicy;
type InstancePolicy = InstanceType<V1["AllocationPolicy"]["InstancePolicy"]>;
type NetworkInterface = InstanceType<V1["AllocationPolicy"]["NetworkInterface"]>;

const limits = { tasks: 100_000, parallel: 5000, retries: 10, labels: 64, jobBytes: 1 << 20, seconds: 14 * 86_400 };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const parentPattern = /^projects\/[a-z0-9:.-]+\/locations\/([a-z]+-[a-z]+\d+)$/;

function must(holds: boolean, otherwise: string): string[] {
  return holds ? [] : [otherwise];
}

function within(field: string, value: number, min: number, max: number): string[] {
  return must(value >= min && value <= max, `${field} ${value} is not from ${min} to ${max}`);
}

/** What the documentation of the API forbids in a request; the fields are named as the API names them. */
export function violations({ parent, jobId, job, requestId }: CreateJobRequest): string[] {
  const region = parentPattern.exec(parent ?? "")?.[1];
  return [
    must(region !== undefined, `parent "${parent}" is no location of a project`),
    must(/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(jobId ?? ""), `job_id "${jobId}" is not allowed`),
    requestIdViolations(requestId),
    job === null || job === undefined ? ["job is required"] : jobViolations(job, region ?? ""),
  ].flat();
}

export function requestIdViolations(requestId: string | null | undefined): string[] {
  const zero = "00000000-0000-0000-0000-000000000000";
  return must(requestId === "" || (uuid.test(requestId ?? "") && requestId !== zero), `request_id "${requestId}" is no UUID`);
}

function jobViolations(job: Job, region: string): string[] {
  const [group, ...others] = job.taskGroups ?? [];
  if (group === undefined || others.length > 0) return ["task_groups must hold one task group"];
  const { taskSpec, taskCount, parallelism, taskCountPerNode } = group;
  return [
    within("task_count", Number(taskCount), 0, limits.tasks),
    within("parallelism", Number(parallelism), 0, limits.parallel),
    within("task_count_per_node", Number(taskCountPerNode), 0, 1000),
    taskSpec === null || taskSpec === undefined ? ["task_spec is required"] : specViolations(taskSpec),
    allocationViolations(job.allocationPolicy ?? {}, region, Number(taskSpec?.computeResource?.cpuMilli ?? 0)),
    labelViolations("labels", job.labels ?? {}),
    must(JSON.stringify(job).length <= limits.jobBytes, "the job definition is larger than 1 MB"),
  ].flat();
}

function specViolations({ runnables, lifecyclePolicies, maxRunDuration, maxRetryCount, computeResource, environment }: TaskSpec): string[] {
  const policies = lifecyclePolicies ?? [];
  return [
    must((runnables ?? []).length > 0, "runnables is required"),
    (runnables ?? []).flatMap(runnableViolations),
    within("max_retry_count", maxRetryCount ?? 0, 0, limits.retries),
    within("max_run_duration", Number(maxRunDuration?.seconds ?? 1), 1, limits.seconds),
    must(policies.length <= 1, "only one lifecycle policy is supported"),
    policies.flatMap(({ action }) => must(action === "RETRY_TASK" || action === "FAIL_TASK", "a lifecycle policy needs an action")),
    policies.flatMap(({ actionCondition }) => must((actionCondition?.exitCodes ?? []).length > 0, "a lifecycle policy needs exit codes")),
    must(Number(computeResource?.cpuMilli ?? 1) > 0, "cpu_milli must be positive"),
    must(Number(computeResource?.memoryMib ?? 1) > 0, "memory_mib must be positive"),
    Object.keys(environment?.variables ?? {}).flatMap((name) =>
      must(/^(?!BATCH_)[A-Za-z_][A-Za-z0-9_]*$/.test(name), `"${name}" cannot be an environment variable`),
    ),
  ].flat();
}

function runnableViolations({ script, container, barrier }: Runnable): string[] {
  const given = [script, container, barrier].filter((one) => one !== null && one !== undefined);
  if (given.length !== 1) return ["a runnable needs one of script, container, barrier"];
  if (script) return must((script.text ?? "") !== "" || (script.path ?? "") !== "", "a script needs a text or a path");
  return container ? must((container.imageUri ?? "") !== "", "a container needs an image_uri") : [];
}

function allocationViolations({ instances, location, network, serviceAccount, labels }: Allocation, region: string, taskCpuMilli: number) {
  const policies = (instances ?? []).flatMap(({ policy }) => policy ?? []) as InstancePolicy[];
  const isInRegion = (place: string): boolean =>
    place === `regions/${region}` || (place.startsWith(`zones/${region}-`) && /-[a-z]$/.test(place));
  return [
    must((instances ?? []).length <= 1, "only one instance policy is supported"),
    policies.flatMap((policy) => policyViolations(policy, taskCpuMilli)),
    (location?.allowedLocations ?? []).flatMap((place) => must(isInRegion(place), `"${place}" is not in ${region}`)),
    ((network?.networkInterfaces ?? []) as NetworkInterface[]).flatMap(networkViolations),
    must(/^([^@\s]+@[^@\s]+)?$/.test(serviceAccount?.email ?? ""), "service_account has no e-mail address"),
    labelViolations("allocation_policy.labels", labels ?? {}),
  ].flat();
}

function networkViolations({ network, subnetwork, noExternalIpAddress }: NetworkInterface): string[] {
  return [
    must(!noExternalIpAddress || subnetwork !== "", "no_external_ip_address needs a subnetwork"),
    must(/^(|(.*\/)?global\/networks\/[a-z0-9-]+)$/.test(network), `"${network}" is no network`),
    must(/^(|(.*\/)?regions\/[a-z0-9-]+\/subnetworks\/[a-z0-9-]+)$/.test(subnetwork), `"${subnetwork}" is no subnetwork`),
  ].flat();
}

const series = /^(e2|n1|n2|n2d|n4|c2|c2d|c3|c3d|c4|c4a|c4d|t2d|t2a|m1|m2|m3|z3|a2|a3|g2|h3)-[a-z]+(-\d+)*(-[a-z0-9]+)?$/;
const diskTypes = new Set(["", "pd-balanced", "pd-extreme", "pd-ssd", "pd-standard", "hyperdisk-balanced"]);

function policyViolations({ machineType, provisioningModel, bootDisk }: InstancePolicy, taskCpuMilli: number): string[] {
  const cpus = Number(/-(\d+)$/.exec(machineType)?.[1] ?? Infinity);
  return [
    must(series.test(machineType), `"${machineType}" is no machine type`),
    must(taskCpuMilli <= cpus * 1000, `a task of ${taskCpuMilli} mCPU does not fit into ${machineType}`),
    must(["SPOT", "STANDARD"].includes(String(provisioningModel)), "provisioning_model is required"),
    must(diskTypes.has(bootDisk?.type ?? ""), `"${bootDisk?.type}" is no type of boot disk`),
    bootDisk === null || bootDisk === undefined ? [] : within("boot_disk.size_gb", Number(bootDisk.sizeGb), 10, 65_536),
  ].flat();
}

function labelViolations(field: string, labels: Record<string, string>): string[] {
  const entries = Object.entries(labels);
  const isAllowed = (key: string, value: string): boolean =>
    /^(?!goog(le)?-)[a-z][a-z0-9_-]{0,62}$/.test(key) && /^[a-z0-9_-]{0,63}$/.test(value);
  return [
    must(entries.length <= limits.labels, `${field} holds more than ${limits.labels}`),
    entries.flatMap(([key, value]) => must(isAllowed(key, value), `${field}: "${key}: ${value}" is not allowed`)),
  ].flat();
}
