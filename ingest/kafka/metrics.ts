import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { codeOf, usageError } from "../../core/errors.ts";
import type { Consumption } from "./consume.ts";
import { lagOf } from "./progress.ts";

interface Metric {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: { labels?: Record<string, string | number>; value: number }[];
}

/** As Prometheus reads it (text format 0.0.4). */
export function metricsText(consumption: Consumption): string {
  return metricsOf(consumption).map(textOf).join("");
}

function metricsOf({ progress, totals, inFlight, clusterOut }: Consumption): Metric[] {
  const counter = (name: string, help: string, value: number): Metric => ({ name, type: "counter", help, samples: [{ value }] });
  const gauge = (name: string, help: string, value: number): Metric => ({ name, type: "gauge", help, samples: [{ value }] });
  const partitions = [...progress.partitions.values()];
  const outcomes = [
    { labels: { outcome: "created" }, value: totals.created },
    { labels: { outcome: "present" }, value: totals.present },
    ...Object.entries(totals.dead).map(([reason, value]) => ({ labels: { outcome: "dead", reason }, value })),
  ];
  const lags = partitions.map((partition) => ({
    labels: { topic: partition.topic, partition: partition.partition },
    value: Number(lagOf(partition)),
  }));
  return [
    { name: "messages_total", type: "counter", help: "Messages taken, by what became of them.", samples: outcomes },
    counter("message_bytes_total", "Bytes of the messages taken.", totals.bytes),
    counter("created_bytes_total", "Bytes of the objects created.", totals.createdBytes),
    counter("taking_seconds_total", "Time that the messages took to be durable, added up.", totals.takingMs / 1000),
    { name: "lag_messages", type: "gauge", help: "Messages of our partitions that are not durable yet.", samples: lags },
    gauge("partitions", "Partitions that are ours.", partitions.length),
    gauge("joined", "1 while we are a member of the group.", progress.generation === undefined ? 0 : 1),
    gauge("cluster_out", "1 while the Kafka cluster does not answer.", clusterOut ? 1 : 0),
    gauge("in_flight_messages", "Messages fetched and not yet durable.", inFlight.messages),
    gauge("in_flight_bytes", "Memory granted to fetched messages.", inFlight.bytes),
    counter("expired_messages_total", "Messages that the cluster deleted before they were read.", totals.expired),
    counter("commits_total", "Commits of offsets.", totals.commits),
    counter("commit_failures_total", "Commits that failed; the next one makes up for it.", totals.commitsFailed),
    counter("assignments_total", "Times that the group gave us partitions.", totals.assignments),
    counter("sessions_lost_total", "Memberships that broke.", totals.sessionsLost),
    counter("cluster_outages_total", "Outages of the Kafka cluster.", totals.outages),
  ];
}

const prefix = "imagemill_ingest_";

function textOf({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels = {}, value }) => {
    const written = Object.entries(labels).map(([key, label]) => `${key}="${String(label).replace(/[\\"\n]/g, "\\$&")}"`);
    return `${prefix}${name}${written.length === 0 ? "" : `{${written.join(",")}}`} ${value}\n`;
  });
  return `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} ${type}\n${lines.join("")}`;
}

export interface MetricsServer extends AsyncDisposable {
  /** `http://127.0.0.1:9464/metrics` */
  readonly url: string;
}

/** Answers GET /metrics; `port` 0 takes one that is free. */
export async function serveMetrics(address: { host: string; port: number }, text: () => string): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    const known = request.method === "GET" && request.url?.split("?")[0] === "/metrics";
    response.writeHead(known ? 200 : 404, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(known ? text() : "GET /metrics\n");
  });
  // Nobody waits for a reader of metrics.
  server.unref();
  try {
    server.listen(address.port, address.host);
    await once(server, "listening");
  } catch (error) {
    throw usageError(`metrics cannot be served on ${address.host}:${address.port}: ${codeOf(error)}`, "Give --metrics-port another port.");
  }
  const { address: host, port } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}/metrics`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
