import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCpuList, readMachine, threadsHere, type ReadText } from "../../pool/machine.ts";
import { pinned, sizeMachine, type Machine, type SizingWish } from "../../pool/sizing.ts";

const gib = 2 ** 30;
const auto: SizingWish = { processes: "auto", threadsPerProcess: "auto", pin: true, workerMemoryBytes: gib };
const four: Machine = { cpus: [0, 1, 2, 3], cpuQuota: Infinity, memoryBytes: 64 * gib, canPin: true };

describe("sizing", () => {
  it("gives each core a pinned process of one thread", () => {
    assert.deepEqual(sizeMachine(four, auto), { processes: 4, threadsPerProcess: 1, pins: [[0], [1], [2], [3]] });
    assert.deepEqual(sizeMachine({ ...four, cpus: [2, 5] }, auto).pins, [[2], [5]]);
  });

  it("takes what the user says, and fills in the rest", () => {
    assert.deepEqual(sizeMachine(four, { ...auto, processes: 2 }), {
      processes: 2,
      threadsPerProcess: 2,
      pins: [
        [0, 1],
        [2, 3],
      ],
    });
    assert.equal(sizeMachine(four, { ...auto, threadsPerProcess: 2 }).processes, 2);
    assert.equal(sizeMachine(four, { ...auto, processes: 9 }).processes, 9);
  });

  it("does not pin where another may be pinned to the same core", () => {
    assert.equal(sizeMachine({ ...four, cpuQuota: 2 }, auto).pins, undefined);
    assert.equal(sizeMachine({ ...four, cpuQuota: 2 }, auto).processes, 2);
    assert.equal(sizeMachine(four, { ...auto, processes: 9 }).pins, undefined);
    assert.equal(sizeMachine({ ...four, canPin: false }, auto).pins, undefined);
    assert.equal(sizeMachine(four, { ...auto, pin: false }).pins, undefined);
  });

  it("starts no more processes than memory holds, and says so", () => {
    const small = sizeMachine({ ...four, memoryBytes: 3 * gib }, auto);
    assert.equal(small.processes, 2);
    assert.match(small.note!, /memory allows 2 workers/);
  });

  it("always has a process and a thread, and never pins one CPU twice", () => {
    const count = fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 300 }));
    const machine = fc.record({
      cpus: fc.uniqueArray(fc.nat(1000), { minLength: 1, maxLength: 128 }),
      cpuQuota: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.05, max: 128, noNaN: true })),
      memoryBytes: fc.nat(2 ** 40),
      canPin: fc.boolean(),
    });
    fc.assert(
      fc.property(machine, count, count, fc.boolean(), (here, processes, threadsPerProcess, pin) => {
        const sizing = sizeMachine(here, { processes, threadsPerProcess, pin, workerMemoryBytes: gib });
        assert.ok(sizing.processes >= 1 && sizing.threadsPerProcess >= 1);
        const used = sizing.pins?.flat() ?? [];
        assert.equal(new Set(used).size, used.length);
        assert.ok(used.every((cpu) => here.cpus.includes(cpu)));
        if (sizing.pins !== undefined) assert.equal(sizing.pins.length, sizing.processes);
      }),
    );
  });

  it("wraps a command for taskset", () => {
    assert.deepEqual(pinned({ file: "node", arguments: ["a"] }, [1, 3]), { file: "taskset", arguments: ["-c", "1,3", "node", "a"] });
    assert.deepEqual(pinned({ file: "node", arguments: ["a"] }, undefined), { file: "node", arguments: ["a"] });
  });
});

function files(texts: Record<string, string>): ReadText {
  return (path) => texts[path];
}

describe("machine", () => {
  it("reads affinity lists", () => {
    assert.deepEqual(parseCpuList("0-2,5,7-8"), [0, 1, 2, 5, 7, 8]);
    assert.deepEqual(readMachine(files({ "/proc/self/status": "Name:\tnode\nCpus_allowed_list:\t1,3\n" })).cpus, [1, 3]);
  });

  it("takes the tightest cgroup v2 limit of the group and those above it, page cache not counted", () => {
    const machine = readMachine(
      files({
        "/proc/self/cgroup": "0::/a/b\n",
        "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
        "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        "/sys/fs/cgroup/a/b/memory.max": `${4 * gib}\n`,
        "/sys/fs/cgroup/a/b/memory.current": `${3 * gib}\n`,
        "/sys/fs/cgroup/a/b/memory.stat": `anon 1\ninactive_file ${gib}\n`,
        "/proc/meminfo": "MemTotal: 99999999 kB\nMemAvailable: 88888888 kB\n",
      }),
    );
    assert.equal(machine.cpuQuota, 1.5);
    assert.equal(machine.memoryBytes, 2 * gib);
  });

  it("reads cgroup v1, where no limit is a huge number", () => {
    const machine = readMachine(
      files({
        "/proc/self/cgroup": "4:memory:/x\n2:cpu,cpuacct:/x\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712\n",
        "/proc/meminfo": "MemAvailable: 1024 kB\n",
      }),
    );
    assert.equal(machine.cpuQuota, 0.5);
    assert.equal(machine.memoryBytes, 2 ** 20);
  });

  it("gives a worker as many threads as it may use cores", () => {
    const status = { "/proc/self/status": "Cpus_allowed_list:\t0-7\n" };
    assert.equal(threadsHere(files(status)), 8);
    assert.equal(threadsHere(files({ ...status, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "250000 100000\n" })), 3);
  });

  it("knows this machine", () => {
    const machine = readMachine();
    assert.ok(machine.cpus.length >= 1 && machine.memoryBytes > 0 && machine.cpuQuota > 0);
  });
});
