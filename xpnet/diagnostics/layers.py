"""What each layer of a net does on the data at hand."""

from dataclasses import dataclass

import numpy as np

from xpnet.diagnostics.case import Case
from xpnet.diagnostics.layer_outputs import layer_names
from xpnet.diagnostics.layer_statistics import layer_statistics
from xpnet.diagnostics.trial import Trial
from xpnet.diagnostics.validation_statistics import validation_statistics
from xpnet.nets import Variables

__all__ = ["LayerReport", "look_into_layers"]


@dataclass(eq=False)
class LayerReport:
    """A number a layer, the layer of the scores last.

    Attributes:
        names: Such as "hidden 1 (64-100, relu)".
        activation_std: Standard deviation of a layer's outputs.
        output_gradient: Size of the gradient by the outputs.
        saturated: Share of sigmoid's or tanh's outputs that pass hardly any gradient.
        dead: Share of the units that are 0 for every validation sample.
        units: The units of each.

    """

    names: list[str]
    activation_std: np.ndarray
    output_gradient: np.ndarray
    saturated: np.ndarray
    dead: np.ndarray
    units: tuple[int, ...]


def look_into_layers(case: Case, trial: Trial | None) -> LayerReport:
    """Return what the layers do at the start, or at the end of a trial."""
    net = case.twin()
    params, state = net.params, net.state
    if trial is not None:
        params = {name: w.astype(np.float64) for name, w in trial.params.items()}
        state = {name: w.astype(np.float64) for name, w in trial.state.items()}
    X, y = case.look
    if y.dtype.kind == "f":
        y = y.astype(np.float64).reshape(len(y), -1)
    variables = Variables(params, state)
    with np.errstate(all="ignore"):
        found = layer_statistics(net, variables, X, y, net.constants())
        on_val = validation_statistics(net, variables, [case.look_val[0]])
    return LayerReport(
        layer_names(net),
        np.asarray(found["activation_std"]),
        np.asarray(found["output_gradient_norm"]) / np.sqrt(net.layer_sizes[1:]),
        np.asarray(found["saturated_share"]),
        np.asarray(on_val["dead_share"]),
        net.layer_sizes[1:],
    )
