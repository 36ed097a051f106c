import type { Config } from "../config.ts";
import type { ConfigProblem } from "../problems.ts";

/** What the engine needs before work can be submitted to it. Locations are absolute. Pure. */
export function engineProblems(config: Config): ConfigProblem[] {
  if (config.engine === "spark") return config.spark.master === undefined ? [masterMissing] : [];
  if (config.engine === "dataproc") return [...dataprocProblems(config), ...folderProblems(config)];
  if (config.engine === "compute") return [...computeProblems(config), ...folderProblems(config)];
  return [];
}

const masterMissing: ConfigProblem = {
  path: ["spark", "master"],
  message: "is missing: which Spark cluster?",
  hint: "--spark-master spark://host:7077 (or yarn, k8s://…, local[2])",
};

function regionMissing(engine: "compute" | "dataproc"): ConfigProblem {
  return {
    path: [engine, "region"],
    message: "is missing: where shall the machines run?",
    hint: `--set ${engine}.region=europe-west4, the region of your buckets`,
  };
}

function dataprocProblems({ dataproc }: Config): ConfigProblem[] {
  const { region, mode, cluster, network, subnetwork } = dataproc;
  const problems: ConfigProblem[] = region === undefined ? [regionMissing("dataproc")] : [];
  if (mode === "cluster" && cluster === undefined) {
    const hint = "--set dataproc.cluster=NAME (`gcloud dataproc clusters list` shows them), or dataproc.mode: serverless";
    problems.push({ path: ["dataproc", "cluster"], message: "is missing: on which cluster?", hint });
  }
  if (network !== undefined && subnetwork !== undefined) {
    const hint = "a subnetwork tells its network: leave dataproc.network out";
    problems.push({ path: ["dataproc", "network"], message: "and dataproc.subnetwork exclude each other", hint });
  }
  return problems;
}

function computeProblems({ compute }: Config): ConfigProblem[] {
  const { region, allowedLocations } = compute;
  if (region === undefined) return [regionMissing("compute")];
  const elsewhere = allowedLocations.find((place) => place !== `regions/${region}` && !place.startsWith(`zones/${region}-`));
  if (elsewhere === undefined) return [];
  const hint = `Batch takes zones of its job's region only, like zones/${region}-a`;
  return [{ path: ["compute", "allowedLocations"], message: `names ${elsewhere}, which is not in ${region}`, hint }];
}

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
