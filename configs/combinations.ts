import { nearest } from "../core/nearest.ts";
import { printable } from "../core/names.ts";
import { builtInJobs } from "../jobs/registry.ts";
import type { Config } from "./config.ts";
import { locationsOverlap } from "./locations.ts";
import type { ConfigProblem } from "./problems.ts";

/** What no single value shows to be wrong. Locations are absolute. Pure. */
export function combinationProblems(config: Config): ConfigProblem[] {
  return [...jobProblems(config), ...overlapProblems(config), ...moveProblems(config), ...selectionProblems(config)];
}

/** Parameters are checked where jobs are loaded; that a name is one shows here, with its place. */
function jobProblems({ jobs }: Config): ConfigProblem[] {
  const known = Object.keys(builtInJobs);
  return jobs.flatMap(({ name }, index): ConfigProblem[] => {
    if (isModulePath(name) || known.includes(name)) return [];
    const near = nearest(name, known);
    const hint =
      near === undefined
        ? `built in are ${known.join(", ")}; a job of your own is a path, like ./jobs/${name}.ts`
        : `did you mean "${near}"?`;
    return [{ path: ["jobs", index], message: `names no job: "${printable(name)}"`, hint }];
  });
}

/** A user's own job is a path; a built-in one is a bare word. */
export function isModulePath(name: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(name);
}

/** Deletion is where data dies: places with different lives must not share objects. */
export function overlapProblems(config: Pick<Config, "source" | "archive" | "control" | "warehouse">): ConfigProblem[] {
  const pairs = [
    ["archive", "source", "the archive deletes what is in it after some days"],
    ["control", "source", "the source is never written to"],
    ["control", "archive", "the archive deletes what is in it after some days"],
    ["warehouse", "source", "the source is never written to"],
    ["warehouse", "archive", "the archive deletes what is in it after some days"],
    ["warehouse", "control", "the control store holds only its own objects"],
  ] as const;
  return pairs.flatMap(([inner, outer, why]): ConfigProblem[] => {
    const [a, b] = [config[inner], config[outer]];
    if (a === "" || b === "" || !locationsOverlap(a, b)) return [];
    const how = a === b ? "is the same place as" : a.length > b.length ? "lies inside" : "contains";
    return [
      {
        path: [inner],
        message: `(${a}) ${how} ${outer} (${b}), and ${why}`,
        hint: `put ${inner} beside ${outer}${beside(config, inner, b)}`,
      },
    ];
  });
}

/** A place next to `outer` as the text of a flag; "" where there is none to name. */
function beside(
  config: Pick<Config, "source" | "archive" | "control" | "warehouse">,
  inner: "archive" | "control" | "warehouse",
  outer: string,
): string {
  const parent = outer.replace(/\/[^/]*$/, "");
  if (!/^(file|duckdb|gs):\/\/\/?[^/]/.test(parent)) return "";
  const candidate =
    inner === "warehouse" ? `${parent.replace(/^file:/, "duckdb:")}/warehouse.duckdb` : `${parent.replace(/^duckdb:/, "file:")}/${inner}`;
  const taken = (["source", "archive", "control", "warehouse"] as const).some(
    (key) => key !== inner && locationsOverlap(candidate, config[key]),
  );
  return taken ? "" : `: --${inner} ${candidate}`;
}

function moveProblems(config: Config): ConfigProblem[] {
  if (config.policy.archive.onArchived !== "move") return [];
  const problems: ConfigProblem[] = [];
  if (config.iAcceptLossAfterDays !== 7) {
    problems.push({
      path: ["archivePolicy", "onArchived"],
      message: "is move: source images are deleted once archived, and the archive deletes its copies after some days",
      hint: "if that is what you want, write iAcceptLossAfterDays: 7; else onArchived: keep",
    });
  } else if (config.policy.archive.days < 7) {
    problems.push({
      path: ["archivePolicy", "days"],
      message: `is ${config.policy.archive.days}, but iAcceptLossAfterDays: 7 promises that moved images live seven days`,
      hint: "write archivePolicy.days: 7, or more",
    });
  }
  if (!config.policy.archive.sources) {
    problems.push({
      path: ["archivePolicy", "sources"],
      message: "is false, but onArchived: move needs the archive to hold a copy of each source image",
      hint: "write archivePolicy.sources: true, or onArchived: keep",
    });
  }
  return problems;
}

function selectionProblems(config: Config): ConfigProblem[] {
  const { createdAfter, createdBefore } = config.select;
  if (createdAfter === undefined || createdBefore === undefined) return [];
  if (Date.parse(createdAfter) < Date.parse(createdBefore) || Number.isNaN(Date.parse(createdAfter) + Date.parse(createdBefore))) return [];
  return [
    {
      path: ["select", "createdBefore"],
      message: `(${createdBefore}) is not after select.createdAfter (${createdAfter}): no object fits both`,
      hint: "createdAfter is the earlier instant and belongs to the selection, createdBefore the later and does not",
    },
  ];
}
