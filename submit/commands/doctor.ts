import type { ConfigValue } from "../../configs/origins.ts";
import type { Finding } from "../checks/finding.ts";
import { padEnd } from "../terminal/format.ts";
import { painter } from "../terminal/paint.ts";
import { asCalled, type Called } from "../terminal/called.ts";
import { calledBy } from "./driving.ts";
import { configFlags } from "./flags.ts";
import { openSession } from "./session.ts";
import { openSessionStore, openSessionWarehouse } from "./stores.ts";
import { defineVerb, type Shell } from "./verb.ts";

export const doctorVerb = defineVerb({
  command: "doctor",
  summary: "Check this machine, the configuration, the stores and the warehouse",
  group: "Set up",
  positionals: {},
  flags: configFlags,
  examples: [["doctor --source ~/Pictures", "would a run of this folder work?"]],
  run: async (args, shell) => {
    using session = await openSession(args, shell, { source: false, phase: "examining" });
    const findings = await examine(session, shell);
    const values = await valuesOf(session);
    session.screen[Symbol.dispose]();
    const healthy = findings.every((finding) => finding.level !== "fail");
    if (args.json ?? false) shell.out(JSON.stringify({ healthy, findings, configuration: values }));
    else for (const line of [...valueLines(values, shell), "", ...findingLines(findings, shell, calledBy(args, shell))]) shell.out(line);
    return healthy ? 0 : 1;
  },
});

async function examine({ config, log }: Awaited<ReturnType<typeof openSession>>, shell: Shell): Promise<Finding[]> {
  const [{ checkMachine }, { checkBuckets }, { checkStores }, { checkWarehouse }, { checkExpired }, { checkEngine }] = await Promise.all([
    import("../checks/machine.ts"),
    import("../checks/buckets.ts"),
    import("../checks/stores.ts"),
    import("../checks/warehouse.ts"),
    import("../checks/expired.ts"),
    import("../checks/engine.ts"),
  ]);
  const open = async (place: "source" | "archive" | "control") => openSessionStore(config, place, shell, log);
  const machine = await checkMachine(config);
  const openDataproc = async () => (await import("../engines/dataproc/service.ts")).dataprocServiceOf(config.google, shell);
  const engine = await checkEngine(config, openDataproc, shell.signal);
  const buckets = await checkBuckets(config, shell.signal);
  const stores = await checkStores({ config, open, random: shell.random, signal: shell.signal });
  const warehouse = await openSessionWarehouse(config, shell, log);
  try {
    return [
      ...machine,
      ...engine,
      ...buckets,
      ...stores,
      ...(await checkWarehouse(warehouse, config.google.location, shell.signal)),
      ...(await checkExpired({ config, open, clock: shell.clock, signal: shell.signal })),
    ];
  } finally {
    await warehouse.close();
  }
}

async function valuesOf({ config }: Awaited<ReturnType<typeof openSession>>): Promise<{ key: string; value: unknown; from: string }[]> {
  const [{ configValues, originText }, { unitText }] = await Promise.all([
    import("../../configs/origins.ts"),
    import("../../configs/units.ts"),
  ]);
  return configValues(config).map(({ key, value, origin }: ConfigValue) => ({
    key,
    value: unitText(key, value),
    from: originText(origin),
  }));
}

function valueLines(values: { key: string; value: unknown; from: string }[], shell: Shell): string[] {
  const paint = painter(shell);
  const rows = values.map(({ key, value, from }) => ({ key, from, text: typeof value === "string" ? value : JSON.stringify(value) }));
  const keyColumns = Math.max(...rows.map(({ key }) => key.length));
  return rows.map(({ key, text, from }) => `${padEnd(key, keyColumns)}  ${text}  ${paint("dim", `(${from})`)}`);
}

function findingLines(findings: Finding[], shell: Shell, called: Called): string[] {
  const paint = painter(shell);
  const marks = { ok: paint("green", "ok  "), warn: paint("yellow", "warn"), fail: paint("red", "FAIL") };
  const columns = Math.max(...findings.map(({ topic }) => topic.length));
  return findings.flatMap(({ level, topic, text, next }) => [
    `${marks[level]}  ${padEnd(topic, columns)}  ${text}`,
    ...(next === undefined ? [] : [`${" ".repeat(columns + 8)}${paint("dim", "next:")} ${asCalled(next, called)}`]),
  ]);
}
