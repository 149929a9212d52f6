"""What zero, too small, too large, Xavier and Kaiming weights do to the activations by depth.

    python examples/initialization.py          # writes initialization.png
    python examples/initialization.py DIR      # on CIFAR-10: DIR holds cifar-10-batches-py/

Nets with 8 hidden layers of tanh and of ReLU, each with six initialisers. The picture has
histograms of the activations before training; the table adds what a training then makes of it.
"""

import warnings
from typing import NamedTuple

import numpy as np
from _common import BLUE, RED, Figure, say, start

import xpnet
from xpnet.layers import affine_forward, get_activation

HIDDEN_DIMS = [100] * 8
SHOWN = (1, 3, 5, 8)  # the layers that are drawn and printed


def equal(_rng, shape):
    """Return weights that are all the same: an initialiser of one's own."""
    return np.full(shape, 1 / shape[0])


INITIALIZERS = {
    "zeros": {"initializer": "zeros"},
    "all equal": {"initializer": equal},
    "Gaussian 0.01": {"weight_scale": 0.01},
    "Gaussian 1": {"weight_scale": 1.0},
    "Xavier": {"initializer": "xavier"},
    "Kaiming": {"initializer": "kaiming"},
}
RANGES = {"tanh": (-1.0, 1.0), "relu": (0.0, 3.0)}
COLORS = {"tanh": RED, "relu": BLUE}


class Found(NamedTuple):
    """What was measured of one net."""

    activations: list[np.ndarray]  # of each hidden layer (samples, units), before training
    different_units: int  # of the first hidden layer, after training
    accuracy: float  # the best validation accuracy, NaN where the training diverged at once


def activations(net, X):
    """Return the outputs of all hidden layers."""
    x, found = X, []
    for i in range(1, net.num_layers):
        x, _ = affine_forward(x, net.params[f"W{i}"], net.params[f"b{i}"])
        x, _ = get_activation(net.activation).forward(x)
        found.append(x)
    return found


def measure(data, X, activation, choice):
    """Look at a net with that initialiser, and train it."""
    net = xpnet.FullyConnectedNet(
        HIDDEN_DIMS, data.input_dim, data.num_classes, activation=activation, **choice
    )
    before = activations(net, X)
    solver = xpnet.Solver(
        net,
        data,
        update_rule="sgd_momentum",
        optim_config={"learning_rate": 1e-2},
        num_epochs=5,
        preprocess="standard",
        verbose=False,
    )
    solver.train()
    different_units = np.unique(net.params["W1"], axis=1).shape[1]
    accuracy = solver.best_val_acc if np.isfinite(solver.best_val_acc) else np.nan
    return Found(before, different_units, accuracy)


def lost(activation, x):
    """Return the share of activations where tanh is flat, or where ReLU is."""
    return (np.abs(x) > 0.99).mean() if activation == "tanh" else (x == 0).mean()


def verdict(activation, found):
    """Say in two words what has become of the activations."""
    first, last = found.activations[0], found.activations[-1]
    if found.different_units == 1:
        return "all units stay alike"
    if last.std() < 1e-3 * first.std():
        return "dies out"
    if last.std() > 1e3 * first.std():
        return "explodes"
    if activation == "tanh" and lost(activation, last) > 0.5:
        return "saturates"
    return "shrinks" if last.std() < 0.2 * first.std() else "holds"


def draw(path, measured):
    """Write the histograms, a row an initialiser."""
    figure = Figure(figsize=(13, 9), layout="constrained")
    for part, (activation, limits) in zip(
        figure.subfigures(1, 2, wspace=0.03), RANGES.items(), strict=True
    ):
        beyond = ", 3 and more in the last bar" if activation == "relu" else ""
        part.suptitle(f"{activation}: activations that are not 0{beyond}", fontsize=13)
        grid = part.subplots(len(INITIALIZERS), len(SHOWN), sharex=True)
        for row, name in zip(grid, INITIALIZERS, strict=True):
            row[0].set_ylabel(name, fontsize=11)
            for axes, layer in zip(row, SHOWN, strict=True):
                draw_cell(axes, activation, measured[activation, name].activations[layer - 1])
        for axes, layer in zip(grid[0], SHOWN, strict=True):
            axes.set_title(f"layer {layer}", fontsize=11)
        grid[0, 0].set_xlim(limits[0] - 0.05, limits[1] + 0.05)
    figure.savefig(path, dpi=100)


def draw_cell(axes, activation, x):
    """Draw one histogram, with its numbers above it."""
    limits = RANGES[activation]
    counts, edges = np.histogram(np.clip(x[x != 0], *limits), bins=30, range=limits)
    axes.stairs(counts, edges, fill=True, color=COLORS[activation])
    share = f"{lost(activation, x):.0%} {'flat' if activation == 'tanh' else 'at 0'}"
    text = f"std {x.std():.2g}\n{share}" if x.any() else "all 0"
    axes.text(0.5, 0.96, text, transform=axes.transAxes, ha="center", va="top", fontsize=9)
    axes.set(yticks=[], ylim=(0, 1.7 * max(counts.max(), 1)))


def answer(measured):
    """Print the numbers, and what they say."""
    columns = "".join(f"{f'layer {layer}':>9}" for layer in SHOWN)
    print(f"{'':<20}{'standard deviation of':<36}  in layer 8")
    print(f"{'':<20}{columns}   flat or 0  different units  accuracy")
    sayings = {activation: {} for activation in RANGES}
    for (activation, name), found in measured.items():
        stds = "".join(f"{found.activations[layer - 1].std():9.1e}" for layer in SHOWN)
        print(
            f"{activation}, {name:<14}{stds}  {lost(activation, found.activations[-1]):10.0%}"
            f"  {found.different_units:15}  {found.accuracy:8.2f}"
        )
        sayings[activation].setdefault(verdict(activation, found), []).append(name)
    for activation, groups in sayings.items():
        parts = [f"{text} with {' and '.join(names)}" for text, names in groups.items()]
        say(f"{activation}: {'; '.join(parts)}.")


def main() -> None:
    """Measure, draw and answer."""
    data, path = start(__file__, __doc__)
    warnings.simplefilter("ignore", xpnet.DivergenceWarning)  # too large is one of the cases
    X = xpnet.preprocessing.get_preprocessor("standard").fit(data.X_train).transform(data.X_train)
    with xpnet.get_backend("cpu").threads(1):  # more would wait for each other in so small a net
        measured = {
            (activation, name): measure(data, X[:500], activation, choice)
            for activation in RANGES
            for name, choice in INITIALIZERS.items()
        }
    answer(measured)
    draw(path, measured)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
