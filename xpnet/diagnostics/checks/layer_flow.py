"""Whether activations and gradients reach the far end of the net.

Reference: X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward
neural networks", AISTATS 2010.
"""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.remedies import larger_first_weights, smaller_first_outputs
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_activations", "check_layer_gradients"]

_ACTIVATIONS, _GRADIENTS = "activations by layer", "gradients by layer"


def check_activations(evidence: Evidence) -> Verdict:
    """Compare the spread of each layer's outputs with that of the first's."""
    net = evidence.case.net
    if net is None or net.num_layers < 3:
        return Verdict(_ACTIVATIONS, "not looked at", "fewer than two hidden layers are known", "")
    report = evidence.layers_at_start
    spread = report.activation_std[:-1]
    return _verdict(evidence, _ACTIVATIONS, "spread of the outputs", spread, first=0)


def check_layer_gradients(evidence: Evidence) -> Verdict:
    """Compare the gradient by each layer's outputs with that by the scores."""
    net = evidence.case.net
    if net is None or net.num_layers < 3:
        return Verdict(_GRADIENTS, "not looked at", "fewer than two hidden layers are known", "")
    report = evidence.layers_at_start
    return _verdict(evidence, _GRADIENTS, "gradient", report.output_gradient, first=-1)


def _verdict(evidence: Evidence, name: str, what: str, sizes: np.ndarray, first: int) -> Verdict:
    """Judge sizes by layer, against that of the first or last layer."""
    names = evidence.layers_at_start.names
    expected = f"between {limits.VANISHED:g} and {limits.EXPLODED:g} times"
    if not np.isfinite(sizes).all():
        return Verdict(
            name,
            "fault",
            f"the {what} of {names[int(np.argmin(np.isfinite(sizes)))]} is NaN or infinite",
            "finite numbers",
            smaller_first_outputs(evidence),
        )
    start = sizes[first]
    ratios = sizes / start if start > 0 else np.where(sizes > 0, np.inf, 0.0)
    other = names[first].partition(" (")[0]
    low, high = int(np.argmin(ratios)), int(np.argmax(ratios))
    if ratios[low] < limits.VANISHED:
        return Verdict(
            name,
            "fault",
            f"the {what} of {names[low]} is {ratios[low]:.1e} times that of {other}: it vanishes",
            expected,
            larger_first_weights(evidence),
        )
    if ratios[high] > limits.EXPLODED:
        return Verdict(
            name,
            "fault",
            f"the {what} of {names[high]} is {ratios[high]:.1e} times that of {other}: it explodes",
            expected,
            smaller_first_outputs(evidence),
        )
    at = low if low != first % len(sizes) else high
    found = f"the {what} of {names[at]} is {ratios[at]:.2g} times that of {other}"
    return Verdict(name, "fine", found, expected)
