"""What batch normalisation changes: the scales and learning rates at which a deep net learns.

    python examples/batch_normalization.py          # writes batch_normalization.png
    python examples/batch_normalization.py DIR      # on CIFAR-10: DIR holds cifar-10-batches-py/

The same net with 5 hidden layers is trained with it and without it. All weight scales are members
of one stack and train at once, so do all learning rates, and the five seeds of the loss curves.
"""

import warnings

import numpy as np
from _common import BLUE, RED, Figure, say, start

import xpnet

HIDDEN_DIMS = [50] * 5
SCALES = RATES = np.logspace(-3, 1, 9)
RATE = 0.1  # where the rates are not what is compared
SMALL_SCALE = 0.01  # of the gradient by depth
SEEDS = range(5)
NUM_EPOCHS = 20  # of the loss curves
LEARNT = 0.75  # of the best accuracy that any net here reaches
NORMALIZATIONS = {"with": "batchnorm", "without": None}
STYLES = {
    "with": {"color": BLUE, "marker": "o", "label": "with batchnorm"},
    "without": {"color": RED, "marker": "s", "label": "without"},
}


def make_net(data, normalization, **choice):
    """Return the net."""
    return xpnet.FullyConnectedNet(
        HIDDEN_DIMS, data.input_dim, data.num_classes, normalization=normalization, **choice
    )


def train(net, data, learning_rate, num_epochs=10):
    """Return the Solver that has trained all members of the net, each at its own rate."""
    solver = xpnet.Solver(
        net,
        data,
        update_rule="sgd",
        optim_config={"learning_rate": learning_rate},
        num_epochs=num_epochs,
        preprocess="standard",
        verbose=False,
    )
    solver.train()
    return solver


def gradient_sizes(net, X, y):
    """Return the root mean square of the loss's gradient by the weights of each hidden layer."""
    _, grads = net.loss(X, y)
    return np.array([np.sqrt(np.mean(grads[f"W{i}"] ** 2)) for i in range(1, net.num_layers)])


def losses(solver):
    """Return the training and the validation loss of each epoch, means over the members."""
    by_step = np.array(solver.loss_history)
    by_epoch = by_step.reshape(solver.epoch, solver.steps_per_epoch, -1).mean(axis=(1, 2))
    ends = np.array(solver.check_steps) % solver.steps_per_epoch == 0
    return by_epoch, np.array(solver.val_loss_history)[ends].mean(axis=-1)


def measure(data, normalization):
    """Return all that the picture shows, with batch normalisation or without it."""
    stack = {"members": len(SCALES), "weight_scale": SCALES}
    by_scale = train(make_net(data, normalization, **stack), data, RATE).best_val_acc
    net = make_net(data, normalization, members=len(RATES))
    by_rate = train(net, data, RATES).best_val_acc
    net = make_net(data, normalization, members=len(SEEDS), seed=list(SEEDS))
    curves = losses(train(net, data, RATE, num_epochs=NUM_EPOCHS))
    X = xpnet.preprocessing.get_preprocessor("standard").fit(data.X_train).transform(data.X_train)
    net = make_net(data, normalization, weight_scale=SMALL_SCALE)
    return {  # the accuracy is -inf where the first step diverged
        "weight scale": np.where(by_scale < 0, np.nan, by_scale),
        "learning rate": np.where(by_rate < 0, np.nan, by_rate),
        "curves": curves,
        "gradients": gradient_sizes(net, X[:500], data.y_train[:500]),
    }


def draw(path, measured):
    """Write the picture."""
    figure = Figure(figsize=(11, 8.5), layout="constrained")
    (scales, rates), (depth, curves) = figure.subplots(2, 2)
    for name, found in measured.items():
        line = {"linewidth": 1.8, "markersize": 5, **STYLES[name]}
        scales.plot(SCALES, found["weight scale"], **line)
        rates.plot(RATES, found["learning rate"], **line)
        depth.plot(range(1, len(HIDDEN_DIMS) + 1), found["gradients"], **line)
        for text, linestyle, values in zip(
            ("training", "validation"), ("-", "--"), found["curves"], strict=True
        ):
            style = {**line, "marker": "", "linestyle": linestyle}
            style["label"] = f"{text}, {style['label']}"
            curves.plot(range(1, len(values) + 1), values, **style)
    scales.set(title=f"Initialisation: weights N(0, scale²), rate {RATE}")
    scales.set(xlabel="weight scale", xscale="log")
    rates.set(title="Learning rate: Kaiming's weights", xlabel="learning rate", xscale="log")
    for axes in (scales, rates):
        axes.set(ylabel="best validation accuracy", ylim=(0, 1.03))
    depth.set(title=f"Gradient by the weights at the start, weight scale {SMALL_SCALE}")
    depth.set(xlabel="hidden layer, 1 is at the input", ylabel="root mean square", yscale="log")
    depth.set_xticks(range(1, len(HIDDEN_DIMS) + 1))
    curves.set(title=f"Loss, mean of {len(SEEDS)} seeds: Kaiming's weights, rate {RATE}")
    curves.set(xlabel="epoch", ylabel="loss", yscale="log", xticks=range(0, NUM_EPOCHS + 1, 5))
    for axes in (scales, rates, depth, curves):
        axes.grid(alpha=0.25)
        axes.legend()
    figure.savefig(path, dpi=110)


def answer(measured):
    """Print the numbers, and what they say."""
    tried = {"weight scale": SCALES, "learning rate": RATES}
    for what, values in tried.items():
        print(f"{what:<15}" + "".join(f"{value:7.1g}" for value in values))
        for name, found in measured.items():
            print(f"{name:>15}" + "".join(f"{accuracy:7.2f}" for accuracy in found[what]))
    enough = LEARNT * max(np.nanmax(found[what]) for found in measured.values() for what in tried)
    scales = {name: (found["weight scale"] > enough).sum() for name, found in measured.items()}
    rates = {
        name: max(RATES[found["learning rate"] > enough], default=0)
        for name, found in measured.items()
    }
    say(
        f"With batch normalisation {scales['with']} of {len(SCALES)} weight scales reach "
        f"{enough:.2f}, without it {scales['without']}; the largest learning rate that does is "
        f"{rates['with']:.2g}, without it {rates['without']:.2g}."
    )
    first = {name: found["gradients"][0] for name, found in measured.items()}
    train_loss, val_loss = (
        {name: found["curves"][part][-1] for name, found in measured.items()} for part in (0, 1)
    )
    say(
        f"At weight scale {SMALL_SCALE} the gradient by W1 starts at {first['with']:.1e}, without "
        f"it at {first['without']:.1e}. With Kaiming's weights the training ends with a training "
        f"loss of {train_loss['with']:.3f} and a validation loss of {val_loss['with']:.3f}, "
        f"without it with {train_loss['without']:.3f} and {val_loss['without']:.3f}."
    )


def main() -> None:
    """Measure, draw and answer."""
    data, path = start(__file__, __doc__)
    warnings.simplefilter("ignore", xpnet.DivergenceWarning)  # some scales and rates are meant to
    with xpnet.get_backend("cpu").threads(1):  # more would wait for each other in so small a net
        measured = {name: measure(data, choice) for name, choice in NORMALIZATIONS.items()}
    answer(measured)
    draw(path, measured)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
