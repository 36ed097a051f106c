import { exitCodes, ImagemillError, messageOf } from "../../core/errors.ts";

/** What an error of the client means: worth another try (KAFKA_UNAVAILABLE), or for a person to solve. */
export function kafkaError(error: unknown): ImagemillError {
  if (error instanceof ImagemillError) return error;
  const causes = causesOf(error);
  const known = forPeople.find(({ when }) => causes.some((cause) => when.test(textOf(cause))));
  const message = causes.map((cause) => messageOf(cause)).findLast((text) => text !== "") ?? messageOf(error);
  if (known === undefined) return new ImagemillError("KAFKA_UNAVAILABLE", message, { cause: error });
  return new ImagemillError(known.code, message, { exitCode: exitCodes.precondition, hint: known.hint, cause: error });
}

const forPeople = [
  {
    when: /SASL_AUTHENTICATION_FAILED|PLT_KFK_AUTHENTICATION|UNSUPPORTED_SASL_MECHANISM|ILLEGAL_SASL_STATE/,
    code: "KAFKA_LOGIN",
    hint: "Check kafka.sasl of the configuration, and the variable that kafka.sasl.passwordVariable names.",
  },
  {
    when: /[A-Z]+_AUTHORIZATION_FAILED/,
    code: "KAFKA_PERMISSION",
    hint: "The account needs READ and DESCRIBE on the topic, and READ on the group: kafka-acls.sh --add --consumer.",
  },
  {
    when: /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
    code: "KAFKA_CERTIFICATE",
    hint: "kafka.tls.caFile names the certificate authority of the brokers.",
  },
  {
    when: /Unknown topic|INVALID_TOPIC_EXCEPTION/,
    code: "KAFKA_NO_TOPIC",
    hint: "Check --topic, or create it: kafka-topics.sh --create --topic NAME.",
  },
  {
    when: /INCONSISTENT_GROUP_PROTOCOL|INVALID_GROUP_ID|INVALID_SESSION_TIMEOUT|GROUP_ID_NOT_FOUND/,
    code: "KAFKA_GROUP",
    hint: "Choose another --group (this one is of another kind), or another kafka.sessionTimeoutMs.",
  },
  {
    when: /PLT_KFK_UNSUPPORTED/,
    code: "KAFKA_UNSUPPORTED",
    hint: "The cluster or a message uses what this client does not know; the log of the brokers says more.",
  },
] as const;

const mostCauses = 50;

/** The error and all that is behind it, the deepest last. */
function causesOf(error: unknown): unknown[] {
  const found: unknown[] = [];
  const open = [error];
  while (open.length > 0 && found.length < mostCauses) {
    const next = open.shift();
    if (next === undefined || next === null || found.includes(next)) continue;
    found.push(next);
    if (next instanceof AggregateError) open.push(...(next.errors as unknown[]));
    if (next instanceof Error) open.push(next.cause);
  }
  return found;
}

function textOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { code, apiId, message } = error as { code?: unknown; apiId?: unknown; message?: unknown };
  return [code, apiId, message].filter((part) => typeof part === "string").join(" ");
}

/** Whether any error behind this one has the id of Kafka's protocol. */
export function isProtocolError(error: unknown, ...ids: string[]): boolean {
  return causesOf(error).some((cause) => ids.includes(String((cause as { apiId?: unknown }).apiId)));
}
