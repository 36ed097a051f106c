import { protos } from "@google-cloud/dataproc";
import { method, notFound, type Method } from "./calls.ts";
import type { RunningOperation, World } from "./world.ts";

const longrunning = protos.google.longrunning;

/** google.longrunning.Operations */
export function operationsService({ operations }: World): Method[] {
  const held = (name: string): RunningOperation => {
    const found = operations.get(name.replace("/locations/", "/regions/"));
    if (found === undefined) throw notFound(`Operation ${name}`);
    return found;
  };
  return [
    method("GetOperation", longrunning.GetOperationRequest, longrunning.Operation, ({ name }) => held(name).operation),
    method("ListOperations", longrunning.ListOperationsRequest, longrunning.ListOperationsResponse, () => ({
      operations: [...operations.values()].map(({ operation }) => operation),
    })),
    method("CancelOperation", longrunning.CancelOperationRequest, protos.google.protobuf.Empty, ({ name }) => {
      held(name).cancel();
      return {};
    }),
    method("DeleteOperation", longrunning.DeleteOperationRequest, protos.google.protobuf.Empty, ({ name }) => {
      held(name);
      return {};
    }),
  ];
}
