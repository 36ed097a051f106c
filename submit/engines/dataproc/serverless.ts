import type { DataprocEngineConfig } from "../../../configs/config.ts";
import type { Work } from "../dataproc.ts";
import { requestIdOf } from "../grpc-call.ts";
import type { BatchHandle } from "./handle.ts";
import { assertOwn } from "./own.ts";
import { batchRequest } from "./requests.ts";
import type { DataprocService } from "./service.ts";
import { standingOfBatch } from "./states.ts";

/** A serverless batch. Its id tells all: the operation's name is asked for where it is needed. */
export function serverlessWork(service: DataprocService, config: DataprocEngineConfig): Work<BatchHandle> {
  return {
    submit: async (place, runId, submission, signal) => {
      const { id } = submission;
      const isNew = await service.createBatch(place, id, batchRequest(config, submission), requestIdOf(id), signal);
      if (!isNew) assertOwn("a batch", (await service.batch(place, id, signal))?.labels, submission);
      return { mode: "serverless", ...place, runId, batchId: id };
    },
    look: async (handle, signal) => {
      const batch = await service.batch(handle, handle.batchId, signal);
      return batch && standingOfBatch(batch);
    },
    stop: async (handle, signal) => {
      const operation = (await service.batch(handle, handle.batchId, signal))?.operation;
      if (operation) await service.cancelOperation(handle, operation, signal);
    },
    release: async () => Promise.resolve(),
  };
}
