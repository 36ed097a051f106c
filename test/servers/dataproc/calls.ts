import { status, type MethodDefinition, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";

/** What a service answers instead of a message. */
export class ApiError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string): ApiError => new ApiError(status.INVALID_ARGUMENT, message);
export const notFound = (what: string): ApiError => new ApiError(status.NOT_FOUND, `Not found: ${what}`);
export const alreadyThere = (what: string): ApiError => new ApiError(status.ALREADY_EXISTS, `Already exists: Failed to create: ${what}`);

export interface DataprocCall {
  /** `CreateBatch`, `GetOperation`, … */
  method: string;
  request: object;
  /** Counts the calls of the method from 1. */
  index: number;
}

/** What goes wrong with a call: `before` it is taken, or `after`, so that only its answer is lost. */
export interface DataprocFault {
  code: number;
  when: "before" | "after";
}

/** A message class as the client package ships them. */
interface MessageType<T> {
  decode(bytes: Uint8Array): T;
  encode(message: object): { finish(): Uint8Array };
  fromObject(object: object): T;
}

export interface Method {
  name: string;
  decode(bytes: Buffer): object;
  encode(answer: object): Buffer;
  answer(request: object): object | Promise<object>;
}

export function method<Q extends object, A extends object>(
  name: string,
  request: MessageType<Q>,
  response: MessageType<A>,
  answer: (request: Q) => object | Promise<object>,
): Method {
  return {
    name,
    decode: (bytes) => request.decode(bytes),
    encode: (message) => Buffer.from(response.encode(response.fromObject(message) as object).finish()),
    answer: async (asked) => answer(asked as Q),
  };
}

/** Counts calls and lets them fail. */
export interface CallLog {
  readonly calls: DataprocCall[];
  faults: (call: DataprocCall) => DataprocFault | undefined;
}

/** A service for `Server.addService`. */
export function serviceOf(name: string, methods: Method[], log: CallLog): [ServiceDefinition, UntypedServiceImplementation] {
  const definition: Record<string, MethodDefinition<object, object>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const one of methods) {
    definition[one.name] = {
      path: `/${name}/${one.name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: unused,
      requestDeserialize: one.decode,
      responseSerialize: one.encode,
      responseDeserialize: unused,
    };
    implementation[one.name] = (call: { request: object }, reply: (error: object | null, value?: object) => void) => {
      answerTo(one, call.request, log).then(
        (value) => reply(null, value),
        (error: unknown) => reply(error instanceof ApiError ? { code: error.code, details: error.message } : internal(error)),
      );
    };
  }
  return [definition, implementation];
}

async function answerTo(called: Method, request: object, log: CallLog): Promise<object> {
  const index = log.calls.filter((call) => call.method === called.name).length + 1;
  const call = { method: called.name, request, index };
  log.calls.push(call);
  const fault = log.faults(call);
  const failure = fault && new ApiError(fault.code, `injected: ${status[fault.code]}`);
  if (failure !== undefined && fault?.when === "before") throw failure;
  const value = await called.answer(request);
  if (failure !== undefined) throw failure;
  return value;
}

function internal(error: unknown): object {
  return { code: status.INTERNAL, details: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The client's half of the definition. */
function unused(): never {
  throw new Error("a server has no use for this");
}
