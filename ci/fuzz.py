"""Fuzz what reads files, guided by coverage: checkpoints, config.toml, CIFAR-10, .npz, .npy.

    python ci/fuzz.py                      # ten minutes, shared by all targets
    python ci/fuzz.py --minutes 60 --targets checkpoint,header

What makes a reader crash, or raise anything but InputError, is kept in tests/faults/cases, where
the tests try it from then on. Needs atheris: pip install --group fuzz (Python 3.11 to 3.13).
"""

import argparse
import contextlib
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]
CASES = ROOT / "tests" / "faults" / "cases"
_MEMORY = 2048  # MB; a reader that takes more is a finding


def main() -> int:
    """Fuzz each target in a process of its own, and return 1 if one has a finding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for all together (10)")
    parser.add_argument("--targets", help="some of them (all)")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        fuzz(options.child, options.seconds)
    from fuzz_targets import TARGETS

    names = options.targets.split(",") if options.targets else list(TARGETS)
    if unknown := set(names) - set(TARGETS):
        parser.error(f"no target {', '.join(unknown)}: choose of {', '.join(TARGETS)}")
    seconds = max(1, round(60 * options.minutes / len(names)))
    return max(run(name, seconds) for name in names)


def run(name: str, seconds: int) -> int:
    """Fuzz one target, say what came of it, and keep what it was that failed."""
    with tempfile.TemporaryDirectory() as place:
        words = [sys.executable, __file__, "--child", name, "--seconds", str(seconds)]
        done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=place)
        last = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))]
        print(
            f"{name}: {'no finding' if done.returncode == 0 else 'FINDING'}; {' '.join(last[-2:])}"
        )
        for found in Path(place).glob("*-*"):
            if found.name.startswith(("crash-", "timeout-", "oom-", "slow-")):
                CASES.mkdir(exist_ok=True)
                digest = hashlib.sha256(found.read_bytes()).hexdigest()[:12]
                (CASES / f"{name}-{digest}").write_bytes(found.read_bytes())
                print(f"kept as {CASES.name}/{name}-{digest}")
        if done.returncode:
            print(done.stderr[-3000:])
    return int(done.returncode != 0)


def fuzz(name: str, seconds: int) -> None:
    """Fuzz in this process, which libFuzzer then ends."""
    import atheris

    with atheris.instrument_imports(include=["xpnet", "safetensors", "tomllib"]):
        import fuzz_targets

    corpus = Path.cwd() / "corpus"
    corpus.mkdir()
    for i, seed in enumerate(fuzz_targets.TARGETS[name].seeds()):
        (corpus / f"seed{i}").write_bytes(seed)
    for kept in CASES.glob(f"{name}-*"):
        (corpus / kept.name).write_bytes(kept.read_bytes())
    limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={_MEMORY}", "-timeout=20"]
    atheris.Setup(
        [sys.argv[0], str(corpus), *limits, "-max_len=65536"],
        lambda content: fuzz_targets.try_target(name, content),
    )
    with contextlib.suppress(SystemExit):
        atheris.Fuzz()
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
