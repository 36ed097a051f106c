import { memberContract } from "../../contracts/member.ts";
import { fakeCluster } from "./fake-cluster.ts";

describe("the group's member of the fake cluster", () => {
  memberContract(async () => {
    const cluster = fakeCluster(2);
    return {
      join: cluster.join,
      produce: async (partition, values) => cluster.produce(partition, ...values),
      expire: async (partition, before) => cluster.expire(partition, before),
      [Symbol.asyncDispose]: async () => undefined,
    };
  });
});
