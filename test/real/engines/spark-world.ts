import type { SparkCluster } from "../../servers/spark.ts";
import { openWorkplace, type Workplace } from "./workplace.ts";

/** Fewer threads in each of the many JVMs of one small machine. */
const thrifty = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1";

/** A workplace beside the folder `photos`; `conf` are properties of Spark, `top` is the rest of the configuration. */
export async function sparkWorkplace(root: string, name: string, cluster: SparkCluster, settings: object): Promise<Workplace> {
  const { conf = {}, top = {} } = settings as { conf?: object; top?: object };
  return openWorkplace({
    root,
    name,
    environment: cluster.environment,
    settings: {
      source: "../photos",
      jobs: ["facts", { thumbnails: { sizes: [64] } }],
      engine: "spark",
      spark: {
        master: cluster.master,
        submitCommand: cluster.submitCommand,
        conf: {
          "spark.driver.memory": "512m",
          "spark.executor.memory": "512m",
          "spark.driver.extraJavaOptions": thrifty,
          "spark.executor.extraJavaOptions": thrifty,
          ...conf,
        },
      },
      ...top,
    },
  });
}
