"""Nets whose parameters are kept in 16 bits: all that is computed is float32's.

The oracle is a net of float32 that starts from the same values, and rounding that is written out
here: to 11 bits for float16, to 8 for bfloat16.
"""

import json
import warnings

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

import xpnet
from xpnet import FullyConnectedNet, InputError, Solver, TwoLayerNet
from xpnet.errors import BackendError, DivergenceWarning
from xpnet.tensor_files import read_tensors, tensor_bytes
from xpnet.train import main

BITS = {"float16": 11, "bfloat16": 8}
DEEP = {"normalization": "batchnorm", "reg": 0.01, "seed": 3}


def rounded(x, dtype):
    """Return float32 values rounded to the nearest of 16 bits, to even ones halfway."""
    fraction, exponent = np.frexp(np.asarray(x, dtype=np.float32))
    bits = np.broadcast_to(BITS[dtype], exponent.shape)
    if dtype == "float16":  # below 2**-14 the last place is 2**-24
        bits = np.minimum(bits, exponent + 24)
    return np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits).astype(np.float32)


@pytest.fixture(params=BITS)
def dtype(request, backend):
    """Each 16-bit dtype that the backend has."""
    try:
        backend.dtype(request.param)
    except BackendError as error:
        pytest.skip(str(error))
    return request.param


@pytest.fixture
def pair(backend, dtype):
    """Return `make(**options)`: a net of 16 bits, and one of float32 with the same values."""

    def make(hidden=(6, 5), **options):
        nets = [
            FullyConnectedNet(list(hidden), 8, 3, dtype=kind, device=backend.text, **options)
            for kind in (dtype, "float32")
        ]
        nets[1].params = {
            name: backend.asarray(backend.to_numpy(w).astype(np.float32))
            for name, w in nets[0].params.items()
        }
        return nets

    return make


@pytest.fixture
def data(rng):
    """Bytes, which no dtype rounds, of three classes."""
    X = rng.integers(0, 17, (60, 8)).astype(np.uint8)
    y = X[:, :3].argmax(axis=-1)
    return {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}


class Notes:
    """Keeps copies of the net's parameters and state, at each call."""

    def __init__(self):
        self.params, self.state = [], []

    def on_interval(self, solver):
        host = solver.model.backend.to_numpy
        self.params.append({name: host(w).copy() for name, w in solver.model.params.items()})
        self.state.append({name: host(w).copy() for name, w in solver.model.state.items()})


def train(net, data, **options):
    settings = {
        "update_rule": "adam",
        "batch_size": 10,
        "num_epochs": 3,
        "print_every": 1,
        "preprocess": "mean",
        "verbose": False,
    }
    solver = Solver(net, data, **{**settings, **options})
    solver.train()
    return solver


def test_the_oracle_rounds_as_numpy_does(rng):
    x = np.concatenate([rng.standard_normal(1000) * s for s in (1e-7, 1e-5, 1, 100)])
    x = np.append(x, [0, 1 + 2**-11, 1 + 3 * 2**-11, 2**-25]).astype(np.float32)
    np.testing.assert_array_equal(rounded(x, "float16"), x.astype(np.float16))
    halfway = np.float32([1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20])
    assert rounded(halfway, "bfloat16").tolist() == [1, 1 + 2**-6, 1 + 2**-7]


def test_weights_start_as_float32s_rounded(backend, dtype):
    options = {"device": backend.text, "members": 2, "seed": [4, 5], "normalization": "batchnorm"}
    nets = [FullyConnectedNet([6, 5], 8, 3, dtype=kind, **options) for kind in (dtype, "float32")]
    for name, w in nets[0].params.items():
        assert w.dtype == backend.dtype(dtype)
        exact = backend.to_numpy(nets[1].params[name])
        np.testing.assert_array_equal(backend.to_numpy(w), rounded(exact, dtype))
    for name, running in nets[0].state.items():
        assert running.dtype == backend.dtype("float32")
        np.testing.assert_array_equal(*(backend.to_numpy(net.state[name]) for net in nets))


