"""The process of one peer: makes its net, then trains whenever it is told to.

    python -m benchmark_peers.worker FOLDER PEER THREADS

Commands come as lines, answers go as lines of JSON. The threads are bounded by the cores that the
process may use, which every library respects; the environment says so to BLAS and OpenMP besides.
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from benchmark_peers import PEERS

__all__ = ["keep_to_cores", "own_stdout", "peak_mb"]


def keep_to_cores(threads: int) -> None:
    """Let this process use so many cores, where the system can bound them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def own_stdout() -> TextIO:
    """Return standard output for the answers alone; what libraries print goes to the errors."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def peak_mb() -> float:
    """Return the largest memory that this process has held, in MB of 10**6 bytes.

    Not by `ru_maxrss` where Linux has better: that one counts what the parent held before exec.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def _make(folder: Path, name: str, times: dict[str, float]) -> tuple[Any, Any]:
    """Return the peer and its task, and put into `times` how long each part took."""
    entry = PEERS[name]
    begun = time.perf_counter()
    importlib.import_module("numpy")
    times["import_numpy_s"] = time.perf_counter() - begun
    module, _, attribute = entry.place.partition(":")
    begun = time.perf_counter()
    importlib.import_module(entry.library)
    make = getattr(importlib.import_module(f"benchmark_peers.{module}"), attribute)
    times["import_s"] = time.perf_counter() - begun
    from benchmark_peers.task import read_task  # noqa: PLC0415 - NumPy's import is timed above

    begun = time.perf_counter()
    task = read_task(folder)
    peer = make(task, entry.option) if entry.option else make(task)
    times["load_s"] = time.perf_counter() - begun
    return peer, task


def main() -> None:
    """Make the peer, then obey."""
    folder, name, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    keep_to_cores(threads)
    answers = own_stdout()
    times: dict[str, float] = {}

    def answer(**what: Any) -> None:
        answers.write(json.dumps(what) + "\n")

    try:
        peer, task = _make(folder, name, times)
    except ImportError as error:
        answer(missing=str(error))
        return
    version = getattr(sys.modules[PEERS[name].library], "__version__", "")
    answer(ready=times, version=version)
    rested = time.process_time()
    for line in sys.stdin:
        command, epochs = line.split()
        idle = time.process_time() - rested
        begun, worked = time.perf_counter(), time.process_time()
        if command == "train":
            peer.train(int(epochs))
            seconds = time.perf_counter() - begun
            rested = time.process_time()
            answer(seconds=seconds, cpu_s=rested - worked, idle_cpu_s=idle)
        else:
            peak = peak_mb()
            peer.settle(int(epochs))
            predicted = peer.predict(task.X_test)
            accuracy = None if predicted is None else float((predicted == task.y_test).mean())
            answer(accuracy=accuracy, peak_mb=peak, idle_cpu_s=idle)


if __name__ == "__main__":
    main()
