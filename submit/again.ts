import { canonicalJson } from "../core/digest.ts";
import { quarantineReasons, type Plan, type PlannedJob, type RunRequest } from "../core/types.ts";
import { shellWord } from "./terminal/places.ts";
import type { Driver } from "./driver.ts";

/** The command that continues a run, for a shell: what the configuration at hand says otherwise is in its flags. */
export async function againCommand(driver: Driver, plan: Plan): Promise<string> {
  const { replay } = plan.request;
  const words = replay === undefined ? ["run", ...requestFlags(driver, plan)] : [`replay ${replay.runId}`, ...replayFlags(replay)];
  return ["imagemill", ...words, ...(await jobFlags(driver, plan.request)), ...storeFlags(driver, plan), ...policyFlags(driver, plan)].join(
    " ",
  );
}

function requestFlags({ config }: Driver, { request, runDate }: Plan): string[] {
  const { source, select, rerun } = request;
  return [
    ...(config.source === source ? [] : [`--source ${shellWord(source)}`]),
    `--run-date ${runDate}`,
    ...(rerun === 1 ? [] : [`--rerun ${rerun}`]),
    ...(select.limit === undefined ? [] : [`--limit ${select.limit}`]),
    ...(select.sample === undefined ? [] : [`--sample ${select.sample}`]),
    ...(select.reprocess ? ["--reprocess"] : []),
    ...(["include", "exclude", "createdAfter", "createdBefore"] as const).flatMap((key) =>
      setFlag(`select.${key}`, select[key], config.select[key]),
    ),
  ];
}

function replayFlags({ reasons, number }: NonNullable<RunRequest["replay"]>): string[] {
  const all = reasons.length === quarantineReasons.length;
  return [...(all ? [] : reasons.map((reason) => `--reason ${reason}`)), ...(number === 1 ? [] : [`--number ${number}`])];
}

async function jobFlags(driver: Driver, { jobs }: RunRequest): Promise<string[]> {
  if (canonicalJson(await driver.jobs()) === canonicalJson(jobs)) return [];
  return jobs.map(({ module, name, params }: PlannedJob) => `--job ${shellWord(`${module ?? name}:${JSON.stringify(params)}`)}`);
}

function storeFlags({ config }: Driver, { stores }: Plan): string[] {
  return (["archive", "warehouse"] as const).flatMap((name) =>
    stores[name] === config[name] ? [] : [`--${name} ${shellWord(stores[name])}`],
  );
}

function policyFlags({ config }: Driver, { policy }: Plan): string[] {
  const groups = [
    ["limits", policy.limits, config.policy.limits],
    ["archivePolicy", policy.archive, config.policy.archive],
    ["gate", policy.gate, config.policy.gate],
    ["packing", policy.packing, config.policy.packing],
  ] as const;
  return groups.flatMap(([group, planned, now]) =>
    Object.entries(planned).flatMap(([key, value]) => setFlag(`${group}.${key}`, value, (now as unknown as Record<string, unknown>)[key])),
  );
}

function setFlag(key: string, planned: unknown, now: unknown): string[] {
  const isSame = planned === undefined || canonicalJson(planned) === canonicalJson(now ?? null);
  return isSame ? [] : [`--set ${shellWord(`${key}=${JSON.stringify(planned)}`)}`];
}