@pytest.mark.parametrize(
    "options", [DEEP, {"dropout_keep_ratio": 0.7}, {"members": 2, "reg": [0, 0.1]}]
)
def test_losses_scores_and_gradients_are_float32s(backend, pair, rng, options):
    narrow, wide = pair(**options)
    X = rng.standard_normal((7, 8))
    f4 = backend.dtype("float32")
    assert (narrow.compute_dtype, wide.compute_dtype) == (f4, f4)
    (loss, grads), (known, expected) = (net.loss(X, np.arange(7) % 3) for net in (narrow, wide))
    assert loss.dtype == f4
    np.testing.assert_array_equal(backend.to_numpy(loss), backend.to_numpy(known))
    for name, dw in grads.items():
        assert dw.dtype == f4
        np.testing.assert_array_equal(backend.to_numpy(dw), backend.to_numpy(expected[name]))
    for name, running in narrow.state.items():
        assert running.dtype == f4
        np.testing.assert_array_equal(backend.to_numpy(running), backend.to_numpy(wide.state[name]))
    scores = narrow.loss(X)
    assert scores.dtype == f4
    np.testing.assert_array_equal(backend.to_numpy(scores), backend.to_numpy(wide.loss(X)))
    np.testing.assert_array_equal(narrow.predict(X), wide.predict(X))
    np.testing.assert_array_equal(narrow.predict_proba(X), wide.predict_proba(X))


def test_it_is_trained_as_float32_is_and_rounded_where_it_is_seen(backend, dtype, pair, data):
    """Not an update is lost, however small: the losses are those of float32, all of them."""
    notes, losses = [Notes(), Notes()], []
    for net, note in zip(pair(**DEEP), notes, strict=True):
        rate = {"learning_rate": 1e-4}
        losses.append(train(net, data, optim_config=rate, callbacks=[note]).loss_history)
    assert losses[0] == losses[1]
    assert len(losses[0]) == len(notes[0].params) == 12
    for narrow, wide in zip(notes[0].params, notes[1].params, strict=True):
        for name, w in narrow.items():
            np.testing.assert_array_equal(w, rounded(wide[name], dtype))
    for narrow, wide in zip(notes[0].state, notes[1].state, strict=True):
        for name, running in narrow.items():
            np.testing.assert_array_equal(running, wide[name])


def test_what_is_measured_is_what_is_kept(backend, dtype, pair, data):
    net, _ = pair(**DEEP)
    solver = train(net, data)
    for name, w in solver.best_params.items():
        assert w.dtype == backend.dtype(dtype)
        np.testing.assert_array_equal(backend.to_numpy(w), backend.to_numpy(net.params[name]))
    assert all(w.dtype == backend.dtype("float32") for w in solver.best_state.values())
    hits = net.predict(data["X_val"]) == data["y_val"]
    assert solver.best_val_acc == pytest.approx(hits.mean())
    assert solver.check_accuracy(data["X_val"], data["y_val"]) == pytest.approx(hits.mean())


def test_training_goes_on_from_the_rounded_best(backend, pair, data):
    net, other = pair(seed=1)
    solver = train(net, data, preprocess=None)
    other.params = {
        name: backend.asarray(backend.to_numpy(w).astype(np.float32))
        for name, w in net.params.items()
    }
    done = len(solver.loss_history)
    solver.train()
    known = Solver(other, data, update_rule="adam", batch_size=10, num_epochs=6, verbose=False)
    rows = known._loop.draw_rows(3)[0]  # the first batch of the fourth epoch
    loss, _ = other.loss(data["X_train"][rows], data["y_train"][rows])
    assert solver.loss_history[done] == pytest.approx(float(backend.to_numpy(loss)), rel=1e-6)


def test_members_are_what_they_would_be_alone(pair, data):
    stack, _ = pair(members=2, seed=[3, 4], reg=[0.0, 0.1])
    train(stack, data, seed=[3, 4])
    for k, reg in enumerate([0.0, 0.1]):
        solo, _ = pair(seed=3 + k, reg=reg)
        train(solo, data, seed=3 + k)
        host = solo.backend.to_numpy
        for name, w in stack.member(k).params.items():
            assert w.dtype == solo.dtype
            if solo.backend.name == "numpy":
                np.testing.assert_array_equal(w, solo.params[name])
            else:  # its last bits may come from other kernels, and change which way they round
                tolerance = 2.0 ** -BITS[str(solo.dtype).removeprefix("torch.")]
                np.testing.assert_allclose(host(w), host(solo.params[name]), tolerance, 1e-3)


