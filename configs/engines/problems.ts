import type { Config } from "../config.ts";
import type { ConfigProblem } from "../problems.ts";

/** What the engine needs before work can be submitted to it. Locations are absolute. Pure. */
export function engineProblems(config: Config): ConfigProblem[] {
  if (config.engine === "spark") return config.spark.master === undefined ? [masterMissing] : [];
  if (config.engine === "compute") return [...(config.compute.region === undefined ? [regionMissing] : []), ...folderProblems(config)];
  return [];
}

const masterMissing: ConfigProblem = {
  path: ["spark", "master"],
  message: "is missing: which Spark cluster?",
  hint: "--spark-master spark://host:7077 (or yarn, k8s://…, local[2])",
};

const regionMissing: ConfigProblem = {
  path: ["compute", "region"],
  message: "is missing: where shall the machines run?",
  hint: "--set compute.region=europe-west4, the region of your buckets",
};

/** Machines that Google lends see buckets, but no folder of this one. */
function folderProblems(config: Config): ConfigProblem[] {
  return (["source", "archive", "control"] as const).flatMap((key): ConfigProblem[] => {
    if (config[key] === "" || config[key].startsWith("gs://")) return [];
    return [
      {
        path: [key],
        message: `(${config[key]}) is a folder of this machine, and those of the engine ${config.engine} see only buckets`,
        hint: `--${key} gs://bucket/prefix, or --engine local`,
      },
    ];
  });
}
