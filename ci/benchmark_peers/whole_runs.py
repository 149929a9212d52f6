"""Whole trainings, accuracy checks included: ours, and the notes' in float64 and in float32.

Each is one process, of `benchmark_peers.whole_run`.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmark_peers.rounds import environment, load_now
from benchmark_peers.spread import spread

__all__ = ["EPOCHS", "RUNS", "measure_runs", "runs_table"]

EPOCHS = 10
RUNS = {
    "notes": "the notes as printed, float64",
    "notes-float32": "the notes, in float32",
    "xpnet": "**xpnet** on NumPy, float32",
}


def measure_runs(data_dir: str | None, *, threads: int, rounds: int, epochs: int) -> dict[str, Any]:
    """Return what each training of each round took."""
    found: dict[str, Any] = {name: [] for name in RUNS}
    load = [load_now()]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        for number in range(rounds):
            for name in list(RUNS)[:: -1 if number % 2 else 1]:
                numbers = [data_dir or "", str(epochs), str(threads)]
                done = subprocess.run(
                    [sys.executable, "-m", "benchmark_peers.whole_run", name, *numbers],
                    env=environment(threads, Path(scratch)),
                    check=True,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                found[name].append(json.loads(done.stdout))
    return {"threads": threads, "epochs": epochs, "load": [*load, load_now()], "runs": found}


def runs_table(result: dict) -> str:
    """Return the table of these trainings."""
    runs, threads = result["runs"], result["threads"]
    ours = [run["seconds"] for run in runs["xpnet"]]
    epochs = f"{result['epochs']} epoch{'s' if result['epochs'] > 1 else ''}"
    head = (
        f"**{result['label']}, 3072-50-10, {epochs} with accuracy checks, "
        f"{threads} thread{'s' if threads > 1 else ''}**: {len(ours)} rounds, load "
        f"{' to '.join(map(str, result['load']))}."
    )
    lines = [head, "", "| | s | xpnet / this | best validation accuracy | load s | peak MB |"]
    lines.append("|---|---|---|---|---|---|")
    for name, label in RUNS.items():
        seconds = [run["seconds"] for run in runs[name]]
        ratio = spread([own / other for own, other in zip(ours, seconds, strict=True)], ".3f")
        others = (median(run[key] for run in runs[name]) for key in ("best", "load_s", "peak_mb"))
        best, load_s, peak = others
        cells = f"{spread(seconds, '.2f')} | {ratio} | {best:.3f} | {load_s:.2f} | {peak:,.0f}"
        lines.append(f"| {label} | {cells} |")
    return "\n".join(lines)
