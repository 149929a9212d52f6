"""Stacks trained one after the other, or several at a time in processes of their own."""

import os
import pickle
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any

from xpnet.backends import get_backend
from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.sweep.plan import Group
from xpnet.sweep.stack import TrainedStack, train_stack

__all__ = ["trained_stacks"]

_WORTH_STARTING = 5.0  # seconds of work; a process needs half a second before its first step
_given: dict[str, Any] = {}  # a worker's own, which it gets once


def trained_stacks(
    parts: list[Group],
    data: Mapping[str, Any] | Dataset,
    device: str,
    processes: int | None,
) -> Iterator[TrainedStack]:
    """Yield each stack when it is trained; the first is trained here, and tells how long it takes.

    Raises:
        InputError: A value is out of range, or cannot be sent to another process.

    """
    if not parts:
        return
    fitted: dict[Any, Any] = {}
    first = train_stack(parts[0], data, device, fitted)
    yield first
    rest = parts[1:]
    if processes is None:
        is_worth_it = first.seconds * len(rest) > _WORTH_STARTING
        can_share = not get_backend(device).is_gpu
        processes = os.cpu_count() or 1 if is_worth_it and can_share else 1
    if min(processes, len(rest)) <= 1:
        for part in rest:
            yield train_stack(part, data, device, fitted)
        return
    _check_sendable(rest)
    plain = dict(data) if isinstance(data, Mapping) else data
    with ProcessPoolExecutor(
        min(processes, len(rest)),
        mp_context=get_context("spawn"),  # a fork would copy threads in the middle of their work
        initializer=_start,
        initargs=(plain, device),
    ) as pool:
        try:
            futures = [pool.submit(_train_given, part) for part in rest]
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _check_sendable(parts: list[Group]) -> None:
    """Raise InputError unless the configurations can be sent to another process."""
    try:
        pickle.dumps(parts)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise InputError(
            f"what a sweep trains with cannot be sent to other processes ({error}): leave "
            "processes out, or give names in place of functions"
        ) from error


def _start(data: Mapping[str, Any] | Dataset, device: str) -> None:
    """Begin as a worker: Ctrl-C is for the one who asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _given.update(data=data, device=device, fitted={})


def _train_given(part: Group) -> TrainedStack:
    return train_stack(part, **_given, threads=1)
