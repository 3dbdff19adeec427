"""The protocol that every peer speaks: a workload's name in, one timed sample of it out.

The Rust side of the same protocol is crates/retrodict/benches/peers.rs.
"""

import json
import os
import pathlib
import sys
import time

THREADS = int(os.environ.get("PEER_THREADS", "1"))
DATA = pathlib.Path(__file__).parent.parent / "crates/retrodict/tests/data"


def sample(work):
    """Times enough calls to last 50 ms; milliseconds a call, and the figure."""
    start, calls = time.perf_counter(), 0
    while True:
        figure = work()
        calls += 1
        seconds = time.perf_counter() - start
        if seconds > 0.05:
            return 1e3 * seconds / calls, figure


def serve(workload, memory=None):
    """Answers names on stdin; `workload` makes a function without arguments from a name.

    `memory` tells the most memory that was ever held, in MiB.
    """
    name, work = None, None
    for line in sys.stdin:
        wanted = line.strip()
        if wanted != name:
            name, work = wanted, workload(wanted)
            work()
        milliseconds, figure = sample(work)
        answer = {"workload": name, "threads": THREADS, "milliseconds": milliseconds, "figure": float(figure)}
        if memory:
            answer["mebibytes"] = memory()
        print(json.dumps(answer), flush=True)
