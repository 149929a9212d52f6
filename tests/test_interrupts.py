"""Ctrl-C as a flag: the first sets it, the second is KeyboardInterrupt."""

import signal
import threading

import pytest

from xpnet import interrupts
from xpnet.interrupts import interrupt_flag


@pytest.fixture(autouse=True)
def python_handles_ctrl_c():
    """Have Python's own handler, which a test run in the background may lack."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c():
    signal.raise_signal(signal.SIGINT)


def test_nothing_pressed_leaves_the_flag_unset():
    with interrupt_flag() as flag:
        assert flag.is_set is False
    assert flag.is_set is False


def test_the_first_ctrl_c_sets_the_flag_alone():
    with interrupt_flag() as flag:
        press_ctrl_c()
        reached = True
    assert reached
    assert flag.is_set is True


def test_the_second_ctrl_c_raises():
    def press_twice():
        with interrupt_flag() as flag:
            press_ctrl_c()
            assert flag.is_set
            press_ctrl_c()

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("presses", [0, 1])
def test_the_handler_is_given_back(presses):
    with interrupt_flag():
        assert (signal.getsignal(signal.SIGINT) is signal.default_int_handler) is False
        for _ in range(presses):
            press_ctrl_c()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_handler_is_given_back_after_an_error():
    with pytest.raises(ZeroDivisionError), interrupt_flag():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
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


def test_a_parent_that_ignores_ctrl_c_is_obeyed():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupt_flag() as flag:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        press_ctrl_c()
        assert flag.is_set is False
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
            seen.append((flag.is_set, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, signal.default_int_handler)]


def test_one_flag_within_another():
    """A Solver that trains inside a callback of another: the inner one hears it first."""
    with interrupt_flag() as outer:
        with interrupt_flag() as inner:
            press_ctrl_c()
        assert (outer.is_set, inner.is_set) == (False, True)
        press_ctrl_c()
        assert outer.is_set
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
