"""The Spark application: one shard a Spark task, each an `imagemill worker` process. Needs nothing but PySpark.

    driver.py SPEC       does the shards of SparkSpec (submission.ts), a path or URI; keeps a status file where that names one
    driver.py run FLAGS  `imagemill run FLAGS` of the runtime archive that Spark was given along: plan, shards, load

Only shard ids go through Spark, never images. SIGTERM stops everything. The last line says how it ended, as JSON.
"""

import collections
import ctypes
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

from pyspark import AccumulatorParam, SparkContext, SparkFiles, TaskContext

STATUS_SECONDS = 0.5
TAIL_LINES = 20
MESSAGE_CHARACTERS = 4000
# Beyond the worker's own deadline for a shard: it should have ended by itself.
OVERDUE_SECONDS = 60
# When this many shards in a row were given up, the cause is not the shards.
HOPELESS_AFTER = 3
FAILURES_KEPT = 10
# Where Spark unpacks the runtime archive: what follows the # of its URI.
RUNTIME = "imagemill-runtime"
# Exit codes of the worker, as in core/errors.ts.
USAGE, PRECONDITION, CANCELLED = 2, 4, 130


class ShardFailed(Exception):
    """One attempt at a shard: Spark tries again, elsewhere if it can."""


class Outcomes(AccumulatorParam):
    """What became of shards, added up as Spark tasks end."""

    def zero(self, value):
        return {"done": 0, "failed": 0, "in_a_row": 0, "failures": [], "stop": None}

    def addInPlace(self, a, b):
        return {
            "done": a["done"] + b["done"],
            "failed": a["failed"] + b["failed"],
            "in_a_row": b["in_a_row"] if b["done"] else a["in_a_row"] + b["in_a_row"],
            "failures": (a["failures"] + b["failures"])[-FAILURES_KEPT:],
            "stop": a["stop"] or b["stop"],
        }


def task_of(spec, outcomes):
    """The function that Spark runs on each partition, which is one shard."""

    def task(shards):
        for shard in shards:
            attempt = TaskContext.get().attemptNumber() + 1
            failure = run_worker(spec, shard, attempt)
            outcome = outcomes_of(spec, failure, attempt)
            if outcome is None:
                raise ShardFailed("shard %s, attempt %d: %s" % (shard, attempt, failure["message"]))
            outcomes.add(outcome)
            yield 1

    return task


def outcomes_of(spec, failure, attempt):
    """None: try again."""
    outcome = Outcomes().zero(None)
    if failure is None:
        outcome["done"] = 1
    elif failure["exitCode"] == CANCELLED:
        outcome["stop"] = "cancelled"
    elif failure["exitCode"] in (USAGE, PRECONDITION) or attempt >= spec["shardAttempts"]:
        # Raised instead, it would end the whole Spark job: the other shards go on.
        stop = "fatal" if failure["exitCode"] in (USAGE, PRECONDITION) else None
        outcome.update(failed=1, in_a_row=1, failures=[failure], stop=stop)
    else:
        return None
    return outcome


