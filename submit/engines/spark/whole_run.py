"""`driver.py run`: a whole run inside one Spark application, so that a scheduler needs one call.

`imagemill run` of the runtime archive plans, seals and loads with its engine `spark`. Where that would start
spark-submit it starts hand_over.py, which hands the shards to the application that is here already.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


def whole_run(context, runtime, flags, at_driver, do_shards):
    """Gives the exit code of imagemill, whose JSON is the last line."""
    folder = tempfile.mkdtemp(prefix="imagemill-")
    desk = Desk(os.path.join(folder, "desk"), lambda spec, pid, begun: do_shards(context, spec, pid, begun))
    process = subprocess.Popen(
        [os.path.join(runtime, "bin", "imagemill"), "run"]
        + with_config(flags, lambda uri: at_driver(context, uri))
        + own_settings(context, submit_command(folder, desk.address)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        env=dict(os.environ, XDG_STATE_HOME=folder, XDG_CACHE_HOME=folder),
    )

    def on_terminate(_signal, _frame):
        process.terminate()
        desk.cancel()

    signal.signal(signal.SIGTERM, on_terminate)
    said = process.communicate()[0].decode("utf-8", "replace")
    context.stop()
    print(said, end="", flush=True)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def with_config(flags, path_of):
    """`--config NAME`, with the path at which the driver has the file of that name."""
    given = [flag for flag in flags if flag != "--json"]
    for at, flag in enumerate(given):
        if flag == "--config" and at + 1 < len(given):
            given[at + 1] = path_of(given[at + 1])
        elif flag.startswith("--config="):
            given[at] = "--config=" + path_of(flag[len("--config=") :])
    return given


def own_settings(context, command):
    """The application around us is the cluster; its properties say what a shard gets."""
    properties = context.getConf()
    # In one JVM the master's URL says how often a shard is tried.
    local = re.match(r"local(?:\[[^,\]]+(?:,(\d+))?\])?$", context.master)
    tries = int(local[1] or 1) if local else int(properties.get("spark.task.maxFailures", "4"))
    settings = {
        "engine": "spark",
        # hand_over.py takes it for granted.
        "spark.master": "yarn",
        "spark.submitCommand": command,
        "spark.worker": "unpacked",
        "spark.taskCpus": properties.get("spark.task.cpus", "1"),
        # One less than at which Spark would end the other shards' work, too.
        "spark.shardAttempts": max(1, min(10, tries - 1)),
    }
    return ["--json"] + [word for name, value in settings.items() for word in ("--set", "%s=%s" % (name, value))]


def submit_command(folder, address):
    """A program in the place of spark-submit."""
    path = os.path.join(folder, "submit")
    words = [sys.executable, os.path.join(HERE, "hand_over.py"), address]
    with open(path, "w", encoding="utf-8") as file:
        file.write('#!/bin/sh\nexec %s "$@"\n' % " ".join(map(shlex.quote, words)))
    os.chmod(path, 0o700)
    return path


class Desk:
    """Where hand_over.py brings specifications: one after the other, each done before the line is closed."""

    def __init__(self, address, do):
        self.address, self.do = address, do
        self.job = None
        self.cancelled = False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            line, _ = self.listener.accept()
            with line:
                try:
                    self.serve_one(line)
                except Exception:
                    # Whoever waits at the other end sees the line closed without an answer, which is a failure.
                    traceback.print_exc()

    def serve_one(self, line):
        asked = json.loads(line_from(line))
        with open(asked["spec"], encoding="utf-8") as file:
            spec = json.load(file)
        ending = self.do(spec, asked["pid"], lambda job: self.begun(job, line))
        line.sendall(b"0" if ending["state"] == "succeeded" else b"1")
        # Wakes the thread that waits for a cancel.
        line.shutdown(socket.SHUT_RDWR)

    def begun(self, job, line):
        self.job = job
        job.cancelled = self.cancelled
        threading.Thread(target=cancel_at_end, args=(line, job), daemon=True).start()

    def cancel(self):
        self.cancelled = True
        if self.job is not None:
            self.job.cancelled = True


def line_from(connection):
    said = b""
    while not said.endswith(b"\n"):
        said += connection.recv(4096) or b"\n"
    return said


def cancel_at_end(connection, job):
    """Who brought the specification says no more than that it is to be given up."""
    connection.recv(1)
    job.cancelled = True
