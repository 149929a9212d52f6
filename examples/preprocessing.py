"""What mean subtraction, standardization, PCA and whitening change: the axes of the inputs.

    python examples/preprocessing.py          # writes preprocessing.png
    python examples/preprocessing.py DIR      # on CIFAR-10: DIR holds cifar-10-batches-py/

The same two-layer net is trained on inputs that were preprocessed in five ways, at many learning
rates, all in one stack of nets. The picture shows E[x x^T], the mean products of any two features,
and what training makes of it: the longest axis of the inputs is the steepest direction of the loss
and limits the learning rate, and along the shortest one the training then creeps.
"""

import warnings
from typing import NamedTuple

import numpy as np
from _common import BLACK, BLUE, GREEN, ORANGE, RED, Figure, digits, say, start

import xpnet

HIDDEN_DIM = 50
RATES = np.logspace(-4, 1, 11)
LEARNT = 0.85  # of the best accuracy that any net here reaches
STYLES = {
    "none": {"color": BLACK, "marker": "o"},
    "mean": {"color": RED, "marker": "s"},
    "standard": {"color": ORANGE, "marker": "^"},
    "pca:0.95": {"color": GREEN, "marker": "D", "linestyle": "--"},
    "whiten": {"color": BLUE, "marker": "P"},
}


class Found(NamedTuple):
    """What was measured of one way to preprocess."""

    products: np.ndarray  # E[x x^T] of the training inputs, (D, D)
    same_sign: float  # the share of a unit's weights that one sample moves the same way
    accuracy: np.ndarray  # the best validation accuracy at each rate
    losses: np.ndarray  # the mean training loss of each epoch, (epochs, rates)

    @property
    def axes(self):
        """The mean square of the inputs along their principal axes, the longest first."""
        squares = np.linalg.eigvalsh(self.products)[::-1]
        return squares[squares > 1e-9 * squares[0]]  # features that never vary have no axis

    @property
    def best(self):
        """The number of the rate that ends with the lowest loss."""
        return int(np.nanargmin(self.losses[-1]))


def same_sign(net, X, y):
    """Return the share of a hidden unit's weights whose gradient has the sign of most of them.

    Of one sample at a time, the mean over samples and units: 1 where all weights of a unit can only
    grow together or shrink together, 0.5 where they are free.
    """
    shares = []
    for k in range(len(X)):
        signs = np.sign(net.loss(X[k : k + 1], y[k : k + 1])[1]["W1"])
        up, down = (signs > 0).sum(axis=0), (signs < 0).sum(axis=0)
        moved = up + down > 0
        shares += (np.maximum(up, down)[moved] / (up + down)[moved]).tolist()
    return np.mean(shares)


def measure(data, preprocess):
    """Look at the inputs, and train on them at all rates at once."""
    fitted = xpnet.preprocessing.get_preprocessor(preprocess)
    X = np.asarray(data.X_train, dtype=np.float32)
    if fitted is not None:
        X = fitted.fit(data.X_train).transform(X)
    net = xpnet.TwoLayerNet(X.shape[1], HIDDEN_DIM, data.num_classes, initializer="kaiming")
    signs = same_sign(net, X[:20], data.y_train[:20])
    stack = xpnet.TwoLayerNet(
        X.shape[1], HIDDEN_DIM, data.num_classes, initializer="kaiming", members=len(RATES)
    )
    solver = xpnet.Solver(
        stack,
        data,
        update_rule="sgd",
        optim_config={"learning_rate": RATES},
        num_epochs=10,
        preprocess=fitted,
        verbose=False,
    )
    solver.train()
    losses = np.array(solver.loss_history).reshape(solver.epoch, -1, len(RATES)).mean(axis=1)
    return Found(X.T.astype(np.float64) @ X / len(X), signs, solver.best_val_acc, losses)