def test_floats_are_preprocessed_before_they_are_rounded(backend, dtype, pair, rng):
    """Around 1000 bfloat16 has steps of 4; of what matters here nothing would be left."""
    X = (1000 + rng.standard_normal((60, 8))).astype(np.float32)
    y = (X[:, :3] - 1000).argmax(axis=-1)
    data = {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}
    narrow, wide = pair(seed=5)
    solver = train(narrow, data, preprocess="standard")
    placed = solver._loop.parts.train.X
    assert placed.dtype == backend.dtype(dtype)
    ready = {
        name: rounded(solver.preprocess.transform(x), dtype) if name[0] == "X" else x
        for name, x in data.items()
    }
    known = train(wide, ready, preprocess=None)
    np.testing.assert_allclose(solver.loss_history, known.loss_history, rtol=1e-5)
    assert solver.check_accuracy(X, y) == pytest.approx((narrow.predict(X) == y).mean(), abs=0.04)


def test_targets_are_not_rounded(pair, rng):
    X = rng.integers(0, 17, (40, 8)).astype(np.uint8)
    y = (1000 + rng.standard_normal((40, 3))).astype(np.float32)
    data = {"X_train": X[:30], "y_train": y[:30], "X_val": X[30:], "y_val": y[30:]}
    narrow, wide = (train(net, data) for net in pair(loss="squared"))
    assert narrow.loss_history == wide.loss_history


def test_inputs_beyond_float16_are_refused():
    data = {"X_train": np.full((4, 8), 65504.0), "y_train": np.arange(4) % 3}
    data |= {"X_val": data["X_train"], "y_val": data["y_train"]}
    net = FullyConnectedNet([4], 8, 3, dtype="float16")
    Solver(net, data, batch_size=2)
    data["X_val"] = np.full((4, 8), -65505.0)
    with pytest.raises(InputError, match="as large as 6.55e.04, beyond 6.55e.04, the largest of"):
        Solver(net, data, batch_size=2)
    data["X_train"] = data["X_val"] = np.full((4, 8), 3e5)
    Solver(net, data, batch_size=2, preprocess="mean")  # 0 after it
    data["X_val"] = np.full((4, 8), 1e39)
    with pytest.raises(InputError, match="the largest of .*float32"):
        Solver(net, data, batch_size=2, preprocess="mean")


def test_a_weight_beyond_float16_is_a_divergence(data):
    """float32 would go on: the loss of its step is finite."""
    solvers = []
    for kind in ("float32", "float16"):
        net = FullyConnectedNet([], 8, 3, dtype=kind, initializer="zeros")
        rule = {"update_rule": "sgd", "optim_config": {"learning_rate": 1e6}}
        solver = Solver(net, data, batch_size=10, num_epochs=1, verbose=False, **rule)
        if kind == "float16":
            with pytest.warns(DivergenceWarning, match="NaN or infinite at step 1, with learning"):
                solver.train()
            assert np.isfinite(solver.loss_history[0])
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                solver.train()
        solvers.append(solver)
    assert [solver.diverged_at for solver in solvers] == [None, 1]
    assert all(np.isfinite(w).all() for w in solvers[1].best_params.values())


@pytest.mark.parametrize("options", [{}, DEEP, {"members": 2}, {"activation": "maxout"}])
def test_a_net_comes_back_bit_for_bit(backend, dtype, pair, data, tmp_path, options):
    net, _ = pair(**options)
    train(net, data, num_epochs=1)
    xpnet.save(net, tmp_path / "net.safetensors")
    found = xpnet.load(tmp_path / "net.safetensors", device=backend.text)
    for part in ("params", "state"):
        for name, w in getattr(net, part).items():
            again = getattr(found, part)[name]
            assert again.dtype == w.dtype
            np.testing.assert_array_equal(backend.to_numpy(again), backend.to_numpy(w))
    on_host = xpnet.load(tmp_path / "net.safetensors")
    assert on_host.dtype == (np.float16 if dtype == "float16" else np.float32)
    for name, w in on_host.params.items():
        np.testing.assert_array_equal(w, backend.to_numpy(net.params[name]))
    np.testing.assert_array_equal(on_host.predict(data["X_val"]), net.predict(data["X_val"]))
    with safe_open(tmp_path / "net.safetensors", "numpy") as file:  # without a library for bfloat16
        assert {file.get_tensor(f"params.{name}").itemsize for name in net.params} == {2}
        assert json.loads(file.metadata()["xpnet"])["net"]["config"]["dtype"] == dtype


def test_bfloat16_is_the_upper_half_of_float32(tmp_path):
    torch = pytest.importorskip("torch")
    net = TwoLayerNet(4, 3, 2, dtype="bfloat16", device="torch:cpu")
    values = torch.tensor([-0.0, 1.5, -2.0], dtype=torch.bfloat16)
    net.params["b1"] = values
    xpnet.save(net, tmp_path / "net.safetensors")
    found = load_file(tmp_path / "net.safetensors")["params.b1"].tolist()
    assert found == [0x8000, 0x3FC0, 0xC000]
    assert found == values.view(torch.uint16).tolist()


