import assert from "node:assert/strict";
import { NetworkError, ProtocolError, UserError } from "@platformatic/kafka";
import { kafkaError, isProtocolError } from "../../../ingest/kafka/problems.ts";

describe("what errors of the Kafka client mean", () => {
  it("worth another try, or for a person with what to do, wherever in the chain it is said", () => {
    const unreachable = new AggregateError(
      [new NetworkError("failed", { cause: new Error("connect ECONNREFUSED 127.0.0.1:1") })],
      "Cannot connect",
    );
    const cases: [error: unknown, code: string, exitCode: number][] = [
      [unreachable, "KAFKA_UNAVAILABLE", 1],
      [new AggregateError([new ProtocolError("NOT_LEADER_OR_FOLLOWER")]), "KAFKA_UNAVAILABLE", 1],
      [new ProtocolError("REBALANCE_IN_PROGRESS"), "KAFKA_UNAVAILABLE", 1],
      [new AggregateError([new AggregateError([new ProtocolError("TOPIC_AUTHORIZATION_FAILED")])]), "KAFKA_PERMISSION", 4],
      [new ProtocolError("GROUP_AUTHORIZATION_FAILED"), "KAFKA_PERMISSION", 4],
      [new ProtocolError("SASL_AUTHENTICATION_FAILED"), "KAFKA_LOGIN", 4],
      [new ProtocolError("INCONSISTENT_GROUP_PROTOCOL"), "KAFKA_GROUP", 4],
      [new UserError("Unknown topic photos."), "KAFKA_NO_TOPIC", 4],
      ["a text", "KAFKA_UNAVAILABLE", 1],
    ];
    for (const [error, code, exitCode] of cases) {
      const found = kafkaError(error);
      assert.deepEqual([found.code, found.exitCode, found.hint !== undefined], [code, exitCode, exitCode === 4]);
      assert.equal(kafkaError(found), found);
    }
    assert.match(kafkaError(unreachable).message, /ECONNREFUSED/);
    assert.ok(isProtocolError(new AggregateError([new ProtocolError("OFFSET_OUT_OF_RANGE")]), "OFFSET_OUT_OF_RANGE"));
    assert.ok(!isProtocolError(unreachable, "OFFSET_OUT_OF_RANGE"));
  });
});
