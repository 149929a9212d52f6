"""Ctrl-C as a flag that a loop reads where it is safe to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["InterruptFlag", "interrupt_flag"]


class InterruptFlag:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.is_set = False


@contextmanager
def interrupt_flag() -> Iterator[InterruptFlag]:
    """Let the first Ctrl-C set a flag; the second raises KeyboardInterrupt as usual.

    Outside the main thread, where Python delivers no signals, the flag is never set.
    """
    flag = InterruptFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    previous = signal.getsignal(signal.SIGINT)

    def on_interrupt(_signum: int, _frame: FrameType | None) -> None:
        flag.is_set = True
        signal.signal(signal.SIGINT, previous)

    if previous is None or previous is signal.SIG_IGN:
        yield flag  # a parent process has asked for Ctrl-C to be ignored
        return
    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, previous)
