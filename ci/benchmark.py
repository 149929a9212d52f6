"""Train the same nets on the same real data with xpnet and with each peer that is installed.

    python ci/benchmark.py                              # digits; CIFAR-10 where it is found
    python ci/benchmark.py --data-dir DIR --threads 1,2
    python ci/benchmark.py --workloads digits-50 --peers by-hand,xpnet-numpy --rounds 9
    python ci/benchmark.py --from ci/benchmark.json     # table and picture anew

Every peer has a process of its own, with the same cores, the same bytes and the same initial
weights, and one at a time trains a round, in turn. A step's time has the drawing, gathering and
converting of the batch in it. The table, which is printed as Markdown, has the median of the rounds
with the smallest and largest; it is written as JSON too, and drawn.

To install the peers: pip install --group benchmark.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmark_peers import PEERS  # noqa: E402
from benchmark_peers.machine import describe_machine, gpu_name  # noqa: E402
from benchmark_peers.rounds import measure  # noqa: E402
from benchmark_peers.table import report  # noqa: E402
from benchmark_peers.workloads import (  # noqa: E402
    WORKLOADS,
    data_label,
    load_data,
    make_task,
)

from xpnet import InputError  # noqa: E402


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options, checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="the folder with cifar-10-batches-py/")
    parser.add_argument("--note", help="what tables say of CIFAR-10 (default: told by its bytes)")
    parser.add_argument("--workloads", type=_names(WORKLOADS), help="(default: all)")
    parser.add_argument("--peers", type=_names(PEERS), help="(default: all of the device)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--threads", type=_counts, default=[1], help="such as 1,2 (default: 1)")
    parser.add_argument("--rounds", type=_count, default=5, help="(default: 5)")
    parser.add_argument("--steps", type=_count, help="about so many a round, in whole epochs")
    parser.add_argument("--num-train", type=_count, help="use so many training pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "ci" / "benchmark.json")
    parser.add_argument("--from", dest="file", type=Path, help="measure nothing, show this file")
    options = parser.parse_args(arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if max(options.threads) > cores:
        parser.error(f"--threads {max(options.threads)}: this process may use {cores} cores")
    if options.device == "gpu" and not options.file and not gpu_name():
        parser.error("--device gpu needs a GPU that nvidia-smi finds, and there is none here")
    return options


def _names(known: dict) -> object:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return parse


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer; got {text!r}")
    return int(text)


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def run(options: argparse.Namespace) -> dict:
    """Measure all that is asked for."""
    names = options.peers or [n for n, peer in PEERS.items() if peer.device == options.device]
    found = {**describe_machine(), "results": []}
    for key in options.workloads or WORKLOADS:
        workload = WORKLOADS[key]
        try:
            data = load_data(workload.dataset, options.data_dir)
        except InputError as error:
            print(f"{key} is left out: {error}", file=sys.stderr)
            continue
        task = make_task(workload, data, options.num_train)
        label = f"{data_label(data, options.note)}, {workload.net(data.input_dim)}"
        for threads in options.threads:
            print(f"{key}, {threads} threads ...", file=sys.stderr)
            load = round(os.getloadavg()[0], 1)
            steps = options.steps or workload.steps
            result = measure(task, names, threads=threads, rounds=options.rounds, steps=steps)
            about = {"workload": key, "label": label, "batch_size": workload.batch_size}
            found["results"].append({**about, "threads": threads, "load": load, **result})
    if not found["results"]:
        sys.exit("nothing was measured: see why above")
    return found


def main(arguments: list[str] | None = None) -> None:
    """Measure or read, print the tables, write JSON and picture."""
    options = options_of(arguments)
    if options.file:
        found = json.loads(options.file.read_text())
    else:
        found = run(options)
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(report(found))


if __name__ == "__main__":
    main()
