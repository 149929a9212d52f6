"""The same nets and their training in torch.nn and torch.optim, in float64."""

from itertools import pairwise

import numpy as np
import pytest

from xpnet.data.batches import epoch_rows
from xpnet.nets import FullyConnectedNet
from xpnet.solver import Solver

torch = pytest.importorskip("torch")

D, C, N, BATCH = 6, 4, 50, 10
RATIO = 0.75
THRESHOLD = 49152 - 32768  # of 65536 draws, three quarters lie below

# hidden units, activation, normalization, loss, reg, keep ratio
CASES = {
    "linear": ([], "relu", None, "softmax", 0.1, 1.0),
    "two layers": ([5], "relu", None, "softmax", 0.1, 1.0),
    "three layers": ([5, 7], "leaky_relu", None, "svm", 0.0, 1.0),
    "five layers": ([5, 4, 6, 3], "elu", "batchnorm", "softmax", 0.2, RATIO),
    "selu": ([5, 7], "selu", None, "softmax", 0.1, 1.0),
    "gelu": ([5, 7], "gelu", "layernorm", "softmax", 0.1, RATIO),
    "mish": ([5, 7], "mish", None, "squared", 0.1, 1.0),
    "hardshrink": ([5, 7], "hardshrink", "batchnorm", "softmax", 0.1, 1.0),
    "sigmoid": ([5, 7], "sigmoid", "batchnorm", "squared", 0.1, 1.0),
    "tanh": ([5, 7], "tanh", None, "squared", 0.1, RATIO),
    "identity": ([5, 7], "identity", "batchnorm", "svm", 0.1, RATIO),
    "maxout": ([5, 7], "maxout", None, "softmax", 0.1, RATIO),
    "layernorm": ([5, 7], "relu", "layernorm", "softmax", 0.1, RATIO),
    "maxout and batchnorm": ([5], "maxout", "batchnorm", "softmax", 0.0, 1.0),
}
ACTIVATIONS = {
    "relu": torch.nn.ReLU,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "selu": torch.nn.SELU,
    "gelu": lambda: torch.nn.GELU(approximate="tanh"),
    "mish": torch.nn.Mish,
    "hardshrink": torch.nn.Hardshrink,
    "sigmoid": torch.nn.Sigmoid,
    "tanh": torch.nn.Tanh,
    "identity": torch.nn.Identity,
}
LOSSES = {
    "softmax": torch.nn.CrossEntropyLoss(),
    # theirs is a mean over the classes, and PyTorch has no sum of squares a sample
    "svm": lambda scores, y: C * torch.nn.functional.multi_margin_loss(scores, y),
    "squared": lambda scores, y: C * torch.nn.functional.mse_loss(scores, y),
}


class Mask(torch.nn.Module):
    """Dropout whose mask is given."""

    mask = None

    def forward(self, x):
        return x * self.mask if self.training else x


class TheirNet:
    """The net in torch.nn, with the parameters of ours."""

    def __init__(self, net):
        self.net, sizes = net, net.layer_sizes
        self.masks, self.linears, self.norms, parts = [], [], [], []
        for fan_in, fan_out in pairwise(sizes[:-1]):
            pieces = 2 if net.activation == "maxout" else 1
            self.linears.append(torch.nn.Linear(fan_in, pieces * fan_out))
            parts.append(self.linears[-1])
            if net.activation == "maxout":
                parts.append(torch.nn.MaxPool1d(2))
            if net.normalization == "batchnorm":
                # what it calls the momentum is the share of the batch
                self.norms.append(torch.nn.BatchNorm1d(fan_out, eps=1e-5, momentum=1 - 0.9))
                parts.append(self.norms[-1])
            if net.normalization == "layernorm":
                self.norms.append(torch.nn.LayerNorm(fan_out, eps=1e-5))
                parts.append(self.norms[-1])
            if net.activation != "maxout":
                parts.append(ACTIVATIONS[net.activation]())
            if net.dropout_keep_ratio < 1:
                self.masks.append(Mask())
                parts.append(self.masks[-1])
        self.linears.append(torch.nn.Linear(sizes[-2], sizes[-1]))
        self.module = torch.nn.Sequential(*parts, self.linears[-1]).double()
        with torch.no_grad():
            for name, theirs in self.params().items():
                theirs.copy_(torch.tensor(self.outward(name, net.params[name])))

    def params(self):
        found = {}
        for i, linear in enumerate(self.linears, 1):
            found |= {f"W{i}": linear.weight, f"b{i}": linear.bias}
        for i, norm in enumerate(self.norms, 1):
            found |= {f"gamma{i}": norm.weight, f"beta{i}": norm.bias}
        return found

    def outward(self, name, w):
        """Return a parameter of ours in PyTorch's form: the pieces of a unit side by side."""
        if name[0] == "W":
            return w.T if w.ndim == 2 else w.transpose(2, 0, 1).reshape(-1, w.shape[1])
        return w.T.reshape(-1)

    def loss(self, X, y, draw):
        """Return the training loss, with the dropout of one draw."""
        drawn = self.net.draws(draw, len(X))
        for i, mask in enumerate(self.masks, 1):
            mask.mask = torch.tensor((drawn[f"dropout{i}"] < THRESHOLD) / RATIO)
        squares = sum((linear.weight**2).sum() for linear in self.linears)
        loss = LOSSES[self.net.loss_name](self.module(torch.tensor(X)), torch.tensor(y))
        return loss + 0.5 * self.net.reg * squares

    def assert_equal(self, ours, theirs, rtol):
        for name, w in theirs.items():
            expected = w.detach().numpy()
            found = self.outward(name, ours[name])
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol, err_msg=name)


