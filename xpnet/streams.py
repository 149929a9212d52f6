"""Counted random streams: the same numbers for one seed on every backend and on every run.

Every random number in xpnet is drawn on the host by NumPy's Philox generator and then moved to the
device. Philox is counter based: (seed, purpose) is its key and an index, such as the epoch, is the
high word of its counter, so a stream is found again from three integers and nothing has to be
saved to resume a run.

Reference: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import threading
from typing import Any, Literal

import numpy as np
from numpy.random.bit_generator import ISeedSequence

from xpnet.errors import InputError

__all__ = ["Purpose", "brief_stream", "check_seed", "stream"]

Purpose = Literal[
    "weights",
    "order",
    "accuracy",
    "split",
    "dropout",
    "gradient_check",
    "sweep",
    "folds",
    "diagnosis",
]

# Written out, not enumerated: a number that changes would change every run that was ever made.
_PURPOSE_KEYS: dict[Purpose, int] = {
    "weights": 1,
    "order": 2,
    "accuracy": 3,
    "split": 4,
    "dropout": 5,
    "gradient_check": 6,
    "sweep": 7,
    "folds": 8,
    "diagnosis": 9,
}


class _Unseeded(ISeedSequence):
    """Stands for the system's entropy, which Philox(key, counter) asks for and does not use."""

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        return np.zeros(n_words, dtype)


_UNSEEDED = _Unseeded()  # with it a stream is made in a third of the time
_BEGINNING = np.random.Philox(key=0, counter=0).state


def check_seed(seed: object) -> int:
    """Return `seed` as an int, or raise InputError if it is not an integer of 0 to 2**64 - 1."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise InputError(f"seed must be an integer from 0 to 2**64 - 1; got {seed!r}")
    return int(seed)


def stream(seed: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """Return the generator of one (seed, purpose, index), at its beginning.

    Args:
        seed: The run's seed, an integer from 0 to 2**64 - 1.
        purpose: What the numbers are for. Streams of different purposes are independent.
        index: Counts streams within a purpose: the epoch, the parameter, and so on.

    Raises:
        InputError: The seed is not an integer in range.

    """
    key = np.asarray([check_seed(seed), _PURPOSE_KEYS[purpose]], dtype=np.uint64)
    counter = np.asarray([0, 0, 0, index], dtype=np.uint64)
    philox = np.random.Philox(_UNSEEDED)  # type: ignore[arg-type]  # NumPy's stubs lack the class
    philox.state = {**_BEGINNING, "state": {"key": key, "counter": counter}}
    return np.random.Generator(philox)


def brief_stream(seed: int, purpose: Purpose, index: int = 0) -> np.random.Generator:
    """Return a stream to draw from at once: the thread's next call turns it to another beginning.

    What a training draws each epoch takes a third less so, as no generator is made.

    Args:
        seed: As in `stream`.
        purpose: Likewise.
        index: Likewise.

    Raises:
        InputError: The seed is not an integer in range.

    """
    return _OWN.turned_to(check_seed(seed), _PURPOSE_KEYS[purpose], index)


class _OfThread(threading.local):
    """A thread's own generator."""

    def __init__(self) -> None:
        self._philox = np.random.Philox(_UNSEEDED)  # type: ignore[arg-type]
        self._generator = np.random.Generator(self._philox)
        self._key, self._counter = np.zeros(2, dtype=np.uint64), np.zeros(4, dtype=np.uint64)
        own = {"key": self._key, "counter": self._counter}
        self._state: Any = {**_BEGINNING, "state": own}

    def turned_to(self, seed: int, purpose: int, index: int) -> np.random.Generator:
        self._key[0], self._key[1], self._counter[3] = seed, purpose, index
        self._philox.state = self._state
        return self._generator


_OWN = _OfThread()
