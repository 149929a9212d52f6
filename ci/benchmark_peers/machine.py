"""Where and when a benchmark ran."""

import datetime
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["describe_machine", "gpu_name"]

_PACKAGES = ("numpy", "torch", "jax", "keras", "thinc", "scikit-learn", "cupy")


def describe_machine() -> dict:
    """Return the machine, the versions, the commit, the date and the load."""
    commit = _said("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty")
    return {
        "machine": f"{os.cpu_count()} cores of {_processor()}",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "gpu": gpu_name(),
        "versions": {name: found for name in _PACKAGES if (found := _version(name))},
        "commit": commit or "unknown",
        "date": datetime.date.today().isoformat(),
    }


def gpu_name() -> str:
    """Return the GPU's name and driver, or nothing where there is none."""
    return _said("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _said(*command: str) -> str:
    """Return what a command prints, or nothing where it cannot be run."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