def make(case):
    hidden_dims, activation, normalization, loss, reg, ratio = CASES[case]
    net = FullyConnectedNet(
        *(hidden_dims, D, C),
        activation=activation,
        normalization=normalization,
        loss=loss,
        reg=reg,
        dropout_keep_ratio=ratio,
        dtype="float64",
        seed=3,
    )
    rng = np.random.default_rng(8)
    net.params = {  # not the gammas of one and biases of zero that hide a mistake
        name: w if name[0] == "W" else w + 0.3 * rng.standard_normal(w.shape)
        for name, w in net.params.items()
    }
    y = rng.integers(C, size=N) if loss != "squared" else rng.standard_normal((N, C))
    return net, rng.standard_normal((N, D)), y


@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients(case):
    net, X, y = make(case)
    theirs = TheirNet(net)
    expected = theirs.loss(X, y, draw=0)
    expected.backward()
    loss, grads = net.loss(X, y)
    np.testing.assert_allclose(loss, expected.item(), rtol=1e-12)
    theirs.assert_equal(grads, {name: w.grad for name, w in theirs.params().items()}, 1e-11)


# Adam makes steps of gradients that are rounding alone, such as that of a bias before batchnorm,
# unless its epsilon is far above them.
OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}, {}),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}, {"momentum": 0.9}),
    "adam": (torch.optim.Adam, {"eps": 1e-5}, {"epsilon": 1e-5}),
}


@pytest.mark.parametrize(
    ("case", "rule"),
    [*((case, "sgd_momentum") for case in CASES), ("five layers", "sgd"), ("five layers", "adam")],
)
def test_twenty_steps_of_training(case, rule):
    net, X, y = make(case)
    theirs = TheirNet(net)
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    kind, their_options, our_options = OPTIMIZERS[rule]
    solver = Solver(
        net,
        data,
        update_rule=rule,
        optim_config={"learning_rate": 0.02, **our_options},
        num_epochs=4,
        batch_size=BATCH,
        num_train_samples=None,
        print_every=3,
        verbose=False,
        callbacks=[(last := Last())],
    )
    solver.train()
    optimizer = kind(theirs.module.parameters(), 0.02, **their_options)
    losses = []
    for epoch in range(4):
        for rows in epoch_rows(N, BATCH, [0], epoch, "shuffle"):
            optimizer.zero_grad()
            loss = theirs.loss(X[rows], y[rows], draw=len(losses))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert len(losses) == solver.step == 20
    np.testing.assert_allclose(solver.loss_history, losses, rtol=1e-10)
    theirs.assert_equal(last.params, theirs.params(), 1e-9)
    for i, norm in enumerate(theirs.norms if last.state else (), 1):
        mean, var = last.state[f"running_mean{i}"], last.state[f"running_var{i}"]
        np.testing.assert_allclose(mean, norm.running_mean.numpy(), rtol=1e-9, atol=1e-12)
        # Of the start, 1, as much is left in both; PyTorch's batches count N / (N - 1) times.
        start = 0.9**20
        known = start + (norm.running_var.numpy() - start) * (BATCH - 1) / BATCH
        np.testing.assert_allclose(var, known, rtol=1e-9)
        norm.running_var[...] = torch.tensor(var)
    theirs.module.eval()
    with torch.no_grad():
        expected = theirs.module(torch.tensor(X)).numpy()
    net.params, net.state = last.params, last.state
    np.testing.assert_allclose(net.loss(X), expected, rtol=1e-8, atol=1e-9)


class Last:
    """Keeps what a net has at the end of an epoch, before the best parameters come back."""

    def on_epoch(self, solver):
        self.params = {name: w.copy() for name, w in solver.model.params.items()}
        self.state = {name: w.copy() for name, w in solver.model.state.items()}
