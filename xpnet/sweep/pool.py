"""Stacks trained one after the other, or several at a time in processes of their own."""

import os
import pickle
import queue
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Self

from xpnet.backends import get_backend
from xpnet.errors import InputError
from xpnet.sweep.jobs import Job, News, TrainedStack
from xpnet.sweep.plan import Group
from xpnet.sweep.stack import StackTrainer
from xpnet.sweep.work import Work

__all__ = ["Pool"]

_WORTH_STARTING = 5.0  # seconds of work; a process needs half a second before its first step
_LOOK = 0.2  # seconds from one look for news of the processes to the next
_own: dict[str, Any] = {}  # a worker's, which it gets once


class Pool:
    """Trains the stacks of a sweep. The first one trains here, and tells how long stacks take.

    Args:
        trainer: Of the stacks; goes to each process.
        device: As in `sweep`.
        processes: Stacks at a time; None for as many as there are cores where that is worth it.
        tell: Called with news of the stacks, or None.

    """

    def __init__(
        self,
        trainer: StackTrainer,
        device: str,
        processes: int | None,
        tell: Callable[[News], None] | None,
    ) -> None:
        self._trainer, self._tell = trainer, tell
        # A memory-mapped part would be sent as a whole.
        self._can_choose = (
            processes is None and not get_backend(device).is_gpu and not trainer.is_mapped
        )
        if processes is not None and processes > 1 and trainer.is_mapped:
            raise InputError(
                "X_train is memory-mapped, and each process would read all of it: use one process, "
                "or read it into memory"
            )
        self.lanes = (os.cpu_count() or 1) if self._can_choose else processes or 1
        self._executor: ProcessPoolExecutor | None = None
        self._others = set(active_children())
        self._news: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor is None:
            return
        if kind is not None:  # what is in training would hold up the end by minutes
            for process in self._processes:
                process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)

    @property
    def _processes(self) -> set[BaseProcess]:
        """Those that were started here."""
        return set(active_children()) - self._others

    def stacks(self, work: Work, job_of: Callable[[Group], Job]) -> Iterator[TrainedStack]:
        """Yield each stack of some work when it is trained.

        Raises:
            InputError: A value is out of range, or cannot be sent to another process.

        """
        work.lanes = self.lanes if self._executor or not self._can_choose else 1
        if self._executor is None and work.lanes > 1:
            yield from self._first_here(work, job_of)
        while self._executor is None and (part := work.take()) is not None:
            stack = self._trainer.train(job_of(part), tell=self._tell)
            work.note(part, stack.seconds)
            yield stack
            if work.left and self._is_worth_it(stack, work.left):
                self._start(stack.part)
                work.lanes = self.lanes
        if self._executor is not None:
            yield from self._trained_elsewhere(work, job_of, {})

    def _first_here(self, work: Work, job_of: Callable[[Group], Job]) -> Iterator[TrainedStack]:
        """Train the first stack here, while the processes that were asked for start."""
        part = work.take()
        if part is None:
            return
        if not work.left:
            yield self._trainer.train(job_of(part), tell=self._tell)
            return
        self._start(part)
        running = self._submitted(work, job_of, self.lanes - 1)
        yield self._trainer.train(job_of(part), tell=self._tell)
        yield from self._trained_elsewhere(work, job_of, running)

    def _is_worth_it(self, stack: TrainedStack, left: int) -> bool:
        """Return whether to start processes, now that a stack has told how long it takes."""
        return stack.seconds / len(stack.rows) * left > _WORTH_STARTING and self.lanes > 1

    def _start(self, part: Group) -> None:
        """Start the processes."""
        try:
            pickle.dumps(part)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            if self._can_choose:
                self.lanes = 1
                return
            raise InputError(
                f"what a sweep trains with cannot be sent to other processes ({error}): leave "
                "processes out, or give names in place of functions"
            ) from error
        context = get_context("spawn")  # a fork would copy threads in the middle of their work
        self._news = None if self._tell is None else context.Queue()
        self._executor = ProcessPoolExecutor(
            self.lanes, mp_context=context, initializer=_begin, initargs=(self._trainer, self._news)
        )

    def _submitted(
        self, work: Work, job_of: Callable[[Group], Job], most: int
    ) -> dict[Future[TrainedStack], Group]:
        """Give the processes so many stacks at the most."""
        assert self._executor is not None
        found: dict[Future[TrainedStack], Group] = {}
        while len(found) < most and (part := work.take()) is not None:
            with _ctrl_c_waits():  # by a process that starts, before it can say so itself
                future = self._executor.submit(_train, job_of(part))
            found[future] = part
        return found

    def _trained_elsewhere(
        self,
        work: Work,
        job_of: Callable[[Group], Job],
        running: dict[Future[TrainedStack], Group],
    ) -> Iterator[TrainedStack]:
        """Yield what the processes train, those that run already among it."""
        try:
            while running := running | self._submitted(work, job_of, self.lanes - len(running)):
                done, _ = wait(running, timeout=_LOOK, return_when=FIRST_COMPLETED)
                self._pass_on()
                for future in done:
                    stack = future.result()
                    work.note(running.pop(future), stack.seconds)
                    yield stack
        except BrokenProcessPool as error:
            raise InputError(
                f"one of the {self.lanes} processes of the sweep was killed, perhaps for want of "
                "memory: go on from the state that was kept (--resume DIR), or begin anew, with "
                "fewer processes"
            ) from error

    def _pass_on(self) -> None:
        """Tell what the processes have told."""
        while self._tell is not None:
            try:
                self._tell(self._news.get_nowait())
            except queue.Empty:
                return


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Let Ctrl-C wait for a moment; a process that starts meanwhile never gets it."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(trainer: StackTrainer, news: Any) -> None:
    """Begin as a worker: Ctrl-C is for the one who asked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if news is not None:
        news.cancel_join_thread()  # news that nobody reads any more hold up no end
    _own.update(trainer=trainer, tell=None if news is None else news.put)


def _train(job: Job) -> TrainedStack:
    stack: TrainedStack = _own["trainer"].train(job, threads=1, tell=_own["tell"])
    return stack
