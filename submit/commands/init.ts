import type { Config } from "../../configs/config.ts";
import { pathOfLocation } from "../../configs/locations.ts";
import { formatMany } from "../terminal/format.ts";
import { configFlags } from "./flags.ts";
import { openSession, type Session } from "./session.ts";
import { openSessionWarehouse } from "./stores.ts";
import { defineVerb, type Shell } from "./verb.ts";

/** One difference between what there is and what the configuration says. */
interface Step {
  what: string;
  /** Absent where it is not for `init` to change. */
  apply?: () => Promise<void>;
  /** Said, and no reason to fail. */
  notice?: true;
}

export const initVerb = defineVerb({
  command: "init",
  summary: "Create folders or buckets, tables and views, or bring them to what the configuration says",
  group: "Set up",
  positionals: {},
  flags: { "dry-run": { type: "boolean", describe: "Only show the difference" }, ...configFlags },
  examples: [["init --dry-run", "what is missing"]],
  run: async (args, shell) => {
    using session = await openSession(args, shell, { source: false, phase: "comparing" });
    const dryRun = args["dry-run"] ?? false;
    const say = (args.json ?? false) ? () => undefined : (line: string) => shell.out(line);
    const steps = await differences(session, shell);
    session.screen[Symbol.dispose]();
    for (const step of steps) say(`${markOf(step)} ${step.what}`);
    const settled = steps.filter((step) => step.notice === undefined);
    const doable = steps.filter((step) => step.apply !== undefined);
    if (!dryRun) for (const step of doable) await step.apply!();
    say(conclusion(settled.length, doable.length, dryRun));
    if (args.json ?? false) {
      const changes = steps.map(({ what, apply }) => ({ what, applicable: apply !== undefined }));
      shell.out(JSON.stringify({ dryRun, changes, applied: dryRun ? 0 : doable.length }));
    }
    return doable.length === settled.length ? 0 : 1;
  },
});

function markOf(step: Step): string {
  if (step.notice === true) return "i";
  return step.apply === undefined ? "!" : "+";
}

function conclusion(all: number, doable: number, dryRun: boolean): string {
  if (all === 0) return "nothing to do: everything is as the configuration says";
  const left = all === doable ? "" : `; ${formatMany(all - doable, "difference")} (!) must be settled by hand`;
  if (doable === 0) return `nothing that can be done here${left}`;
  return `${dryRun ? "would make" : "made"} ${formatMany(doable, "change")}${left}`;
}

async function differences(session: Session, shell: Shell): Promise<Step[]> {
  const { config } = session;
  return [...(await folderSteps(config)), ...(await bucketSteps(config)), ...(await warehouseSteps(session, shell))];
}

/** The source is not made: a mistyped folder would then be an empty run. */
async function folderSteps(config: Config): Promise<Step[]> {
  const { mkdir, stat } = await import("node:fs/promises");
  const folders = [
    ["archive", pathOfLocation(config.archive)],
    ["control", pathOfLocation(config.control)],
  ] as const;
  const steps = folders.map(async ([place, path]): Promise<Step[]> => {
    if (path === undefined) return [];
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory() === true) return [];
    if (found !== undefined) return [{ what: `${place}: ${path} is no folder` }];
    return [{ what: `create folder ${path} (${place})`, apply: async () => void (await mkdir(path, { recursive: true })) }];
  });
  return (await Promise.all(steps)).flat();
}

async function bucketSteps(config: Config): Promise<Step[]> {
  const [{ bucketWishes }, { bucketDifference }] = await Promise.all([
    import("../../archive/wishes.ts"),
    import("../../archive/buckets.ts"),
  ]);
  const wishes = bucketWishes(config);
  if (wishes.length === 0) return [];
  const { bucketService } = await import("../../archive/bucket-service.ts");
  const service = await bucketService(config.google);
  const steps: Step[] = [];
  for (const wish of wishes) {
    const facts = await service.read(wish.bucket);
    const { changes, settings, notices } = bucketDifference(facts, wish);
    const apply = once(async () =>
      facts === undefined ? service.create(wish.bucket, settings) : service.change(wish.bucket, facts, settings),
    );
    for (const what of changes) steps.push({ what, apply });
    for (const what of notices) steps.push({ what, notice: true });
  }
  return steps;
}

/** Several steps are one call: it is made by the first of them. */
function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return async () => (done ??= act());
}

/** One step applies all of the warehouse's changes: it makes them in one transaction. */
async function warehouseSteps({ config, log }: Session, shell: Shell): Promise<Step[]> {
  const open = async () => openSessionWarehouse(config, shell, log);
  const warehouse = await open();
  try {
    const changes = await warehouse.difference(shell.signal);
    const ensure = once(async () => {
      const again = await open();
      try {
        await again.ensure(shell.signal);
      } finally {
        await again.close();
      }
    });
    return changes.map(({ what, applicable }) => stepOf(`${what} (${config.warehouse})`, applicable ? ensure : undefined));
  } finally {
    await warehouse.close();
  }
}

function stepOf(what: string, apply: (() => Promise<void>) | undefined): Step {
  return apply === undefined ? { what } : { what, apply };
}
