import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { protos } from "@google-cloud/dataproc";
import { alreadyThere, ApiError, invalid, method, notFound, type Method } from "./calls.ts";
import { runContainer } from "./container.ts";
import { checkBatch, checkBatchId, checkRequestId } from "./rules.ts";
import {
  Batch,
  BatchOperationMetadata,
  newOperation,
  packed,
  placeOf,
  type RunningOperation,
  stagingUri,
  timestamp,
  track,
  type World,
} from "./world.ts";

const v1 = protos.google.cloud.dataproc.v1;
const State = v1.Batch.State;
type BatchState = protos.google.cloud.dataproc.v1.Batch.State;
type IBatch = protos.google.cloud.dataproc.v1.IBatch;

interface Held {
  batch: IBatch;
  running: RunningOperation;
  stop: AbortController;
}

/** google.cloud.dataproc.v1.BatchController; `list` gives all that there are. */
export function batchController(world: World): { methods: Method[]; list(): IBatch[] } {
  const batches = new Map<string, Held>();
  const byRequest = new Map<string, Held>();

  const create = async (request: protos.google.cloud.dataproc.v1.CreateBatchRequest): Promise<object> => {
    const place = placeOf(request.parent);
    if (place === undefined) throw invalid(`parent "${request.parent}"`);
    checkRequestId(request.requestId);
    const known = byRequest.get(request.requestId);
    if (request.requestId !== "" && known !== undefined) return known.running.operation;
    const id = request.batchId === "" ? randomUUID() : request.batchId;
    checkBatchId(id);
    checkBatch(request.batch);
    const name = `projects/${place.project}/locations/${place.region}/batches/${id}`;
    if (batches.has(name)) throw alreadyThere(`Batch ${name}`);
    const held = begin(name, place, request.batch!);
    batches.set(name, held);
    if (request.requestId !== "") byRequest.set(request.requestId, held);
    track(world, perform(held, place));
    return held.running.operation;
  };

  const begin = (name: string, place: { project: string; region: string }, asked: IBatch): Held => {
    const stop = new AbortController();
    const uuid = randomUUID();
    const labels = { ...asked.labels, "goog-dataproc-batch-id": name.split("/").at(-1)!, "goog-dataproc-batch-uuid": uuid };
    const batch: IBatch = { ...asked, name, uuid, labels, createTime: timestamp(), creator: "somebody@example.com", stateHistory: [] };
    const metadata = { batch: name, batchUuid: uuid, createTime: batch.createTime, operationType: "BATCH", description: "Batch" };
    const running = newOperation(world, place, packed(BatchOperationMetadata, metadata), () => stop.abort(new Error("cancelled")));
    batch.operation = running.operation.name!;
    enter(batch, State.PENDING);
    return { batch, running, stop };
  };

  const perform = async ({ batch, running, stop }: Held, { region }: { region: string }): Promise<void> => {
    const execution = batch.environmentConfig?.executionConfig;
    const outputUri = await stagingUri(world, region, execution?.stagingBucket, batch.uuid!, `srvls-batch-${batch.uuid}`);
    batch.runtimeInfo = { outputUri };
    const { pysparkBatch, runtimeConfig } = batch;
    try {
      const code = await runContainer(
        {
          main: pysparkBatch!.mainPythonFileUri!,
          args: pysparkBatch!.args ?? [],
          files: pysparkBatch!.fileUris ?? [],
          archives: pysparkBatch!.archiveUris ?? [],
          pythonFiles: pysparkBatch!.pythonFileUris ?? [],
          properties: runtimeConfig?.properties ?? {},
        },
        { ...world, outputUri, signal: stop.signal, started: () => enter(batch, State.RUNNING) },
      );
      if (stop.signal.aborted) enter(batch, State.CANCELLED, "Batch was cancelled.");
      else if (code === 0) enter(batch, State.SUCCEEDED);
      else enter(batch, State.FAILED, failureText(batch, code, outputUri));
    } catch (error) {
      if (stop.signal.aborted) enter(batch, State.CANCELLED, "Batch was cancelled.");
      else enter(batch, State.FAILED, `Job failed with message [${error instanceof Error ? error.message : String(error)}].`);
    }
    conclude(running, batch);
  };

  const held = (name: string): Held => {
    const place = placeOf(name);
    const found = place && batches.get(`projects/${place.project}/locations/${place.region}/batches/${name.split("/").at(-1)}`);
    if (found === undefined) throw notFound(`Batch ${name}`);
    return found;
  };

  const methods = [
    method("CreateBatch", v1.CreateBatchRequest, protos.google.longrunning.Operation, create),
    method("GetBatch", v1.GetBatchRequest, v1.Batch, ({ name }) => {
      const { batch, stop } = held(name);
      if (stop.signal.aborted && batch.state === State.RUNNING) enter(batch, State.CANCELLING);
      return batch;
    }),
    method("ListBatches", v1.ListBatchesRequest, v1.ListBatchesResponse, ({ parent }) => {
      const place = placeOf(parent);
      const prefix = `projects/${place?.project}/locations/${place?.region}/`;
      return { batches: [...batches.values()].map(({ batch }) => batch).filter(({ name }) => name!.startsWith(prefix)) };
    }),
    method("DeleteBatch", v1.DeleteBatchRequest, protos.google.protobuf.Empty, ({ name }) => {
      const { batch } = held(name);
      if (!isOver(batch)) throw new ApiError(status.FAILED_PRECONDITION, `${name} is still active`);
      batches.delete(batch.name!);
      return {};
    }),
  ];
  return { methods, list: () => [...batches.values()].map(({ batch }) => batch) };
}

function isOver({ state }: IBatch): boolean {
  return state === State.SUCCEEDED || state === State.FAILED || state === State.CANCELLED;
}

function enter(batch: IBatch, state: BatchState, message = ""): void {
  if (batch.state !== undefined) {
    batch.stateHistory!.push({
      state: batch.state ?? null,
      stateMessage: batch.stateMessage ?? "",
      stateStartTime: batch.stateTime ?? null,
    });
  }
  Object.assign(batch, { state, stateMessage: message, stateTime: timestamp() });
}

/** The operation of a batch ends with it. */
function conclude({ operation }: RunningOperation, batch: IBatch): void {
  operation.done = true;
  if (batch.state === State.SUCCEEDED) operation.response = packed(Batch, batch);
  else {
    const code = batch.state === State.CANCELLED ? status.CANCELLED : status.ABORTED;
    operation.error = { code, message: batch.stateMessage ?? "" };
  }
}

function failureText(batch: IBatch, code: number, outputUri: string): string {
  return (
    `Job failed with message [exit code ${code}]. Additional details can be found at:\n` +
    `gcloud dataproc batches wait '${batch.name!.split("/").at(-1)}'\n${outputUri}.*`
  );
}
