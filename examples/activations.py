"""Which activation loses its gradient, and in which layer.

    python examples/activations.py          # writes activations.png
    python examples/activations.py DIR      # on CIFAR-10: DIR holds cifar-10-batches-py/

Nets with 8 hidden layers, each started by the initialiser that fits its activation. The picture
shows the slope of each activation, the gradient by the weights of each layer before the first step,
and after a training at several learning rates, all in one stack of nets, the share of units that
no sample gives a gradient any more, and the accuracy.
"""

import warnings
from typing import NamedTuple

import numpy as np
from _common import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, Figure, digits, say, start

import xpnet
from xpnet.layers import ACTIVATIONS, affine_forward, get_activation, maxout_forward

HIDDEN_DIMS = [50] * 8
RATES = [1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
HIGH = RATES.index(3e-2)
LOST = 0.005  # a slope below it is lost; leaky ReLU's least is 0.01
INPUTS = np.linspace(-8, 8, 1601)
SMALL = "sigmoid, Gaussian 0.01"
STYLES = {
    "sigmoid": {"color": RED, "marker": "o"},
    "tanh": {"color": ORANGE, "marker": "s"},
    "relu": {"color": BLUE, "marker": "^"},
    "leaky_relu": {"color": SKY, "marker": "v", "linestyle": "--"},
    "elu": {"color": GREEN, "marker": "D"},
    "maxout": {"color": PURPLE, "marker": "P"},
    "identity": {"color": GREY, "marker": "x", "linestyle": ":"},
}


class Outcome(NamedTuple):
    """What a training gave; NaN where it diverged."""

    accuracy: np.ndarray  # the best one at each rate
    slopes_lost: np.ndarray  # the share of all slopes, at each rate
    units_lost: np.ndarray  # the share of units, (hidden layers, rates): lost on all samples


class LastParams:
    """A callback that keeps the parameters as they are: the Solver leaves the best ones."""

    def on_epoch(self, solver):
        """Keep a copy."""
        self.params = {name: w.copy() for name, w in solver.model.params.items()}


def slopes(activation, x):
    """Return the derivative of an activation at each x: what it passes back of a gradient of 1."""
    out, cache = get_activation(activation).forward(x)
    return get_activation(activation).backward(np.ones_like(out), cache)


def gradient_sizes(net, X, y):
    """Return the root mean square of the loss's gradient by the weights of each hidden layer."""
    _, grads = net.loss(X, y)
    return np.array([np.sqrt(np.mean(grads[f"W{i}"] ** 2)) for i in range(1, net.num_layers)])


def lost_slopes(net, params, X):
    """Return whether each slope (hidden layers, members, samples, units) is lost."""
    x, lost = X, []
    for i in range(1, net.num_layers):
        w, b = params[f"W{i}"], params[f"b{i}"]
        if net.activation == "maxout":  # the largest piece passes all of the gradient on
            x, _ = maxout_forward(x, w, b)
            slope = np.ones_like(x)
        else:
            z, _ = affine_forward(x, w, b)
            x, _ = get_activation(net.activation).forward(z)
            slope = slopes(net.activation, z)
        lost.append(slope < LOST)
    return np.array(lost)


def train(activation, data, X):
    """Train at all rates at once, and look at the slopes afterwards."""
    last = LastParams()
    net = xpnet.FullyConnectedNet(
        HIDDEN_DIMS, data.input_dim, data.num_classes, activation=activation, members=len(RATES)
    )
    solver = xpnet.Solver(
        net,
        data,
        update_rule="adam",
        optim_config={"learning_rate": RATES},
        num_epochs=5,
        preprocess="standard",
        verbose=False,
        callbacks=[last],
    )
    solver.train()
    diverged = np.array([step is not None for step in solver.diverged_at])
    with np.errstate(all="ignore"):
        lost = lost_slopes(net, last.params, X)
    return Outcome(
        solver.best_val_acc,
        np.where(diverged, np.nan, lost.mean(axis=(0, -2, -1))),
        np.where(diverged, np.nan, lost.all(axis=-2).mean(axis=-1)),
    )


def draw(path, gradients, trained):
    """Write the picture."""
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    (above, depth), (units, accuracy) = figure.subplots(2, 2)
    layers = np.arange(1, len(HIDDEN_DIMS) + 1)
    for name, style in STYLES.items():
        line = {"linewidth": 1.8, "markersize": 5, **style}
        if name in ACTIVATIONS:
            above.plot(INPUTS, np.maximum(slopes(name, INPUTS), 1e-9), **line | {"marker": ""})
        depth.plot(layers, gradients[name], label=name, **line)
        units.plot(RATES, 100 * trained[name].units_lost.mean(axis=0), **line)
        accuracy.plot(RATES, trained[name].accuracy, **line)
    depth.plot(layers, gradients[SMALL], label=SMALL, color=RED, linestyle="--", marker="o")
    above.set(title="Slope of the activation (of ReLU 0 below 0)", xlabel="x", ylabel="df / dx")
    above.set(yscale="log", ylim=(1e-3, 2))
    depth.set(title="Gradient by the weights, before training", yscale="log")
    depth.set(xlabel="hidden layer, 1 is at the input", ylabel="root mean square", xticks=layers)
    units.set(title="Units that no sample gives a gradient, after training", ylabel="% of units")
    accuracy.set(title="Best validation accuracy", ylabel="accuracy", ylim=(0, 1.03))
    for axes in (units, accuracy):
        axes.set(xlabel="learning rate of Adam", xscale="log")
    for axes in (above, depth, units, accuracy):
        axes.grid(alpha=0.25)
    figure.legend(*depth.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.savefig(path, dpi=110)


def answer(gradients, trained):
    """Print the numbers, and what they say."""
    last = len(HIDDEN_DIMS)
    print(f"{'':<24}slope below {LOST:<10}gradient at the start    after Adam at {RATES[HIGH]}")
    print(
        f"{'':<24}{'where x is':<22}{'by W1':>7}  {f'by W{last}':>7}  {'ratio':>7}  "
        "slopes lost  units lost  accuracy"
    )
    fading, steady, dying, alive = [], [], [], []
    for name, sizes in gradients.items():
        ratio = sizes[-1] / sizes[0]
        line = f"{name:<24}{where_lost(name):<22}{sizes[0]:7.1e}  {sizes[-1]:7.1e}  {ratio:7.1e}"
        if ratio > 10:
            fading.append(f"{digits(ratio)} times with {name}")
        else:
            steady.append(ratio)
        if name in trained:
            accuracy, slopes_lost, by_layer = (values[..., HIGH] for values in trained[name])
            share, most = by_layer.mean(), int(by_layer.argmax()) + 1
            line += f"  {slopes_lost:11.0%}  {share:10.0%}  {accuracy:8.2f}"
            if share > 0:
                dying.append(f"{share:.0%} with {name} (most in layer {most})")
            elif share == 0:
                alive.append(name)
        print(line)
    say(
        f"From layer {last} back to layer 1 the gradient shrinks {', '.join(fading)}; "
        f"with the others {max(steady):.1f} times at most. "
        "Too high a learning rate leaves units that no sample gives a gradient: "
        f"{', '.join(dying)}; none with {', '.join(alive)}."
    )


def where_lost(name):
    """Return for which inputs the slope is lost, as text."""
    if name not in ACTIVATIONS:
        return "" if name == SMALL else "never"
    lost = slopes(name, INPUTS) < LOST
    parts = [f"< {INPUTS[lost & (INPUTS <= 0)].max():.1f}"] if lost[0] else []
    parts += [f"> {INPUTS[lost & (INPUTS > 0)].min():.1f}"] if lost[-1] else []
    return " or ".join(parts) or "never"


def main() -> None:
    """Measure, draw and answer."""
    data, path = start(__file__, __doc__)
    warnings.simplefilter("ignore", xpnet.DivergenceWarning)  # the highest rates are meant to be
    X = xpnet.preprocessing.get_preprocessor("standard").fit(data.X_train).transform(data.X_train)
    X, y = X[:500], data.y_train[:500]
    sizes = {"input_dim": data.input_dim, "num_classes": data.num_classes}
    gradients, trained = {}, {}
    with xpnet.get_backend("cpu").threads(1):  # more would wait for each other in so small a net
        for name in STYLES:
            net = xpnet.FullyConnectedNet(HIDDEN_DIMS, **sizes, activation=name)
            gradients[name] = gradient_sizes(net, X, y)
            trained[name] = train(name, data, X)
        net = xpnet.FullyConnectedNet(HIDDEN_DIMS, **sizes, activation="sigmoid", weight_scale=0.01)
        gradients[SMALL] = gradient_sizes(net, X, y)
    answer(gradients, trained)
    draw(path, gradients, trained)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
