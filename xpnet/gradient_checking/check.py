"""The gradients that a function gives, held against central differences."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.gradient_checking.arguments import by_name, check_options, differentiated
from xpnet.gradient_checking.judgement import Judgement, first_reach, judge
from xpnet.gradient_checking.probe import Probe
from xpnet.gradient_checking.report import GradientReport, InputReport
from xpnet.gradient_checking.subject import Call, Subject, alike
from xpnet.streams import stream

__all__ = ["gradient_check"]


def gradient_check(
    forward: Callable[..., Any],
    backward: Callable[[Array, Any], Any] | None,
    inputs: Mapping[str, Array],
    *,
    wrt: str | Sequence[str] | None = None,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    max_entries: int | None = 100,
    seed: int = 0,
) -> GradientReport:
    """Hold the gradients that a function gives against central differences.

    A layer is a pair, as those in `xpnet.layers`:

        x, w, b = rng.standard_normal((4, 3)), rng.standard_normal((3, 2)), rng.standard_normal(2)
        print(gradient_check(affine_forward, affine_backward, {"x": x, "w": w, "b": b}))

    A loss gives its gradients itself, so there is no backward. Labels are not differentiated:

        gradient_check(softmax_loss, None, {"x": scores, "y": labels}).raise_if_wrong()

    So does a net, whose gradients have names; it is left with float64 copies of its parameters:

        def loss(**params):
            net.params = params
            return net.loss(X, y)

        print(gradient_check(loss, None, net.params))

    Each entry is compared by |a - n| / max(|a| + |n|, tiny), with n = (f(x + h) - f(x - h)) / 2h
    and h = step max(1, |x|). With a step of 1e-5 rounding and curvature each leave an error of
    about 1e-11 in n where f and its derivatives are near 1; the tolerance of 1e-6 leaves room for
    values that are not. `tiny` is a thousandth of the input's largest gradient. Where an entry
    does not agree, more is looked at before it is called wrong:

    1. Rounding. It is right if 4 eps |f| / h explains the difference. So a gradient below about
       1e-10 of f passes for 0: subtract large constants from f, or take a larger step.
    2. Other steps. It is right if it agrees at one from step / 100 to 100 steps, or as far from
       |x| steps, unless rounding there could be why. This clears sharp curves, inputs of any size,
       and kinks that lie farther from x than the least of them.
    3. Kinks. Where f is smooth, the slopes to the two sides of x differ in proportion to the step:
       a step compared with its half cancels that. What is left, beyond rounding, is a kink if it
       does not fall as the step widens to 20 h. The entry is left out if the kink explains the
       difference: because the gradient agrees at h / 100, or because the kink is there at every
       step and of a size for it. A wrong gradient where f is smooth is wrong at every step and
       finds no kink, so that it is never left out.

    Args:
        forward: Called with the inputs by name. Returns (out, cache), or (value, gradients) where
            there is no backward. The value may have member axes: its sum is differentiated.
        backward: Called with a random dout of the shape of out, and the cache. Returns the
            gradient by each floating input, in the order of `inputs`, as an array or a tuple.
            None for a function of (value, gradients), whose gradients may also be a mapping by
            name.
        inputs: Arrays of one library by argument name. Floating ones are cast to float64 and
            differentiated; integers, such as labels, are passed on. The arrays are copied.
        wrt: The inputs to differentiate, if not all floating ones; gradients may then be those by
            these inputs alone.
        step: The displacement, or that share of an entry above 1.
        tolerance: The largest relative error of a right gradient.
        max_entries: How many entries of an input are looked at, drawn by the seed; None for all.
            Each costs two calls of forward.
        seed: Of dout and of the entries.

    Returns:
        The report; `report.ok`, `print(report)`, `report.raise_if_wrong()`.

    Raises:
        InputError: The inputs are no arrays of real numbers, the device has no float64, what the
            functions return cannot be compared, or an option is out of range.

    Reference: Stanford CS231n, "Neural Networks Part 3", gradient checks.

    """
    check_options(inputs, step, tolerance, max_entries)
    subject = Subject(forward, backward, inputs)
    names = differentiated(subject, wrt)
    call = subject.call(stream(seed, "gradient_check"))
    gradients = by_name(call.gradients, names, subject.floating)
    found = {}
    for count, name in enumerate(names, start=1):
        rng = stream(seed, "gradient_check", count)
        size = subject.host[name].size
        drawn = range(size)
        if max_entries is not None and max_entries < size:
            drawn = np.sort(rng.choice(size, max_entries, replace=False)).tolist()
        found[name] = _compare(subject, call, name, gradients[name], drawn, step, tolerance)
    # Last at the inputs themselves: a closure may leave a net with what it was called with.
    if not alike(subject.outputs(), call.outputs):
        call.problems.append(
            "forward gives other outputs for the same inputs: fix its random numbers, and let it "
            "keep nothing between calls"
        )
    return GradientReport(
        MappingProxyType(found), tuple(call.problems), subject.cast, step, tolerance
    )


def _compare(
    subject: Subject,
    call: Call,
    name: str,
    gradient: np.ndarray,
    drawn: Sequence[int],
    step: float,
    tolerance: float,
) -> InputReport:
    """Return what is found at the drawn entries of one input."""
    host = subject.host[name]
    if gradient.shape != host.shape:
        return InputReport(
            host.size, problem=f"the gradient has shape {gradient.shape}, the input {host.shape}"
        )

    def probe(index: tuple[int, ...]) -> Probe:
        def outputs(value: float) -> np.ndarray:
            moved = host.copy()
            moved[index] = value
            return subject.outputs(name, moved)

        return Probe(outputs, float(host[index]), call.outputs, call.dout)

    places = [tuple(int(i) for i in np.unravel_index(flat, host.shape)) for flat in drawn]
    with np.errstate(all="ignore"):  # a step may leave the domain of a function, such as log's
        slopes = [probe(at).slope(first_reach(float(host[at]), step)) for at in places]
        # Of both, so that neither a wrong gradient nor a jump in the function hides the others.
        largest = min(_largest(slopes), _largest(gradient[index] for index in places))
        judgements = [
            judge(probe(index), float(gradient[index]), slope, largest, step, tolerance)
            for index, slope in zip(places, slopes, strict=True)
        ]
    return _summary(gradient, places, judgements)


def _largest(numbers: Iterable[float]) -> float:
    """Return the largest finite size of some numbers."""
    return max((abs(float(x)) for x in numbers if math.isfinite(x)), default=0.0)


def _summary(
    gradient: np.ndarray, places: Sequence[tuple[int, ...]], judgements: Sequence[Judgement]
) -> InputReport:
    """Return the report of one input."""
    judged = [
        (place, j) for place, j in zip(places, judgements, strict=True) if j.verdict != "kink"
    ]
    kinks = len(places) - len(judged)
    if not judged:
        return InputReport(gradient.size, kinks=kinks)
    wrong = [(place, j) for place, j in judged if j.verdict == "wrong"]
    index, worst = max(wrong or judged, key=lambda found: found[1].error)
    ratios = [float(gradient[place]) / j.numeric for place, j in wrong if j.numeric]
    steady = len(ratios) == len(wrong) > 1 and np.allclose(ratios, ratios[0], rtol=1e-4, atol=0.0)
    return InputReport(
        gradient.size,
        checked=len(judged),
        wrong=len(wrong),
        kinks=kinks,
        largest_error=worst.error,
        index=index,
        analytic=float(gradient[index]),
        numeric=worst.numeric,
        ratio=ratios[0] if steady else None,
    )