def test_bits_in_a_file_of_floats_are_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    xpnet.save(TwoLayerNet(4, 3, 2), path)
    arrays, header = read_tensors(path)
    path.write_bytes(tensor_bytes({**arrays, "params.b1": np.zeros(3, np.uint16)}, header))
    with pytest.raises(InputError, match=r"b1 must be float32 \(3,\); the file has uint16"):
        xpnet.load(path)


def test_parameters_take_half_the_memory(pair):
    narrow, wide = pair(**DEEP)
    sizes = [sum(w.nbytes for w in net.params.values()) for net in (narrow, wide)]
    assert 2 * sizes[0] == sizes[1]
    rows = [net.summary().splitlines()[-1] for net in (narrow, wide)]
    count = sizes[1] // 4
    state = sum(w.nbytes for w in narrow.state.values())
    assert rows[0].endswith(f" {2 * count + state:.3g} B")
    assert rows[1].endswith(f" {4 * count + state:.3g} B")


def test_float32_pays_nothing(data):
    """Its parameters are the trainer's, and no copies."""
    net = TwoLayerNet(8, 5, 3)
    trainer = train(net, data)._trainer
    for name, w in trainer.variables.params.items():
        assert w is trainer._variables.params[name]
    assert net.compute_dtype == net.dtype


def test_state_of_16_bits_is_refused(pair):
    net, _ = pair(**DEEP)
    net.state = {
        name: net.backend.asarray(net.backend.to_numpy(w), net.dtype)
        for name, w in net.state.items()
    }
    with pytest.raises(InputError, match="of float32 beside 16 bits; got .*running_mean1 .*16"):
        net.loss(np.ones((2, 8)))


def test_rules_and_losses_of_others_are_refused(data):
    """They would compute in 16 bits, or leave float32 behind."""
    net = TwoLayerNet(8, 5, 3, dtype="float16")
    with pytest.raises(InputError, match="^a net of float16 is trained by xpnet's own"):
        Solver(net, data, batch_size=10, update_rule=lambda w, dw, _config: (w - dw, {}))
    net.loss = net.loss
    with pytest.raises(InputError, match="make the net with dtype='float32'"):
        Solver(net, data, batch_size=10)


def test_gradients_are_checked_at_values_of_16_bits(backend64, rng):
    kinds = [k for k in BITS if hasattr(backend64.xp, k)]
    if not kinds or backend64.name == "dpnp":
        pytest.skip("it has no 16 bits to rely on")
    x = backend64.asarray(rng.standard_normal((3, 2)), backend64.dtype(kinds[-1]))
    report = xpnet.gradient_check(lambda x: (x * x, 2 * x), None, {"x": x})
    assert report.ok
    assert "cast to float64 for the check: x" in str(report)


@pytest.mark.parametrize(("device", "kind"), [("cpu", "float16"), ("torch:cpu", "bfloat16")])
def test_the_command_line_trains_and_writes(tmp_path, capsys, device, kind):
    if device != "cpu":
        pytest.importorskip("torch")
    options = ["--dtype", kind, "--device", device, "--num-epochs", "8", "--out", str(tmp_path)]
    assert main(options) == 0
    assert f"dtype {kind}" in " ".join(capsys.readouterr().out.split())
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["hyperparameters"]["dtype"] == kind
    assert summary["test_accuracy"] > 0.9
    digits = xpnet.data.load("digits")
    net = xpnet.load(tmp_path / "best.safetensors")
    accuracy = np.mean(net.predict(digits.X_test) == digits.y_test)
    assert accuracy == pytest.approx(summary["test_accuracy"])


def test_the_command_line_says_that_numpy_has_no_bfloat16(capsys):
    assert main(["--dtype", "bfloat16", "--quiet"]) == 2
    said = capsys.readouterr().err
    assert "on the CPU has no bfloat16: choose one of float32, float64, float16, or a dev" in said
    assert said.count("\n") == 1


def test_a_target_mean_beyond_float16_is_a_divergence(tmp_path, capsys, rng):
    X, y = rng.standard_normal((60, 3)), 1e5 + rng.standard_normal(60)
    np.savez(tmp_path / "far.npz", X=X, y=y)
    options = ["--dataset", str(tmp_path / "far.npz"), "--dtype", "float16", "--quiet"]
    assert main(options) == 1
    assert "scale the targets, which are as large as 1.0e+05" in capsys.readouterr().err
