import { readFile } from "node:fs/promises";
import type { KafkaConfig } from "../../configs/config.ts";
import { codeOf, preconditionError } from "../../core/errors.ts";
import type { ClientOptions } from "./client.ts";

/** How the brokers are spoken to: certificates from their files, the password from its variable. */
export async function connectionOf(
  { tls, sasl }: Pick<KafkaConfig, "tls" | "sasl">,
  environment: NodeJS.ProcessEnv,
): Promise<Pick<ClientOptions, "tls" | "sasl">> {
  return {
    ...(tls.enabled && { tls: await certificates(tls) }),
    ...(sasl !== undefined && { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: passwordOf(sasl, environment) } }),
  };
}

async function certificates({ caFile, certFile, keyFile }: KafkaConfig["tls"]): Promise<NonNullable<ClientOptions["tls"]>> {
  return {
    ...(caFile !== undefined && { ca: await pemOf("caFile", caFile) }),
    ...(certFile !== undefined && { cert: await pemOf("certFile", certFile) }),
    ...(keyFile !== undefined && { key: await pemOf("keyFile", keyFile) }),
  };
}

async function pemOf(key: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw preconditionError("KAFKA_CERTIFICATE", `kafka.tls.${key} cannot be read: ${codeOf(error)}`, `Check the path ${path}.`);
  }
}

function passwordOf({ passwordVariable }: NonNullable<KafkaConfig["sasl"]>, environment: NodeJS.ProcessEnv): string {
  const password = environment[passwordVariable];
  if (password !== undefined && password !== "") return password;
  throw preconditionError("KAFKA_LOGIN", `the variable ${passwordVariable} holds no password`, `export ${passwordVariable}=…`);
}
