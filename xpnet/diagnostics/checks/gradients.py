"""Whether a model's own gradients are those of its loss."""

from typing import Any

import numpy as np

from xpnet.backends import backend_of
from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict
from xpnet.errors import InputError
from xpnet.gradient_checking import GradientReport, gradient_check
from xpnet.streams import stream

__all__ = ["check_gradients"]

_NAME = "gradient check"
_EXPECTED = "the slope of the loss, by central differences"
_REG = 0.1  # so that a gradient of the regularisation that is missing shows


def check_gradients(evidence: Evidence) -> Verdict:
    """Hold some entries of each gradient against central differences.

    At weights that were moved a little, so that none stands at 0, where a ReLU has a kink.
    """
    case = evidence.case
    model = case.model()
    if getattr(model, "dropout_keep_ratio", 1.0) != 1.0:
        model.dropout_keep_ratio = 1.0
    if isinstance(getattr(model, "reg", None), int | float):
        model.reg = max(float(model.reg), _REG)
    X, y = case.samples(limits.GRADIENT_SAMPLES)
    X = X.astype(np.float64) if X.dtype.kind == "f" else X
    if y.dtype.kind == "f":
        y = y.astype(np.float64)
    try:
        report = _report(case, model, X, y)
    except (InputError, TypeError, ValueError, KeyError, IndexError) as error:
        return Verdict(_NAME, "not looked at", f"it could not be done: {error}", "")
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
    if report.problems:
        if "other outputs" in report.problems[0]:
            return Verdict(_NAME, "not looked at", "the loss draws random numbers", "")
        return Verdict(
            _NAME, "fault", report.problems[0], _EXPECTED, "Work on copies of the arrays."
        )
    worst = max((found.largest_error for found in report.inputs.values()), default=0.0)
    return Verdict(_NAME, "fine", f"relative errors up to {worst:.1e}", _EXPECTED)


def _report(case: Case, model: Any, X: np.ndarray, y: np.ndarray) -> GradientReport:
    """Return the report of the model at weights that were moved a little."""
    rng = stream(3, "diagnosis")
    params = {}
    for name, w in model.params.items():
        host = np.asarray(backend_of(w).to_numpy(w), dtype=np.float64)
        size = max(float(np.sqrt(np.mean(host * host))), 0.05)
        params[name] = host + 0.3 * size * rng.standard_normal(host.shape)
    if case.net is not None:
        model = case.twin()
        model.reg = _REG
    state = dict(getattr(model, "state", None) or {})

    def loss(**moved: np.ndarray) -> tuple[Any, Any]:
        model.params.update(moved)
        if state:
            model.state = dict(state)
        value, grads = model.loss(X.copy(), y.copy())
        return np.float64(value), grads

    with np.errstate(all="ignore"):
        return gradient_check(
            loss,
            None,
            params,
            tolerance=limits.GRADIENT_TOLERANCE,
            max_entries=limits.GRADIENT_ENTRIES,
        )


def _weight(model: Any, name: str, index: tuple[int, ...] | None) -> float:
    return 0.0 if index is None else float(model.params[name][index])


def _remedy(name: str, numeric: float, analytic: float, weight: float) -> str:
    """Return what is likeliest, from by how much the gradient is wrong."""
    reg = _REG * weight
    if weight and np.isclose(numeric - analytic, reg, rtol=1e-2):
        return f"Add the regularisation's gradient: grads[{name!r}] += reg * params[{name!r}]."
    if np.isclose(analytic, -numeric, rtol=1e-2):
        return f"Turn the sign of grads[{name!r}]."
    return (
        f"Look at the backward pass of the layer of {name}, and of those after it: "
        "xpnet.gradient_check takes them one by one."
    )
