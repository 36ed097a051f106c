"""In the place of spark-submit inside a Spark application: hands the specification over, and lives as long as the work.

    hand_over.py ADDRESS … SPEC

SIGTERM gives the work up; the exit code is 0 when every shard was tried to the end without a failure.
"""

import json
import os
import signal
import socket
import sys


def main(address, spec):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(address)
        signal.signal(signal.SIGTERM, lambda _signal, _frame: line.shutdown(socket.SHUT_WR))
        line.sendall((json.dumps({"spec": spec, "pid": os.getpid()}) + "\n").encode())
        return int(line.recv(1) or 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[-1]))