def run_worker(spec, shard, attempt):
    """None when the shard has its commit, by this attempt or another; else how the worker ended."""
    command = worker_command(spec) + [
        "worker", "--run", spec["runId"], "--shard", shard, "--control", spec["control"],
        "--threads", str(spec["threads"]), "--engine-attempt", str(attempt), "--log-level", spec["logLevel"],
    ]  # fmt: skip
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(os.environ, **spec["environment"]), preexec_fn=end_with_parent(),
        )  # fmt: skip
    except OSError as error:
        return failure_of(shard, None, "cannot start %s: %s" % (command[0], error), None)
    said, tail = {}, collections.deque(maxlen=TAIL_LINES)
    readers = [
        reading(process.stdout, lambda line: note_event(line, said)),
        reading(process.stderr, lambda line: note_log(line, tail)),
    ]
    try:
        exit_code = process.wait(timeout=spec["shardSeconds"] + OVERDUE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        exit_code = process.wait()
        said = {"message": "the worker was still there %d s after its deadline" % OVERDUE_SECONDS, "code": "OVERDUE"}
    finally:
        # The task is being killed: the worker must not go on without it.
        if process.poll() is None:
            process.terminate()
    for reader in readers:
        reader.join(5)
    if exit_code == 0:
        return None
    if "message" in said:
        return failure_of(shard, exit_code, "%s (%s)" % (said["message"], said.get("code")), said.get("hint"))
    how = "signal %d" % -exit_code if exit_code < 0 else "exit code %d" % exit_code
    message, hint = last_words(tail)
    return failure_of(shard, exit_code, "the worker ended with %s%s" % (how, message), hint)


def failure_of(shard, exit_code, message, hint):
    return {"shard": shard, "exitCode": exit_code, "message": message[:MESSAGE_CHARACTERS], "hint": hint}


def worker_command(spec):
    if spec["archive"] is None:
        return spec["command"]
    return [os.path.join(given(spec["archive"]) or spec["archive"], "bin", "imagemill")]


def given(name):
    """The path of a file or an unpacked archive that Spark was given along; None where this process has it not."""
    paths = [os.path.join(folder, name) for folder in (SparkFiles.getRootDirectory(), os.getcwd())]
    return next((path for path in paths if os.path.exists(path)), None)


def end_with_parent():
    """A preexec_fn after which the kernel ends the worker when the Python process of its Spark task is killed."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def in_child():
        prctl(1, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(128 + signal.SIGTERM)

    return in_child


def reading(stream, note):
    def read():
        with stream:
            for line in stream:
                note(line[:8000].decode("utf-8", "replace").rstrip("\n"))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def note_event(line, said):
    if '"shard-failed"' in line:
        event = parsed(line)
        said.update({key: event[key] for key in ("message", "code", "hint") if key in event})


def note_log(line, tail):
    tail.append(line)
    # Into the executor's own log, where Spark's pages show it.
    print(line, file=sys.stderr, flush=True)


def last_words(tail):
    """What the last line of its log says, and the hint in it."""
    line = next((line for line in reversed(tail) if line.strip()), None)
    if line is None:
        return "", None
    entry = parsed(line)
    if "message" in entry:
        return ": %s (%s)" % (entry["message"], entry.get("code", entry.get("event"))), entry.get("hint")
    return ": %s" % line[:500], None


def parsed(line):
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


class Job:
    """The Spark job in a thread of its own, so that this one can watch it, tell of it and stop it."""

    def __init__(self, context, spec, shards):
        self.context, self.spec, self.shards = context, spec, shards
        self.outcomes = context.accumulator(Outcomes().zero(None), Outcomes())
        self.error = None
        self.cancelled = False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            self.context.setJobGroup("imagemill", "imagemill %s" % self.spec["runId"], interruptOnCancel=True)
            shards = self.context.parallelize(self.shards, max(1, len(self.shards)))
            shards.mapPartitions(task_of(self.spec, self.outcomes)).foreach(lambda _: None)
        except Exception as error:
            self.error = error

    def watch(self, tell):
        self.thread.start()
        while self.thread.is_alive():
            self.thread.join(STATUS_SECONDS)
            tell(self.counts())
            if self.must_stop():
                return self.stop()

    def must_stop(self):
        value = self.outcomes.value
        return self.cancelled or value["stop"] is not None or value["in_a_row"] >= HOPELESS_AFTER

    def stop(self):
        self.context.cancelAllJobs()
        self.thread.join(20)
        # Spark forgets a killed task before its process has ended.
        time.sleep(1)

    def counts(self):
        tracker = self.context.statusTracker()
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        return {
            "running": sum(stage.numActiveTasks for stage in stages if stage is not None),
            "retried": sum(stage.numFailedTasks for stage in stages if stage is not None),
            "failed": self.outcomes.value["failed"],
        }

    def ending(self):
        value = self.outcomes.value
        if self.cancelled or value["stop"] == "cancelled":
            return {"state": "cancelled"}
        if value["failures"]:
            last = value["failures"][-1]
            return {"state": "failed", "message": "shard %s: %s" % (last["shard"], last["message"]), "hint": last["hint"]}
        if self.error is not None:
            text = str(self.error)
            return {"state": "failed", "message": text[max(text.find("Job aborted"), 0) :][:MESSAGE_CHARACTERS]}
        return {"state": "succeeded"}


class Status:
    """Kept in a file where somebody looks at one."""

    def __init__(self, path, pid):
        self.path = path
        self.value = {"state": "pending", "pid": pid}

    def tell(self, **changes):
        self.value.update(changes)
        if self.path is not None:
            with open(self.path + ".partial", "w", encoding="utf-8") as file:
                json.dump(self.value, file)
            os.replace(self.path + ".partial", self.path)


def do_shards(context, spec, pid, begun, over=lambda: None):
    """Gives how it ended. SIGTERM to `pid` cancels: `begun` gets the job for that, `over` ends what a cancel leaves."""
    context.setLogLevel("WARN")  # Three lines a task are a long log where there are many shards.
    status, job = Status(spec["status"], pid), Job(context, dict(spec, shards=None), spec["shards"])
    begun(job)
    status.tell(state="running", applicationId=context.applicationId, ui=context.uiWebUrl)
    job.watch(lambda counts: status.tell(**counts))
    ending = job.ending()
    if ending["state"] == "cancelled":
        over()
    status.tell(**ending, running=0, failed=job.outcomes.value["failed"])
    return ending


def at_driver(context, uri):
    """The path of what Spark was given along under this URI, or of a copy where it gave it to executors only."""
    return (uri if os.path.exists(uri) else given(os.path.basename(uri))) or fetched(context, uri)


def fetched(context, uri):
    if "://" not in uri:
        sys.exit("%s is missing here: give Spark that file along, as a URI (file_uris)" % uri)
    path = os.path.join(tempfile.mkdtemp(prefix="imagemill-"), os.path.basename(uri))
    hadoop = context._jvm.org.apache.hadoop.fs
    files = hadoop.Path(uri).getFileSystem(context._jsc.hadoopConfiguration())
    files.copyToLocalFile(hadoop.Path(uri), hadoop.Path(path))
    return path


def runtime_at_driver(context):
    """The folder of the unpacked runtime archive. On YARN only executors have it: then it is fetched."""
    if given(RUNTIME) is not None:
        return given(RUNTIME)
    sent = ",".join(context.getConf().get(name, "") for name in ("spark.archives", "spark.yarn.dist.archives"))
    uri = next((uri for uri in sent.split(",") if uri.endswith("#" + RUNTIME)), None)
    if uri is None:
        sys.exit("the runtime archive is missing: give Spark the archive gs://…/imagemill-runtime-….tar.gz#" + RUNTIME)
    folder = tempfile.mkdtemp(prefix=RUNTIME)
    with tarfile.open(fetched(context, uri.split("#")[0])) as archive:
        archive.extractall(folder)
    return folder


def main(arguments):
    context = SparkContext.getOrCreate()
    if arguments[0] == "run":
        runtime = runtime_at_driver(context)
        # Of the archive, and of the driver alone: executors are sent this file only.
        sys.path.insert(0, os.path.join(runtime, "app", "submit", "engines", "spark"))
        from whole_run import whole_run

        return whole_run(context, runtime, arguments[1:], at_driver, do_shards)
    with open(at_driver(context, arguments[0]), encoding="utf-8") as file:
        spec = json.load(file)

    def begun(job):
        signal.signal(signal.SIGTERM, lambda _signal, _frame: setattr(job, "cancelled", True))

    # A cancel is over when nothing runs any more; everything else is known before.
    ending = do_shards(context, spec, os.getpid(), begun, over=context.stop)
    context.stop()
    print(json.dumps({"imagemill": ending}), flush=True)
    return 0 if ending["state"] == "succeeded" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
