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
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmark_peers import PEERS  # noqa: E402
from benchmark_peers.machine import describe_machine, gpu_name  # noqa: E402
from benchmark_peers.picture import draw  # noqa: E402
from benchmark_peers.rounds import measure  # noqa: E402
from benchmark_peers.startup import measure_startup  # noqa: E402
from benchmark_peers.table import report, summary  # noqa: E402
from benchmark_peers.whole_runs import EPOCHS, measure_runs  # noqa: E402
from benchmark_peers.workloads import (  # noqa: E402
    WORKLOADS,
    data_label,
    load_data,
    make_task,
)

from xpnet import InputError  # noqa: E402

WHOLE_RUNS, STARTUP = "notes-10-epochs", "startup"
ALL = (*WORKLOADS, WHOLE_RUNS, STARTUP)


def options_of(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options, checked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="the folder with cifar-10-batches-py/")
    parser.add_argument("--note", help="what tables say of CIFAR-10 (default: told by its bytes)")
    parser.add_argument("--workloads", type=_names(ALL), help=f"of {', '.join(ALL)} (all)")
    parser.add_argument("--peers", type=_names(PEERS), help=f"of {', '.join(PEERS)} (all)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--threads", type=_counts, default=[1], help="such as 1,2 (default: 1)")
    parser.add_argument("--rounds", type=_count, default=5, help="(default: 5)")
    parser.add_argument("--steps", type=_count, help="about so many a round, in whole epochs")
    parser.add_argument("--epochs", type=_count, default=EPOCHS, help="of notes-10-epochs (10)")
    parser.add_argument("--num-train", type=_count, help="use so many training pictures")
    parser.add_argument("--out", type=Path, default=ROOT / "ci" / "benchmark.json")
    parser.add_argument("--from", dest="file", type=Path, help="measure nothing, show this file")
    parser.add_argument(
        "--summary", action="store_true", help="print the one table that the README has"
    )
    options = parser.parse_args(arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if max(options.threads) > cores:
        parser.error(f"--threads {max(options.threads)}: this process may use {cores} cores")
    if options.device == "gpu" and not options.file and not gpu_name():
        parser.error("--device gpu needs a GPU that nvidia-smi finds, and there is none here")
    return options


def _names(known: Collection[str]) -> Callable[[str], list[str]]:
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


def run(options: argparse.Namespace) -> Iterator[dict]:
    """Measure all that is asked for, and give what was found after each part of it."""
    wanted = options.workloads or ALL
    found = {**describe_machine(), "results": [], "runs": []}
    for key in wanted:
        dataset = WORKLOADS[key].dataset if key in WORKLOADS else "cifar10"
        if key == STARTUP:
            print(f"{key} ...", file=sys.stderr)
            found["startup"] = measure_startup(options.rounds)
            yield found
            continue
        try:
            data = load_data(dataset, options.data_dir)
        except InputError as error:
            print(f"{key} is left out: {error}", file=sys.stderr)
            continue
        label = data_label(data, options.note)
        for threads in options.threads:
            print(f"{key}, threads: {threads} ...", file=sys.stderr)
            if key == WHOLE_RUNS:
                numbers = {"rounds": options.rounds, "epochs": options.epochs}
                result = measure_runs(options.data_dir, threads=threads, **numbers)
                found["runs"].append({"workload": key, "label": label, **result})
            else:
                result = run_peers(key, data, threads, options)
                found["results"].append({"workload": key, "label": label, **result})
            yield found


def run_peers(key: str, data: object, threads: int, options: argparse.Namespace) -> dict:
    """Measure a step of every peer on one workload."""
    workload = WORKLOADS[key]
    names = options.peers or [n for n, peer in PEERS.items() if peer.device == options.device]
    task = make_task(workload, data, options.num_train)
    steps = options.steps or workload.steps
    about = {"net": workload.net(task.X_train.shape[1]), "batch_size": workload.batch_size}
    return {
        **about,
        "threads": threads,
        **measure(task, names, threads=threads, rounds=options.rounds, steps=steps),
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure or read, print the tables, write JSON and picture."""
    options = options_of(arguments)
    if options.file:
        found = json.loads(options.file.read_text())
    else:
        found = None
        for found in run(options):
            options.out.write_text(json.dumps(found, indent=1) + "\n")
        if found is None:
            sys.exit("nothing was measured: see why above")
    print(summary(found) if options.summary else report(found))
    picture = (options.file or options.out).with_suffix(".png")
    if draw(found, picture):
        print(f"\ndrawn to {picture}", file=sys.stderr)


if __name__ == "__main__":
    main()
