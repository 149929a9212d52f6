"""How soon a first batch is done, and how large the library is on the disk."""

import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmark_peers.rounds import environment

__all__ = ["measure_startup", "startup_lines"]

_PACKAGES = (
    *("xpnet", "array_api_compat", "filelock", "safetensors", "threadpoolctl", "tomli_w", "tqdm"),
)
_FIRST_BATCH = """
import numpy, xpnet
rng = numpy.random.default_rng(0)
X, y = rng.integers(0, 256, (100, 3072)).astype("uint8"), numpy.arange(100) % 10
data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
xpnet.Solver(xpnet.TwoLayerNet(), data, num_epochs=1, preprocess="mean", verbose=False).train()
"""


def measure_startup(rounds: int) -> dict:
    """Return the seconds of a process that imports NumPy, and of one that does a first batch."""
    seconds: dict[str, list[float]] = {"numpy": [], "xpnet": []}
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(rounds + 1):
            for name, code in (("numpy", "import numpy"), ("xpnet", _FIRST_BATCH)):
                begun = time.perf_counter()
                env = environment(1, Path(scratch))
                subprocess.run([sys.executable, "-c", code], env=env, check=True)
                seconds[name].append(time.perf_counter() - begun)
    disk = {name: _size(name) for name in _PACKAGES}
    # the first round reads the files from the disk
    return {"seconds": {name: found[1:] for name, found in seconds.items()}, "disk_mb": disk}


def startup_lines(found: dict) -> str:
    """Return the sentences."""
    seconds, disk = found["seconds"], found["disk_mb"]
    extra = [own - bare for own, bare in zip(seconds["xpnet"], seconds["numpy"], strict=True)]
    parts = ", ".join(f"{name} {size:.1f}" for name, size in disk.items())
    return (
        f"A process that imports xpnet and trains a first batch takes {median(extra):.2f} s "
        f"({min(extra):.2f} to {max(extra):.2f}) longer than one that imports NumPy "
        f"({median(seconds['numpy']):.2f} s). On the disk xpnet and what it needs beside NumPy "
        f"have {sum(disk.values()):.1f} MB: {parts}."
    )


def _size(package: str) -> float:
    """Return the MB of a package's files, without the bytecode that Python adds."""
    spec = find_spec(package)
    places = spec.submodule_search_locations or [spec.origin]
    files = [f for p in places for f in ([Path(p)] if Path(p).is_file() else Path(p).rglob("*"))]
    return sum(f.stat().st_size for f in files if f.is_file() and f.suffix != ".pyc") / 1e6
