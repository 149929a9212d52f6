"""Score the diagnoses by faults that were planted, and by healthy runs.

    python ci/planted_faults.py                        # four minutes; CIFAR-10 where it is found
    python ci/planted_faults.py --data-dir DIR --out ci/planted_faults.json
    python ci/planted_faults.py --only "learning rate" # those whose line has this text
    python ci/planted_faults.py --development          # the cases that thresholds were made with;
                                                       # needs scikit-learn
    python ci/planted_faults.py --from ci/planted_faults.json

A fault counts as named if one of the verdicts that were written down for it is a fault or a
warning; a healthy run counts as right if there is no fault and no warning at all.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "ci")]

from planted import development, development_more, faults, healthy, unusual  # noqa: E402
from planted.data import cifar10  # noqa: E402
from planted.run import Case  # noqa: E402
from planted.score import score, table, totals  # noqa: E402

import xpnet  # noqa: E402

__all__ = ["cases", "main"]


def cases(data_dir: str | None, *, is_development: bool = False) -> list[Case]:
    """Return all cases; those of CIFAR-10 where it is at hand."""
    if is_development:
        known = [*development.CASES, *development_more.MORE, *unusual.UNUSUAL]
        # Of data sets of scikit-learn, which nothing else here needs.
        from planted import others  # noqa: PLC0415

        return [*known, *others.OTHERS]
    found = [*(Case(one) for one in healthy.HEALTHY), *faults.FAULTS]
    if (arrays := cifar10(data_dir)) is not None:
        found += [Case(one) for one in healthy.with_cifar10(arrays)]
        found += faults.with_cifar10(arrays)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return 0."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", metavar="DIR", help="the folder of the CIFAR-10 files")
    parser.add_argument("--only", metavar="TEXT", help="cases whose name has this text")
    parser.add_argument("--development", action="store_true", help="the development cases")
    parser.add_argument("--out", metavar="FILE.json", help="write the result there")
    parser.add_argument("--from", dest="known", metavar="FILE.json", help="print a result")
    options = parser.parse_args(arguments)
    if options.known is not None:
        print(table(json.loads(Path(options.known).read_text(encoding="utf-8"))["cases"]))
        return 0
    chosen = [
        case
        for case in cases(options.data_dir, is_development=options.development)
        if options.only is None or options.only in f"{case.planted or 'healthy'} {case.run.name}"
    ]
    rows = score(chosen, lambda line: print(line, flush=True))
    print(*table(rows).splitlines()[len(rows) :], sep="\n")
    if options.out is not None:
        result = {"xpnet": xpnet.__version__, **totals(rows), "cases": rows}
        Path(options.out).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
