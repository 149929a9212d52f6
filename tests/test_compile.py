"""torch.compile as an option of Solver and command line; JAX compiles in any case."""

import json
import subprocess
import sys

import numpy as np
import pytest

from xpnet import BackendError, InputError, Solver, TwoLayerNet


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 6)), rng.integers(3, size=40)
    return {"X_train": X, "y_train": y, "X_val": X[:9], "y_val": y[:9]}


def train(data, device, **options):
    net = TwoLayerNet(6, 5, 3, 0.5, device=device)
    solver = Solver(net, data, batch_size=8, num_epochs=2, verbose=False, **options)
    solver.train()
    return solver


def test_the_step_is_what_is_compiled(data, monkeypatch):
    torch = pytest.importorskip("torch")
    expected = train(data, "torch:cpu").loss_history
    compiled, calls = [], []

    def fake(function):
        compiled.append(function)
        return lambda *args: calls.append(1) or function(*args)

    monkeypatch.setattr(torch, "compile", fake)
    assert train(data, "torch:cpu").loss_history == expected
    assert not compiled
    assert train(data, "torch:cpu", compile=True).loss_history == expected
    assert (len(compiled), len(calls)) == (1, 10)


def test_jax_compiles_in_any_case(data):
    pytest.importorskip("jax")
    assert train(data, "jax", compile=True).loss_history == train(data, "jax").loss_history


def test_refused_where_there_is_no_compiler(data):
    with pytest.raises(InputError, match=r"nothing can be compiled on NumPy.*torch:cpu"):
        train(data, "cpu", compile=True)


def test_refused_for_a_rule_that_is_not_ours(data):
    with pytest.raises(InputError, match="compile is for xpnet's own nets"):
        train(data, "cpu", compile=True, update_rule=lambda w, dw, config: (w, config))


def test_a_machine_without_a_c_compiler_is_told(data, monkeypatch):
    torch = pytest.importorskip("torch")

    def broken(_function):
        def call(*_args):
            raise torch._dynamo.exc.TorchDynamoException("No working C++ compiler\nat length")

        return call

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(BackendError, match=r"No working C\+\+ compiler\): install") as caught:
        train(data, "torch:cpu", compile=True)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_compiled_for_real(tmp_path):
    """In processes of their own: PyTorch's compiler warns of PyTorch's own code."""
    pytest.importorskip("torch")
    losses = []
    for options in ([], ["--compile"]):
        command = [sys.executable, "-m", "xpnet.train", "--device", "torch:cpu", "--out"]
        folder = tmp_path / f"run{len(options)}"
        command += [folder, "--num-epochs", "8", *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        rows = (folder / "history.csv").read_text().splitlines()[1:]
        losses.append([float(row.split(",")[2]) for row in rows])
        assert json.loads((folder / "summary.json").read_text())["steps"] == len(rows) == 112
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
