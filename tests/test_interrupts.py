"""Ctrl-C and SIGTERM as a flag: the first sets it, the second does what it always did."""

import signal
import subprocess
import sys
import threading

import pytest

from xpnet import interrupts
from xpnet.interrupts import Terminated, interrupt_flag

USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


@pytest.fixture(autouse=True)
def usual_handlers():
    """Have the handlers that Python begins with, which a test run in the background may lack."""
    before = {number: signal.signal(number, handler) for number, handler in USUAL.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers():
    return {number: signal.getsignal(number) for number in USUAL}


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def test_nothing_pressed_leaves_the_flag_unset():
    with interrupt_flag() as flag:
        assert flag.is_set is False
    assert (flag.is_set, flag.signal) == (False, 0)
    flag.raise_if_set()


@pytest.mark.parametrize("number", USUAL)
def test_the_first_signal_sets_the_flag_alone(number):
    with interrupt_flag() as flag:
        signal.raise_signal(number)
        reached = True
    assert reached
    assert flag.is_set is True
    assert flag.signal == number


def test_the_flag_raises_what_the_signal_means():
    with interrupt_flag() as flag:
        press_ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        flag.raise_if_set()
    with interrupt_flag() as flag:
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Terminated) as caught:
        flag.raise_if_set()
    assert isinstance(caught.value, SystemExit)
    assert caught.value.code == 143


def test_the_second_ctrl_c_raises():
    def press_twice():
        with interrupt_flag() as flag:
            press_ctrl_c()
            assert flag.is_set
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert handlers() == USUAL


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process in another way")
@pytest.mark.parametrize("first", ["SIGINT", "SIGTERM"])
def test_a_second_sigterm_ends_the_process(first):
    code = (
        "import signal; from xpnet.interrupts import interrupt_flag\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n"
        "with interrupt_flag() as flag:\n"
        f"    signal.raise_signal(signal.{first}); print('first', flush=True)\n"
        "    signal.raise_signal(signal.SIGTERM); print('second', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "first\n")


@pytest.mark.parametrize("pressed", [[], [signal.SIGINT], [signal.SIGTERM]])
def test_the_handlers_are_given_back(pressed):
    with interrupt_flag():
        assert not [n for n, handler in handlers().items() if handler is USUAL[n]]
        for number in pressed:
            signal.raise_signal(number)
        if pressed:
            assert handlers() == USUAL, "also that of the other signal"
    assert handlers() == USUAL


def test_the_handlers_are_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), interrupt_flag():
        raise ZeroDivisionError
    assert handlers() == USUAL
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_somebody_elses_handler_gets_the_second_and_comes_back():
    heard = []

    def handler(signum, frame):
        heard.append(signum)

    signal.signal(signal.SIGINT, handler)
    with interrupt_flag() as flag:
        press_ctrl_c()
        assert (flag.is_set, heard) == (True, [])
        press_ctrl_c()
        assert heard == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("ignored", [True, False])
def test_a_sigterm_that_someone_handles_is_left_to_them(ignored):
    """Ctrl-C is heard all the same."""
    heard = []
    handler = signal.SIG_IGN if ignored else lambda signum, frame: heard.append(signum)
    signal.signal(signal.SIGTERM, handler)
    with interrupt_flag() as flag:
        signal.raise_signal(signal.SIGTERM)
        assert flag.is_set is False
        assert heard == ([] if ignored else [signal.SIGTERM])
        press_ctrl_c()
        assert flag.signal == signal.SIGINT
    assert signal.getsignal(signal.SIGTERM) is handler


def test_a_parent_that_ignores_ctrl_c_is_obeyed():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupt_flag() as flag:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        press_ctrl_c()
        assert flag.is_set is False
        signal.raise_signal(signal.SIGTERM)
        assert flag.signal == signal.SIGTERM
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_handler_that_python_does_not_know_is_left_alone(monkeypatch):
    """`getsignal` says None of a handler from C, which could not be given back."""
    changed = []
    monkeypatch.setattr(interrupts.signal, "getsignal", lambda signum: None)
    monkeypatch.setattr(interrupts.signal, "signal", lambda *given: changed.append(given))
    with interrupt_flag() as flag:
        assert flag.is_set is False
    assert changed == []


def test_another_thread_leaves_the_handler_alone():
    seen = []

    def work():
        with interrupt_flag() as flag:
            seen.append((flag.is_set, handlers()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, USUAL)]


def test_one_flag_within_another():
    """A Solver that trains inside a callback of another: the inner one hears it first."""
    with interrupt_flag() as outer:
        with interrupt_flag() as inner:
            press_ctrl_c()
        assert (outer.is_set, inner.is_set) == (False, True)
        press_ctrl_c()
        assert outer.is_set
    assert handlers() == USUAL
