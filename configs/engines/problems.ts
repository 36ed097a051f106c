import type { Config } from "../config.ts";
import type { ConfigProblem } from "../problems.ts";

/** What an engine needs to be given work. Locations are absolute. Pure. */
export function engineProblems(config: Config): ConfigProblem[] {
  if (config.engine === "spark") return sparkProblems(config);
  return config.engine === "compute" ? computeProblems(config) : [];
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

function computeProblems(config: Config): ConfigProblem[] {
  const { region, allowedLocations } = config.compute;
  const problems: ConfigProblem[] = [];
  if (region === undefined) {
    const hint = "the region of your buckets, like --set compute.region=europe-west4";
    problems.push({ path: ["compute", "region"], message: "is missing: where is the work to be done?", hint });
  }
  const elsewhere = allowedLocations.find((place) => place !== `regions/${region}` && !place.startsWith(`zones/${region}-`));
  if (region !== undefined && elsewhere !== undefined) {
    const hint = `Batch takes zones of its job's region only, like zones/${region}-a`;
    problems.push({ path: ["compute", "allowedLocations"], message: `names ${elsewhere}, which is not in ${region}`, hint });
  }
  return [...problems, ...notInBuckets(config)];
}

/** Nodes of a cloud see buckets only. */
function notInBuckets(config: Config): ConfigProblem[] {
  const places = (["source", "archive", "control"] as const).filter((key) => config[key] !== "" && !config[key].startsWith("gs://"));
  return places.map((key) => ({
    path: [key],
    message: `is ${config[key]}, which machines of ${config.engine} cannot see`,
    hint: `--${key} gs://bucket/prefix (\`imagemill ingest upload\` brings a folder there), or --engine local`,
  }));
}
