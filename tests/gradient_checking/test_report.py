"""What a report says, and how."""

import dataclasses

import numpy as np
import pytest

from xpnet import GradientReport, gradient_check
from xpnet.errors import InputError
from xpnet.gradient_checking import InputReport

RIGHT = InputReport(12, checked=12, largest_error=3.21e-10, index=(0, 1), analytic=0.5, numeric=0.5)
WRONG = InputReport(
    12, checked=12, wrong=2, largest_error=1 / 3, index=(2, 3), analytic=0.5, numeric=0.25
)


@pytest.mark.parametrize(
    ("found", "ok", "text"),
    [
        (RIGHT, True, "12 of 12 entries right, largest relative error 3.2e-10"),
        (
            dataclasses.replace(RIGHT, size=15, kinks=3),
            True,
            "12 of 12 entries right, 3 left out at kinks, largest relative error 3.2e-10",
        ),
        (
            dataclasses.replace(RIGHT, size=3000),
            True,
            "12 of 12 entries right (drawn from 3000), largest relative error 3.2e-10",
        ),
        (
            WRONG,
            False,
            "WRONG at (2, 3): analytic 0.5, numeric 0.25, relative error 3.3e-01; "
            "10 of 12 entries right",
        ),
        (
            dataclasses.replace(WRONG, ratio=2.0),
            False,
            "WRONG at (2, 3): analytic 0.5, numeric 0.25, relative error 3.3e-01, "
            "2 times the numeric throughout; 10 of 12 entries right",
        ),
        (InputReport(4, kinks=4), False, "NOT CHECKED: all 4 entries lie at kinks"),
        (InputReport(0), True, "empty"),
        (InputReport(4, problem="it has no shape"), False, "WRONG: it has no shape"),
    ],
)
def test_a_line(found, ok, text):
    assert str(found) == text
    assert found.ok is ok


def report(inputs, problems=(), cast=()):
    return GradientReport(inputs, problems, cast, 1e-5, 1e-6)


def test_a_table():
    assert str(report({"x": RIGHT, "W1": WRONG}, ("forward writes into x",), ("x",))) == (
        "gradient check, WRONG: central differences in float64, step 1e-05, tolerance 1e-06\n"
        "  x: 12 of 12 entries right, largest relative error 3.2e-10\n"
        "  W1: WRONG at (2, 3): analytic 0.5, numeric 0.25, relative error 3.3e-01; "
        "10 of 12 entries right\n"
        "  WRONG: forward writes into x\n"
        "  cast to float64 for the check: x"
    )
    assert str(report({"x": RIGHT})).startswith("gradient check, right: central")


@pytest.mark.parametrize(
    ("table", "ok"),
    [
        (report({"x": RIGHT}), True),
        (report({"x": RIGHT, "w": WRONG}), False),
        (report({"x": RIGHT, "w": InputReport(2, kinks=2)}), False),
        (report({"x": RIGHT}, problems=("forward writes into x",)), False),
        (report({"x": RIGHT}, cast=("x",)), True),
    ],
)
def test_it_is_right_as_a_whole_or_raises(table, ok):
    assert table.ok is ok
    if ok:
        table.raise_if_wrong()
    else:
        with pytest.raises(InputError) as caught:
            table.raise_if_wrong()
        assert str(caught.value) == str(table)


def test_it_cannot_be_changed():
    found = gradient_check(lambda x: (np.sum(x * x), 2 * x), None, {"x": np.ones(3)})
    assert (found.step, found.tolerance, found.problems, found.cast) == (1e-5, 1e-6, (), ())
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.problems = ("none",)
    with pytest.raises(TypeError):
        found.inputs["x"] = RIGHT
