"""Measure how far each backend is from NumPy, and keep the table in the README.

    python ci/backends_table.py            # run tests/test_difference.py, then write the table
    python ci/backends_table.py dpnp       # run and write this column alone
    python ci/backends_table.py --from F   # take what pytest --differences=F wrote elsewhere
    python ci/backends_table.py --render   # write the table from the figures that are there
    python ci/backends_table.py --check    # fail where the README does not show them as they are

The figures lie in ci/backends.json, a column for each backend with the commit and the date of its
run. A column whose sources have changed since is rendered as stale, one that never ran as not run.

Columns that are not measured stay as they are, so that each can have an environment of its own:
run this by the Python of the environment that has the library, and name the column. `--from` is
for a machine that has a copy of this very commit and no git, such as one with a GPU.
"""

import argparse
import datetime
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STORE = ROOT / "ci" / "backends.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- table of backends -->", "<!-- end of the table -->"
COLUMNS = {
    "array-api-strict": "array-api-strict, device1",
    "array-api-strict-no-float64": "array-api-strict, no float64",
    "torch": "PyTorch",
    "jax": "JAX",
    "dask": "Dask",
    "dpnp": "dpnp",
    "cupy": "CuPy",
}
# Libraries that were tried and cannot run yet, with what each would need.
REFUSED = {
    "MLX 0.32.4": "its arrays have no `device`, its creation functions take no `device=`, "
    "and its `astype` takes no `copy=`",
}


_THAT_COMPUTES = (
    *("backends", "layers", "losses", "nets", "optim", "preprocessing"),
    *("columns", "evaluation", "initializers", "members", "metrics", "streams"),
    *("batch_parts", "model_trainer", "net_scores", "net_trainer", "running_ahead"),
    *("streamed_rows", "training_step"),
)


def sources() -> str:
    """Return a digest of the code that computes, by which a stale column is told."""
    digest = hashlib.sha256()
    places = [ROOT / "xpnet" / place for place in _THAT_COMPUTES]
    files = [f for p in places for f in (p.rglob("*.py") if p.is_dir() else [p.with_suffix(".py")])]
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def measure(wanted: list[str]) -> dict:
    """Run the tests, of the wanted columns or of all that are here, and return what they found."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "differences.json"
        command = [sys.executable, "-m", "pytest", "-q", "tests/test_difference.py", "-rs"]
        chosen = ["-k", " or ".join(wanted)] if wanted else []
        subprocess.run([*command, *chosen, f"--differences={found}"], cwd=ROOT, check=True)
        return json.loads(found.read_text())


def keep(found: dict, wanted: list[str]) -> None:
    """Put the wanted columns, or all that were found, into the store."""
    if missing := [name for name in wanted if name not in found]:
        sys.exit(f"nothing is written, as no test ran on {', '.join(missing)}: see why above")
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    for name in wanted or [name for name in COLUMNS if name in found]:
        store[name] = {
            "commit": commit,
            "date": datetime.date.today().isoformat(),
            "sources": sources(),
            "rows": found[name],
        }
    STORE.write_text(json.dumps(store, indent=2, sort_keys=True) + "\n")


def render() -> str:
    """Return the table as Markdown."""
    store = json.loads(STORE.read_text()) if STORE.exists() else {}
    rows = list(dict.fromkeys(row for column in store.values() for row in column["rows"]))
    now = sources()
    head = [f"| largest difference | {' | '.join(COLUMNS.values())} |"]
    head.append("|---" * (len(COLUMNS) + 1) + "|")
    runs = [_run(store.get(name), now) for name in COLUMNS]
    body = [
        f"| {row} | {' | '.join(_cell(store.get(name), row, now) for name in COLUMNS)} |"
        for row in rows
    ]
    refused = [f"\nNot run: {name}, as {reason}." for name, reason in REFUSED.items()]
    return "\n".join([*head, f"| *run* | {' | '.join(runs)} |", *body, *refused])


def _run(column: dict | None, now: str) -> str:
    if column is None:
        return "not run"
    stale = "" if column["sources"] == now else "**stale**, "
    return f"{stale}{column['commit']}, {column['date']}"


def _cell(column: dict | None, row: str, now: str) -> str:
    if column is None or column["rows"].get(row) is None:
        return "–"
    figure = f"{column['rows'][row]:.0e}".replace("e-0", "e-") if column["rows"][row] else "0"
    return figure if column["sources"] == now else f"~~{figure}~~"


def main() -> None:
    """Measure, render or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("columns", nargs="*", help="those to measure; all, if none is named")
    parser.add_argument("--from", dest="file", type=Path, help="a file of pytest --differences")
    parser.add_argument("--render", action="store_true", help="measure nothing")
    parser.add_argument("--check", action="store_true", help="measure and write nothing")
    options = parser.parse_args()
    if unknown := [name for name in options.columns if name not in COLUMNS]:
        parser.error(f"unknown column {unknown[0]!r}: choose of {', '.join(COLUMNS)}")
    if not (options.render or options.check):
        found = json.loads(options.file.read_text()) if options.file else measure(options.columns)
        keep(found, options.columns)
    text = README.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    fresh = f"{before}{BEGIN}\n{render()}\n{END}{after}"
    if options.check and fresh != text:
        sys.exit(
            "the README's table of backends is not that of the code as it is: "
            "run python ci/backends_table.py and commit what it writes"
        )
    README.write_text(fresh)


if __name__ == "__main__":
    main()
