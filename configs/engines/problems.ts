import type { Config } from "../config.ts";
import type { ConfigProblem } from "../problems.ts";

/** What an engine needs to be given work. Locations are absolute. Pure. */
export function engineProblems(config: Config): ConfigProblem[] {
  if (config.engine === "spark") return sparkProblems(config);
  return config.engine === "dataproc" ? dataprocProblems(config) : [];
}

function sparkProblems({ spark }: Config): ConfigProblem[] {
  if (spark.master !== undefined) return [];
  return [
    {
      path: ["spark", "master"],
      message: "is missing: which Spark cluster?",
      hint: "--spark-master spark://host:7077 (or yarn, k8s://…, local[2])",
    },
  ];
}

function dataprocProblems(config: Config): ConfigProblem[] {
  const { region, mode, cluster, network, subnetwork } = config.dataproc;
  const problems: ConfigProblem[] = [];
  if (region === undefined) {
    const hint = "the region of your buckets, like --set dataproc.region=europe-west4";
    problems.push({ path: ["dataproc", "region"], message: "is missing: where is the work to be done?", hint });
  }
  if (mode === "cluster" && cluster === undefined) {
    const hint = "--set dataproc.cluster=NAME (`gcloud dataproc clusters list` shows them), or dataproc.mode: serverless";
    problems.push({ path: ["dataproc", "cluster"], message: "is missing: on which cluster?", hint });
  }
  if (network !== undefined && subnetwork !== undefined) {
    const hint = "a subnetwork says its network: leave dataproc.network out";
    problems.push({ path: ["dataproc", "network"], message: "and dataproc.subnetwork exclude each other", hint });
  }
  return [...problems, ...notInBuckets(config)];
}

/** Nodes of a cloud see buckets only. */
function notInBuckets(config: Config): ConfigProblem[] {
  const places = (["source", "archive", "control"] as const).filter((key) => config[key] !== "" && !config[key].startsWith("gs://"));
  return places.map((key) => ({
    path: [key],
    message: `is ${config[key]}, which nodes of ${config.engine} cannot see`,
    hint: `--${key} gs://bucket/prefix (\`imagemill ingest upload\` brings a folder there), or --engine local`,
  }));
}
