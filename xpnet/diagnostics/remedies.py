"""What to change in a net whose first outputs are too large or too small, by what is unusual."""

import math

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.own_loss import to_host
from xpnet.diagnostics.sentences import listed

__all__ = ["larger_first_weights", "smaller_first_outputs"]

_SIGMOIDS = ("sigmoid", "tanh")


def smaller_first_outputs(evidence: Evidence) -> str:
    """Return what makes outputs smaller: of weights, biases and inputs those that are large."""
    weights, biases = _unusual(evidence, above=True)
    said = []
    if biases:
        said.append(f"set {listed(biases)} to 0")
    if weights:
        said.append(f"draw {listed(weights)} smaller ({_initializer(evidence)})")
    X, _ = evidence.case.look
    if float(np.sqrt(np.mean(X * X))) > limits.USUAL_SIZE and not (biases or weights):
        said.append(f"scale the inputs to a deviation of 1 ({_preprocess(evidence)})")
    if not said:
        said.append("make the first weights smaller, or scale the inputs")
    return _sentence(said)


def larger_first_weights(evidence: Evidence) -> str:
    """Return what makes outputs or gradients larger in the far layers."""
    weights, _ = _unusual(evidence, above=False)
    if weights:
        return _sentence([f"draw {listed(weights)} larger ({_initializer(evidence)})"])
    net = evidence.case.net
    if net is not None and net.activation in _SIGMOIDS:
        return "Take activation='relu' or fewer layers, or normalization='batchnorm'."
    return "Take normalization='batchnorm', or fewer layers."


def _unusual(evidence: Evidence, *, above: bool) -> tuple[list[str], list[str]]:
    """Return the weights far from Kaiming's or Glorot's size, and biases that are large."""
    weights, biases = [], []
    for name, w in evidence.case.model().params.items():
        host = to_host(w)
        if name.startswith("b") and name[1:].isdigit() and np.abs(host).max(initial=0.0) > 1.0:
            biases.append(name)
        if not name.startswith("W") or host.ndim < 2:
            continue
        usual = math.sqrt(2.0 / host.shape[-2])
        size = float(np.sqrt(np.mean(host * host)))
        if (size > 2.0 * usual) if above else (size < usual / 4.0):
            weights.append(name)
    return weights, biases


def _initializer(evidence: Evidence) -> str:
    net = evidence.case.net
    bounded = net is not None and net.activation in _SIGMOIDS
    return f"initializer={'xavier' if bounded else 'kaiming'!r}"


def _preprocess(evidence: Evidence) -> str:
    own = evidence.case.preprocess
    if own is None or str(own) == "mean":
        return "preprocess='standard'"
    return f"preprocess='{own}+standard'"


def _sentence(said: list[str]) -> str:
    text = ", and ".join(said)
    return f"{text[0].upper()}{text[1:]}."
