import assert from "node:assert/strict";
import type { Consumption } from "../../../ingest/kafka/consume.ts";
import { advance, noProgress } from "../../../ingest/kafka/progress.ts";
import { createTotals } from "../../../ingest/kafka/totals.ts";
import { createTeller } from "../../../submit/terminal/ingest.ts";
import { openScreen } from "../../../submit/terminal/screen.ts";
import { fakeClock } from "../../clock.ts";
import { messageOf } from "../../ingest/kafka/messages.ts";

const of = { topic: "photos", partition: 0, term: 1 };

function consumption(): Consumption {
  const joined = advance(noProgress, { type: "assigned", generation: 1, places: [of] }).progress;
  const { progress } = advance(joined, { type: "located", starts: [{ ...of, offset: 10n, committed: 10n, end: 25n }] });
  return { progress, totals: createTotals(), inFlight: { messages: 0, bytes: 0 }, clusterOut: false, lastLag: 0 };
}

function told(json: boolean) {
  const [out, err]: [string[], string[]] = [[], []];
  const clock = fakeClock();
  const surface = { write: (text: string) => void err.push(text), columns: () => undefined, color: false };
  const screen = openScreen(surface, clock);
  screen.begin("joining");
  const where = { topics: ["photos"], group: "g", to: "gs://photos-in" };
  const teller = createTeller({ ...where, json, shell: { clock, surface, out: (line) => void out.push(line) }, screen });
  return { out, err, clock, teller };
}

const dead = { end: "dead", reason: "not_an_image", message: "it is \u001b[31mtext", uri: "gs://dead/1.json" } as const;

describe("what is told of ingestion from Kafka", () => {
  it("to people: dead letters up to a bound, harmless on a terminal, and the sums at the end", async () => {
    const { out, err, clock, teller } = told(false);
    const watched = consumption();
    teller.watch(watched);
    watched.totals.count({ end: "created", name: "a", bytes: 2e6 }, messageOf(Buffer.alloc(2e6)), 10);
    for (let index = 0; index < 30; index += 1) {
      watched.totals.count(dead, messageOf(Buffer.from("text")), 10);
      teller.taken(messageOf(Buffer.from("text"), { offset: BigInt(index) }), dead);
    }
    await clock.sleep(10_000);
    teller.end();
    const lines = err.join("");
    assert.equal(lines.match(/dead letter photos/g)?.length, 20);
    assert.match(lines, /dead letter photos\/2\/0: not_an_image, it is \\u\{1b\}\[31mtext\n/);
    assert.match(lines, /no more of them are said/);
    assert.deepEqual(out, [
      "took 31 messages (2.0 MB) from photos to gs://photos-in in 10 s, 3.1 messages/s",
      "  created: 1; lag of the partitions of this member: 15",
      "  dead letters: 30 not_an_image",
    ]);
  });

  it("to machines: a line a dead letter and a notice, and the sums as the last one", () => {
    const { out, teller } = told(true);
    teller.watch(consumption());
    teller.say("the Kafka cluster does not answer");
    teller.taken(messageOf(Buffer.from("text")), dead);
    teller.end();
    const [notice, letter, last] = out.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(notice, { notice: "the Kafka cluster does not answer" });
    assert.deepEqual(letter!["deadLetter"], {
      topic: "photos",
      partition: 2,
      offset: "41",
      reason: dead.reason,
      message: dead.message,
      uri: dead.uri,
    });
    assert.deepEqual([last!["topics"], last!["messages"], last!["lag"]], [["photos"], 0, 15]);
  });
});
