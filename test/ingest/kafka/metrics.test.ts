import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { metricsText, serveMetrics } from "../../../ingest/kafka/metrics.ts";
import { advance, noProgress } from "../../../ingest/kafka/progress.ts";
import { createTotals } from "../../../ingest/kafka/totals.ts";
import { messageOf } from "./messages.ts";

const of = { topic: "photos", partition: 3, term: 1 };
const joined = advance(noProgress, { type: "assigned", generation: 1, places: [of] }).progress;
const { progress } = advance(joined, { type: "located", starts: [{ ...of, offset: 10n, committed: 10n, end: 25n }] });

describe("metrics of ingestion", () => {
  it("are text that Prometheus reads, every figure with its meaning", () => {
    const totals = createTotals();
    totals.count({ end: "created", name: "a", bytes: 4 }, messageOf(Buffer.alloc(4)), 1500);
    totals.count({ end: "dead", reason: "empty", message: "", uri: "" }, messageOf(Buffer.alloc(0)), 500);
    const text = metricsText({ progress, totals, inFlight: { messages: 2, bytes: 300 }, clusterOut: false, lastLag: 0 });
    for (const line of [
      "# TYPE imagemill_ingest_messages_total counter",
      'imagemill_ingest_messages_total{outcome="created"} 1',
      'imagemill_ingest_messages_total{outcome="dead",reason="empty"} 1',
      'imagemill_ingest_lag_messages{topic="photos",partition="3"} 15',
      "imagemill_ingest_taking_seconds_total 2",
      "imagemill_ingest_in_flight_bytes 300",
      "imagemill_ingest_joined 1",
    ]) {
      assert.ok(text.split("\n").includes(line), `${line}\nis not in\n${text}`);
    }
    for (const line of text.trimEnd().split("\n"))
      assert.match(line, /^(# (HELP|TYPE) imagemill_ingest_[a-z_]+ .+|imagemill_ingest_[a-z_]+(\{[^{}]+\})? \d+(\.\d+)?)$/);
  });

  it("are served on the loopback address; a port that is taken is said", async () => {
    await using server = await serveMetrics({ host: "127.0.0.1", port: 0 }, () => "a 1\n");
    assert.equal(await (await fetch(server.url)).text(), "a 1\n");
    assert.equal((await fetch(server.url.replace("metrics", "other"))).status, 404);
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    await assert.rejects(
      serveMetrics({ host: "127.0.0.1", port }, () => ""),
      { code: "USAGE" },
    );
    other.close();
  });
});
