"""Whether units still learn: dead ReLUs, and saturated sigmoids."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.layers import LayerReport
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
                remedy = "Make the learning rate ten times smaller, or take 'leaky_relu'."
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
    expected = f"less than {limits.SATURATED:.0%}"
    if share < limits.SATURATED:
        return Verdict(_SATURATED, "fine", found, expected)
    return Verdict(
        _SATURATED,
        "fault",
        found,
        expected,
        "Make the first weights smaller (initializer='xavier'), and scale the inputs "
        "(preprocess='standard').",
    )


def _worst(report: LayerReport, shares: np.ndarray) -> tuple[float, str]:
    """Return the largest share of a hidden layer, and the layer's name."""
    hidden = shares[:-1]
    return float(hidden.max()), report.names[int(np.argmax(hidden))]
