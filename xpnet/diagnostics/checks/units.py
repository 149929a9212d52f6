"""Whether units still learn: dead ReLUs, and saturated sigmoids."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.layers import LayerReport, look_into_layers
from xpnet.diagnostics.remedies import smaller_first_outputs
from xpnet.diagnostics.verdict import Status, Verdict

__all__ = ["check_dead_units", "check_saturation"]

_DEAD, _SATURATED = "dead units", "saturation"


def check_dead_units(evidence: Evidence) -> Verdict:
    """Look for units that are 0 for every validation sample, before and after the training."""
    net = evidence.case.net
    if net is None or net.num_layers < 2:
        return Verdict(_DEAD, "not looked at", "the hidden layers are not known", "")
    if (rows := len(evidence.case.val[0])) < limits.DEAD_ROWS:
        return Verdict(_DEAD, "not looked at", f"{rows} validation samples are too few", "")
    expected = f"less than {limits.DEAD:.0%} of a layer's units"
    if (still := _still(evidence)) is not None:
        return still
    reports = [("at the start", evidence.layers_at_start), ("at the end", evidence.layers_at_end)]
    worst = ""
    for when, report in reports:
        if report is None:
            continue
        share, name = _worst(report, report.dead)
        worst = f"{share:.0%} of {name} are 0 for every validation sample {when}"
        if share > limits.DEAD:
            remedy = "Set the biases to 0 and the weights by initializer='kaiming'."
            if when == "at the end":
                remedy = _of_the_end(evidence)
            # At the end it is most often what a learning rate or the inputs have done.
            status: Status = "fault" if when == "at the start" else "warning"
            return Verdict(_DEAD, status, worst, expected, remedy)
    return Verdict(_DEAD, "fine", worst, expected)


def check_saturation(evidence: Evidence) -> Verdict:
    """Look for sigmoids and tanhs that pass no gradient before the training."""
    net = evidence.case.net
    if net is None or net.activation not in ("sigmoid", "tanh") or net.num_layers < 2:
        return Verdict(_SATURATED, "not looked at", "there are no sigmoids or tanhs", "")
    report = evidence.layers_at_start
    share, name = _worst(report, report.saturated)
    found = f"{share:.0%} of the outputs of {name} pass hardly any gradient at the start"
    most = limits.SATURATED_FOR_ALL if evidence.ends_well else limits.SATURATED
    expected = f"less than {most:.0%}"
    if share < most:
        return Verdict(_SATURATED, "fine", found, expected)
    return Verdict(
        _SATURATED,
        "fault",
        found,
        expected,
        smaller_first_outputs(evidence),
    )


def _still(evidence: Evidence) -> Verdict | None:
    """Look for a layer whose outputs hardly change: units that are dead, though not quite 0."""
    report, X = evidence.layers_at_start, evidence.case.look[0]
    least = limits.STILL * float(X.std(axis=0).max())
    spread = report.activation_std[:-1]
    if not np.isfinite(spread).all() or spread.min() >= least:
        return None
    at = int(np.argmin(spread))
    return Verdict(
        _DEAD,
        "fault",
        f"the outputs of {report.names[at]} differ by {spread[at]:.1e} from sample to sample at "
        "the start",
        f"{least:.1e} or more",
        "Set the biases to 0 and the weights by initializer='kaiming'.",
    )


def _of_the_end(evidence: Evidence) -> str:
    """Return what leaves more units alive: a lower rate that learns as well, if one was tried."""
    case = evidence.case
    least = limits.WELL_LEARNT * evidence.way(evidence.own)
    for factor in (0.1, 0.01):
        trial = evidence.by_rate.get(factor)
        if trial is None or case.rate is None or not trial.params or trial.diverged:
            continue
        share, _ = _worst(found := look_into_layers(case, trial), found.dead)
        if share <= limits.DEAD and evidence.way(trial) >= least:
            return f"Set learning_rate to {case.rate * factor:.2g}: {share:.0%} are then."
    return "Take activation='leaky_relu'."


def _worst(report: LayerReport, shares: np.ndarray) -> tuple[float, str]:
    """Return the largest share of a hidden layer, and the layer's name."""
    hidden = shares[:-1]
    return float(hidden.max()), report.names[int(np.argmax(hidden))]
