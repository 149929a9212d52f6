"""Ctrl-C and SIGTERM as a flag that a loop reads where it is safe to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["InterruptFlag", "Terminated", "interrupt_flag"]


class Terminated(SystemExit):
    """SIGTERM came, and all is in order: uncaught, it ends the program with status 143."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class InterruptFlag:
    """Which signal came.

    Attributes:
        signal: Its number, or 0.

    """

    def __init__(self) -> None:
        self.signal = 0

    @property
    def is_set(self) -> bool:
        """Whether one came."""
        return self.signal != 0

    def raise_if_set(self) -> None:
        """Raise KeyboardInterrupt after Ctrl-C, Terminated after SIGTERM."""
        if self.signal == signal.SIGTERM:
            raise Terminated
        if self.signal:
            raise KeyboardInterrupt


@contextmanager
def interrupt_flag() -> Iterator[InterruptFlag]:
    """Let the first Ctrl-C or SIGTERM set a flag; the second does what it did before.

    A signal that someone ignores, and a SIGTERM that someone handles, is left to them. Outside the
    main thread, where Python delivers no signals, the flag is never set.
    """
    flag = InterruptFlag()
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] in (None, signal.SIG_IGN):
        del before[signal.SIGINT]  # a parent process has asked for Ctrl-C to be ignored
    if before[signal.SIGTERM] is not signal.SIG_DFL:
        del before[signal.SIGTERM]

    def on_signal(number: int, _frame: FrameType | None) -> None:
        flag.signal = number
        _put_back()

    def _put_back() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, on_signal)
    try:
        yield flag
    finally:
        _put_back()
