"""Runs the peers of one workload: a process each, one at work at a time, in turn."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmark_peers import PEERS
from benchmark_peers.task import Task, write_task

__all__ = ["environment", "load_now", "measure"]

_FOLDER = Path(__file__).resolve().parent.parent
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_WARM_UP = 2  # rounds: ours on JAX compiles for the first epoch, then for those after it
_REST = 0.2  # seconds; BLAS's threads spin for some 0.06 after their work, then they sleep
_LEFT_OUT = "has no batch normalisation here"


class PeerError(Exception):
    """A peer cannot go on; the message is the reason."""


def environment(threads: int, scratch: Path) -> dict[str, str]:
    """Return the environment of a peer's process."""
    paths = [str(_FOLDER), str(_FOLDER.parent), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        **dict.fromkeys(_THREAD_VARIABLES, str(threads)),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "KERAS_BACKEND": "jax",
        # compiled anew in each run, so that the time of compiling is seen
        "TORCHINDUCTOR_CACHE_DIR": str(scratch),
    }


class _Process:
    """A peer's process, and what it has answered."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        scratch = folder / f"compiled-{name}"
        self.log = (folder / f"{name}.log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmark_peers.worker", str(folder), name, str(threads)],
            env=environment(threads, scratch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer and return it."""
        line = self.process.stdout.readline()
        if not line:
            self.log.seek(0)
            said = re.findall(r"^[\w.]+: \S.*", self.log.read(), flags=re.MULTILINE)
            raise PeerError(said[-1][:160] if said else "it ended without a word")
        found = json.loads(line)
        if "missing" in found:
            raise PeerError(f"not installed: {found['missing']}")
        return found

    def ask(self, command: str, epochs: int) -> dict[str, Any]:
        """Give a command and return the answer."""
        with suppress(BrokenPipeError):  # then there is no answer either, and the log says why
            self.process.stdin.write(f"{command} {epochs}\n")
            self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """End the process and wait until it is gone."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


@contextmanager
def _started(name: str, folder: Path, threads: int) -> Iterator[_Process]:
    process = _Process(name, folder, threads)
    try:
        yield process
    finally:
        process.end()


def load_now() -> float | None:
    """Return the system's load of the last minute, where there is such a number."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


class _Crew:
    """The peers at work, and what was found of each; one that fails is left out from then on."""

    def __init__(self, folder: Path, task: Task, threads: int, stack: ExitStack) -> None:
        self.folder, self.task, self.threads, self.stack = folder, task, threads, stack
        self.found: dict[str, Any] = {}
        self.at_work: dict[str, _Process] = {}

    @contextmanager
    def leaving_out(self, name: str) -> Iterator[None]:
        """Note a failure of this peer and go on without it."""
        try:
            yield
        except PeerError as error:
            self.at_work.pop(name, None)
            self.found[name] = {"left_out": str(error)}

    def start(self, name: str, epochs: int) -> None:
        """Start a peer and train the rounds that do not count."""
        if self.task.batchnorm and not PEERS[name].deep:
            self.found[name] = {"left_out": _LEFT_OUT}
            return
        process = self.stack.enter_context(_started(name, self.folder, self.threads))
        with self.leaving_out(name):
            made = process.answer()
            warm_up = [process.ask("train", epochs)["seconds"] for _ in range(_WARM_UP)]
            self.found[name] = {**made["ready"], "version": made["version"], "warm_up_s": warm_up}
            self.found[name] |= {"us": [], "cores": [], "idle_cpu_s": 0.0}
            self.at_work[name] = process

    def round(self, order: int, epochs: int) -> None:
        """Let each train a round, in their order (1) or backwards (-1)."""
        for name in list(self.at_work)[::order]:
            if self.threads > 1:
                time.sleep(_REST)
            with self.leaving_out(name):
                answer, peer = self.at_work[name].ask("train", epochs), self.found[name]
                peer["us"].append(1e6 * answer["seconds"] / (epochs * self.task.steps))
                peer["cores"].append(answer["cpu_s"] / answer["seconds"])
                peer["idle_cpu_s"] += answer["idle_cpu_s"]

    def finish(self, epochs: int) -> None:
        """Ask each how good its net is, and how much memory it took."""
        for name in list(self.at_work):
            with self.leaving_out(name):
                answer = self.at_work[name].ask("finish", epochs)
                self.found[name] |= {key: answer[key] for key in ("accuracy", "peak_mb")}


def measure(
    task: Task, names: list[str], *, threads: int, rounds: int, steps: int
) -> dict[str, Any]:
    """Return what each peer did: times of its rounds, accuracy, and what it cost beside.

    Each has made its net and trained two rounds, which compile, before the first round that
    counts. The order is turned around from round to round.
    """
    epochs = max(1, round(steps / task.steps))
    done, load = epochs * (rounds + _WARM_UP), [load_now()]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        write_task(folder, task)
        crew = _Crew(folder, task, threads, stack)
        for name in names:
            crew.start(name, epochs)
        for number in range(rounds):
            crew.round(-1 if number % 2 else 1, epochs)
        load.append(load_now())
        crew.finish(done)
    numbers = {"epochs": done, "steps_per_round": epochs * task.steps, "load": load}
    return {**numbers, "peers": {name: crew.found[name] for name in names}}