def draw(path, measured):
    """Write the picture: the inputs above, the trainings below."""
    figure = Figure(figsize=(12, 8), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(0.8, 1))
    above.suptitle("Mean products of the features, E[x xᵀ]: red above 0, blue below 0", fontsize=12)
    for axes, (name, found) in zip(above.subplots(1, len(measured)), measured.items(), strict=True):
        most = np.abs(found.products).max()
        axes.imshow(found.products, cmap="RdBu_r", vmin=-most, vmax=most, interpolation="nearest")
        axes.set(xticks=[], yticks=[], title=name)
        longest, shortest = found.axes[0], found.axes[-1]
        axes.set_xlabel(
            f"{len(found.products)} features\nlongest axis {digits(longest)}\n"
            f"longest / shortest {digits(longest / shortest)}"
        )
    accuracies, curves = below.subplots(1, 2)
    for name, found in measured.items():
        line = {"linewidth": 1.8, "markersize": 5, **STYLES[name]}
        accuracies.plot(RATES, found.accuracy, label=name, **line)
        epochs = range(1, len(found.losses) + 1)
        label = f"{name}, rate {RATES[found.best]:.2g}"
        curves.plot(epochs, found.losses[:, found.best], label=label, **line)
    accuracies.set(xlabel="learning rate", xscale="log", ylim=(0, 1.03))
    accuracies.set(title="Best validation accuracy", ylabel="accuracy")
    curves.set(title="Training loss, each at its best rate", xlabel="epoch", ylabel="loss")
    curves.set(yscale="log", xticks=epochs)
    for axes in (accuracies, curves):
        axes.grid(alpha=0.25)
        axes.legend()
    figure.savefig(path, dpi=100)


def answer(measured):
    """Print the numbers, and what they say."""
    print(
        f"{'':<10}features  longest axis  longest / shortest  same sign  best accuracy  "
        "largest rate  loss"
    )
    enough = LEARNT * max(found.accuracy.max() for found in measured.values())
    largest = {}
    for name, found in measured.items():
        longest, shortest = found.axes[0], found.axes[-1]
        largest[name] = max(RATES[found.accuracy > enough], default=0)
        print(
            f"{name:<10}{len(found.products):8}  {digits(longest):>12}  "
            f"{digits(longest / shortest):>18}  "
            f"{found.same_sign:9.0%}  {found.accuracy.max():13.2f}  {largest[name]:12.2g}  "
            f"{found.losses[-1, found.best]:.3f}"
        )
    ends = {name: f"{found.losses[-1, found.best]:.3f}" for name, found in measured.items()}
    signs = {name: f"{found.same_sign:.0%}" for name, found in measured.items()}
    longest = {name: digits(found.axes[0]) for name, found in measured.items()}
    ratio = {name: digits(found.axes[0] / found.axes[-1]) for name, found in measured.items()}
    rate = {name: f"{value:.2g}" if value else "none" for name, value in largest.items()}
    say(
        f"Mean subtraction takes the longest axis from {longest['none']} to {longest['mean']}, and "
        f"the weights that one sample moves the same way from {signs['none']} to {signs['mean']}; "
        f"the largest learning rate tried that reaches an accuracy of {enough:.2f} goes from "
        f"{rate['none']} to {rate['mean']}, the loss at the end from {ends['none']} to "
        f"{ends['mean']}. After whitening the longest axis is {ratio['whiten']} times the "
        f"shortest, and the largest rate {rate['whiten']}; after standardization "
        f"{ratio['standard']} times, and {rate['standard']}."
    )


def main() -> None:
    """Measure, draw and answer."""
    data, path = start(__file__, __doc__)
    warnings.simplefilter("ignore", xpnet.DivergenceWarning)  # the highest rates are meant to
    with xpnet.get_backend("cpu").threads(1):  # more would wait for each other in so small a net
        measured = {name: measure(data, name) for name in STYLES}
    answer(measured)
    draw(path, measured)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
