"""Whether a model's own gradients are those of its loss."""

from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import moved_model, to_host
from xpnet.diagnostics.remembered import remembered_gradient
from xpnet.diagnostics.replay import Replay
from xpnet.diagnostics.verdict import Verdict
from xpnet.errors import InputError
from xpnet.gradient_checking import gradient_check

__all__ = ["check_gradients"]

_NAME = "gradient check"
_EXPECTED = "the slope of the loss, by central differences"
_FORGET = "Keep nothing of a call for the next one: make masks, caches and grads anew in each."
_REG = 0.1  # so that a gradient of the regularisation that is missing shows


def check_gradients(evidence: Evidence) -> Verdict:
    """Hold some entries of each gradient against central differences.

    At weights that were moved a little, so that none stands at 0, where a ReLU has a kink.
    """
    case = evidence.case
    X, y = case.samples(limits.GRADIENT_SAMPLES)
    X, y = (x.astype(np.float64) if x.dtype.kind == "f" else x for x in (X, y))
    if (stale := remembered_gradient(case, X, y)) is not None:
        return Verdict(_NAME, "fault", stale, "that of the batch alone", _FORGET)
    try:
        model, params = _subject(case)
        report = _report(model, params, X, y)
    except (InputError, TypeError, ValueError, KeyError, IndexError) as error:
        return Verdict(_NAME, "not looked at", f"it could not be done: {error}", "")
    if report is None:
        return Verdict(_NAME, "not looked at", "the loss draws random numbers", "")
    if (wrong := _wrong(report, model)) is not None:
        return wrong
    if report.problems:
        return Verdict(
            _NAME, "fault", report.problems[0], _EXPECTED, "Work on copies of the arrays."
        )
    worst = max((found.largest_error for found in report.inputs.values()), default=0.0)
    return Verdict(_NAME, "fine", f"relative errors up to {worst:.1e}", _EXPECTED)


def _wrong(report: Any, model: Any) -> Verdict | None:
    """Return what is said of the first gradient that is none of the loss, or None."""
    for name, found in report.inputs.items():
        if found.problem:
            remedy = f"Return a gradient by {name} of its shape."
            return Verdict(_NAME, "fault", f"by {name}: {found.problem}", _EXPECTED, remedy)
        if found.wrong:
            ratio = f", {found.ratio:.3g} times throughout" if found.ratio else ""
            return Verdict(
                _NAME,
                "fault",
                f"the gradient by {name} is {found.analytic:.4g} at {found.index}, the slope "
                f"{found.numeric:.4g}{ratio} ({found.wrong} of {found.checked} entries are wrong)",
                _EXPECTED,
                _remedy(name, found.numeric, found.analytic, _weight(model, name, found.index)),
            )
    return None


def _subject(case: Case) -> tuple[Any, dict[str, Any]]:
    """Return the model with its regularisation on, and weights of float64 that were moved."""
    model = moved_model(case)
    if isinstance(getattr(model, "reg", None), int | float):
        own = getattr(case.model(), "reg", 0.0)
        model.reg = max(float(own), _REG)
    if getattr(model, "dropout_keep_ratio", 1.0) != 1.0:
        model.dropout_keep_ratio = 1.0
    params = {}
    for name, w in model.params.items():
        backend = backend_of(w)
        params[name] = backend.asarray(to_host(w), backend.dtype("float64"))
    return model, params


def _report(model: Any, params: dict[str, Any], X: np.ndarray, y: np.ndarray) -> Any:
    """Return the gradient check's report, or None where the random numbers cannot be repeated.

    A loss that draws some is called by copies, each of which draws the same ones.
    """
    state = dict(getattr(model, "state", None) or {})
    replay = Replay(model)

    def loss(**moved: Any) -> tuple[Any, Any]:
        model.params.update(moved)
        if state:
            model.state = dict(state)
        value, grads = model.loss(X.copy(), y.copy())
        return np.float64(to_host(value)), grads

    def same_draws(**moved: Any) -> tuple[Any, Any]:
        replay.model.params.update(moved)
        value, grads = replay.loss(X, y)
        return np.float64(value), grads

    with np.errstate(all="ignore"):
        if loss(**params)[0] != loss(**params)[0]:
            if same_draws(**params)[0] != same_draws(**params)[0]:
                return None
            loss = same_draws
        return gradient_check(
            loss,
            None,
            params,
            tolerance=limits.GRADIENT_TOLERANCE,
            max_entries=limits.GRADIENT_ENTRIES,
        )


def _weight(model: Any, name: str, index: tuple[int, ...] | None) -> float:
    return 0.0 if index is None else float(to_host(model.params[name])[index])


def _remedy(name: str, numeric: float, analytic: float, weight: float) -> str:
    """Return what is likeliest, from by how much the gradient is wrong."""
    reg = _REG * weight
    if weight and np.isclose(numeric - analytic, reg, rtol=1e-2):
        return f"Add the regularisation's gradient: grads[{name!r}] += reg * params[{name!r}]."
    if weight and np.isclose(analytic - numeric, -2.0 * reg, rtol=1e-2):
        return f"Turn the sign of the regularisation's gradient in grads[{name!r}]."
    if np.isclose(analytic, -numeric, rtol=1e-2):
        return f"Turn the sign of grads[{name!r}]."
    return (
        f"Look at the backward pass of the layer of {name}, and of those after it: "
        "xpnet.gradient_check takes them one by one."
    )
