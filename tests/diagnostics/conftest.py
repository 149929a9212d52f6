"""Small data that a net learns, and cases made of them."""

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.evidence import Evidence

OPTIONS = {
    "update_rule": "adam",
    "optim_config": {"learning_rate": 5e-3},
    "num_epochs": 10,
    "batch_size": 50,
}


@pytest.fixture
def data():
    """Return four classes that a net tells apart."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 4, 700)
    X = 1.6 * rng.standard_normal((4, 8))[y] + rng.standard_normal((700, 8))
    return {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}


@pytest.fixture
def targets():
    """Return real targets that a net explains."""
    rng = np.random.default_rng(6)
    X = rng.standard_normal((700, 8))
    y = np.sin(X[:, 0]) + X[:, 1]
    return {"X_train": X[:600], "y_train": y[:600], "X_val": X[600:], "y_val": y[600:]}


@pytest.fixture
def evidence_of():
    """Return what makes a case of data, a model and options, with what they show."""
    return _evidence_of


@pytest.fixture
def options():
    """Return the options that the cases have."""
    return dict(OPTIONS)


def _evidence_of(data, model=None, **options):
    is_real = data["y_train"].dtype.kind == "f"
    if model is None:
        loss = "squared" if is_real else "softmax"
        outputs = 1 if is_real else int(data["y_train"].max()) + 1
        model = xpnet.FullyConnectedNet([20], 8, outputs, loss=loss)
    return Evidence(Case(model, data, {**OPTIONS, **options}))
