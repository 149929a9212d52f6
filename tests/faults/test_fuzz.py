"""What the fuzzer has found, and a short run of blind changes; the long form is ci/fuzz.py."""

import os
import random
import sys
from pathlib import Path

import pytest

CI = Path(__file__).parent.parent.parent / "ci"
sys.path.insert(0, str(CI))

from fuzz_targets import TARGETS, try_target  # noqa: E402

CASES = sorted((Path(__file__).parent / "cases").iterdir())
CHANGES = int(os.environ.get("XPNET_CHANGES", "60"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_what_was_found(path):
    try_target(path.name.partition("-")[0], path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_the_files_to_begin_from_are_good(name):
    """Otherwise the fuzzer would knock on a door that is shut."""
    for seed in TARGETS[name].seeds():
        TARGETS[name].read(seed)


def changed(content, rng):
    """Return a file with one to four changes: bits, bytes, lengths, parts doubled or dropped."""
    content = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not content:
            break
        start = rng.randrange(len(content))
        stop = min(len(content), start + rng.choice((1, 2, 4, 8, 40)))
        match rng.randrange(5):
            case 0:
                content[start] ^= 1 << rng.randrange(8)
            case 1:
                content[start:stop] = rng.randbytes(stop - start)
            case 2:
                content[start:stop] = b""
            case 3:
                content[start:start] = content[start:stop]
            case 4:
                content[start:stop] = rng.choice((b"\xff" * 8, b"\0" * 8, b"9" * 30, b"[" * 2000))
    return bytes(content)


@pytest.mark.parametrize("name", TARGETS)
def test_blind_changes(name):
    rng = random.Random(0)
    seeds = TARGETS[name].seeds()
    for _ in range(CHANGES):
        try_target(name, changed(rng.choice(seeds), rng))
