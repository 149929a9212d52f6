"""The benchmark: those who are measured by hand compute what they should, and its table says so."""

import json
import os
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

CI = Path(__file__).parent.parent / "ci"
sys.path.insert(0, str(CI))

import benchmark  # noqa: E402
import benchmark_growth  # noqa: E402
from benchmark_peers import PEERS, rounds  # noqa: E402
from benchmark_peers.base import EPS  # noqa: E402
from benchmark_peers.by_hand import FromBytes, FromFloats, by_hand  # noqa: E402
from benchmark_peers.by_hand_deep import Deep  # noqa: E402
from benchmark_peers.by_hand_plain import Plain  # noqa: E402
from benchmark_peers.notes import NotesNet  # noqa: E402
from benchmark_peers.task import Task, read_task, write_task  # noqa: E402
from benchmark_peers.with_xpnet import WithXpnet  # noqa: E402
from benchmark_peers.workloads import data_label  # noqa: E402

QUICK = ["--workloads", "digits-50", "--rounds", "2", "--steps", "14"]


def make_task(sizes, *, batchnorm):
    """Return a task whose every batch is all of the data, so that the order makes no difference."""
    rng = np.random.default_rng(3)
    X = rng.integers(0, 4, size=(9, sizes[0]), dtype=np.uint8)
    y = rng.integers(0, sizes[-1], size=9)
    weights = [rng.normal(size=pair) for pair in pairwise(sizes)]
    return Task(X, y, X, y, X, y, weights, 9, 0.2, batchnorm)


def loss_of(params, task):
    """Return the loss, in float64 and without a gradient: W, b, and gamma and beta, by layer."""
    x = task.X_train - task.X_train.mean(axis=0)
    for layer in params:
        x = x @ layer["W"] + layer["b"]
        if layer is params[-1]:
            break
        if task.batchnorm:
            x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS) * layer["gamma"] + layer["beta"]
        x = np.maximum(x, 0)
    log_p = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(x)), task.y_train].mean()


def losses_by_differences(task, steps):
    """Return the losses of gradient descent whose gradients are central differences."""
    params = [
        {"W": w.copy()} | {name: np.full(w.shape[1], v) for name, v in (("b", 0.0), ("beta", 0.0))}
        for w in task.weights
    ]
    for layer in params:
        layer["gamma"] = np.ones_like(layer["b"])
    losses = []
    for _ in range(steps):
        losses.append(loss_of(params, task))
        grads = []
        for x in (x for layer in params for x in layer.values()):
            grads.append(np.empty_like(x))
            for i in np.ndindex(x.shape):
                kept, sides = x[i], []
                for moved in (kept + 1e-5, kept - 1e-5):
                    x[i] = moved
                    sides.append(loss_of(params, task))
                x[i], grads[-1][i] = kept, (sides[0] - sides[1]) / 2e-5
        for x, grad in zip((x for layer in params for x in layer.values()), grads, strict=True):
            np.subtract(x, task.learning_rate * grad, out=x)
    return losses


def losses_of_xpnet(task, steps):
    peer = WithXpnet(task, "cpu")
    peer.train(steps)
    return peer.solver.loss_history


def losses_of_notes(task, steps):
    net = NotesNet(*(w.copy() for w in task.weights))
    X = task.X_train - task.X_train.mean(axis=0)
    return [net.step(X, task.y_train, task.learning_rate) for _ in range(steps)]


def losses_by(peer):
    def losses(task, steps):
        made = peer(task)
        made.train(steps)
        return made.loss_history

    return losses


@pytest.mark.parametrize(
    ("losses", "sizes", "batchnorm"),
    [
        (losses_by(FromBytes), (6, 5, 3), False),
        (losses_by(FromFloats), (6, 5, 3), False),
        (losses_by(Plain), (6, 5, 3), False),
        (losses_of_notes, (6, 5, 3), False),
        (losses_of_xpnet, (6, 5, 3), False),
        (losses_by(Deep), (6, 5, 4, 3), True),
        (losses_of_xpnet, (6, 5, 4, 3), True),
    ],
)
def test_steps_are_those_of_gradients_by_central_differences(losses, sizes, batchnorm):
    task = make_task(sizes, batchnorm=batchnorm)
    expected = losses_by_differences(task, 6)
    assert expected[-1] < 0.8 * expected[0]
    np.testing.assert_allclose(losses(task, 6), expected, rtol=2e-5)


def test_a_batch_in_parts_is_the_whole_batch(monkeypatch):
    task = make_task((6, 5, 3), batchnorm=False)
    whole = losses_by(FromBytes)(task, 6)
    monkeypatch.setattr(
        "benchmark_peers.by_hand._PART", 4
    )  # so that there are three parts of three
    np.testing.assert_allclose(losses_by(FromBytes)(task, 6), whole, rtol=1e-5)


def test_by_hand_keeps_few_pictures_as_floats_and_many_as_bytes():
    task = make_task((6, 5, 3), batchnorm=False)
    assert isinstance(by_hand(task), FromFloats)
    task = make_task((6, 5, 3), batchnorm=False)
    task.X_train = np.zeros((10**6, 6), dtype=np.uint8)
    assert isinstance(by_hand(task), FromBytes)
    task = make_task((6, 5, 3), batchnorm=True)
    assert isinstance(by_hand(task), Deep)


@pytest.mark.parametrize(
    ("peer", "batchnorm"), [(FromBytes, False), (FromFloats, False), (Deep, True)]
)
def test_predictions_are_those_of_the_trained_net(peer, batchnorm):
    task = make_task((6, 8, 3), batchnorm=batchnorm)
    made = peer(task)
    made.train(300)
    assert made.loss_history[-1] < 0.1
    np.testing.assert_array_equal(made.predict(task.X_train), task.y_train)


def test_a_task_is_read_as_it_was_written(tmp_path):
    task = make_task((6, 5, 4, 3), batchnorm=True)
    write_task(tmp_path, task)
    read, written = vars(read_task(tmp_path)), vars(task)
    assert read.keys() == written.keys()
    for name, value in read.items():
        pairs = (
            zip(value, written[name], strict=True)
            if name == "weights"
            else [(value, written[name])]
        )
        for one, other in pairs:
            np.testing.assert_array_equal(one, other)


def test_peers_run_in_turn_and_reach_the_same_accuracy(tmp_path, capsys):
    out = tmp_path / "out.json"
    missing = [name for name, peer in PEERS.items() if find_spec(peer.library) is None][:1]
    names = ["products", "by-hand", "xpnet-numpy", "notes", *missing]
    arguments = [*QUICK, "--steps", "140", "--peers", ",".join(names), "--out", str(out)]
    benchmark.main(arguments)
    printed = capsys.readouterr().out
    found = json.loads(out.read_text())
    assert {"machine", "system", "versions", "commit", "date", "results"} <= found.keys()
    [result] = found["results"]
    assert (result["net"], result["batch_size"], result["threads"]) == ("64-50-10", 100, 1)
    assert (result["epochs"], result["steps_per_round"]) == (40, 140)
    peers = result["peers"]
    assert list(peers) == names
    for name in names[:4]:
        assert len(peers[name]["us"]) == 2
        assert min(peers[name]["us"]) > 1
        assert peers[name]["peak_mb"] > 10
        assert peers[name]["idle_cpu_s"] < 0.05
        assert f"| {PEERS[name].label} | " in printed
    accuracies = [peers[name]["accuracy"] for name in names[1:4]]
    assert min(accuracies) > 0.93
    assert max(accuracies) - min(accuracies) < 0.03
    for name in missing:
        assert f"| {PEERS[name].label} | – | not installed: " in printed
    benchmark.main(["--from", str(out)])
    assert capsys.readouterr().out == printed
    assert out.with_suffix(".png").stat().st_size > 10_000


def test_a_peer_that_fails_is_left_out_and_the_others_go_on(capsys, tmp_path, monkeypatch):
    ended = "import sys; sys.exit('ValueError: it is broken')"
    started = rounds.subprocess.Popen

    def popen(command, **options):
        replaced = [sys.executable, "-c", ended] if "by-hand" in command else command
        return started(replaced, **options)

    monkeypatch.setattr(rounds.subprocess, "Popen", popen)
    out = tmp_path / "out.json"
    benchmark.main([*QUICK, "--peers", "by-hand,notes", "--out", str(out)])
    printed = capsys.readouterr().out
    assert "| NumPy by hand | – | ValueError: it is broken |" in printed
    assert "ratio to the notes as printed, float64" in printed


def made_up(**microseconds):
    """Return results in which the peers took these times."""
    common = {"accuracy": 0.5, "cores": [1.0], "import_s": 0.1, "load_s": 0.1, "peak_mb": 9.0}
    peers = {
        name: {"us": us, "warm_up_s": [us[0] / 1e4 + 2.0, us[0] / 1e4], **common}
        for name, us in microseconds.items()
    }
    result = {"workload": "w", "label": "L", "net": "1-2-3", "batch_size": 9, "threads": 1}
    result |= {"load": [0.1, 0.2], "epochs": 4, "steps_per_round": 100, "peers": peers}
    about = {"machine": "M", "system": "S", "gpu": "", "commit": "c", "date": "d", "versions": {}}
    return {**about, "results": [result], "runs": []}


def test_the_table_has_ratios_within_rounds_and_says_who_wins():
    times = {"by-hand": [10, 20, 40], "xpnet-numpy": [20, 30, 50], "torch": [15, 16, 17]}
    times["keras"] = [70, 80, 90]
    text = benchmark.report(made_up(**times))
    assert (
        "| **xpnet** on NumPy | 30 (20 to 50) | 1.50 (1.25 to 2.00) | 0.500 | 1.0 | 2.0 |" in text
    )
    assert "Faster than any form of xpnet: PyTorch, eager, NumPy by hand.\n" in text + "\n"
    ours = benchmark.report(made_up(**times | {"xpnet-jax": [1, 2, 3]}))
    assert ours.endswith("Fastest: **xpnet** on JAX.")


def test_the_best_threads_are_shown_where_several_were_tried():
    found = made_up(**{"by-hand": [10], "xpnet-numpy": [20]})
    found["results"] += made_up(**{"by-hand": [12], "xpnet-numpy": [15]})["results"]
    found["results"][1]["threads"] = 2
    text = benchmark.report(found)
    assert "| NumPy by hand | 10 (1) |" in text
    assert "| **xpnet** on NumPy | 15 (2) |" in text


@pytest.mark.parametrize(
    ("first", "note", "label"),
    [
        ((59, 43, 50), None, "CIFAR-10"),
        ((1, 2, 3), None, "CIFAR-10, JPEG-rounded"),
        ((1, 2, 3), "mine", "CIFAR-10, mine"),
    ],
)
def test_cifar10_that_is_not_the_published_one_is_called_so(first, note, label):
    data = SimpleNamespace(name="cifar10", X_train=np.asarray([first], dtype=np.uint8))
    assert data_label(data, note) == label


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--device", "gpu"], "--device gpu needs a GPU"),
        (["--peers", "by-foot"], "'by-foot' is none of products"),
        (["--workloads", "mnist"], "'mnist' is none of digits-50"),
        (["--rounds", "0"], "must be a positive integer; got '0'"),
        (["--threads", "1,9999"], "--threads 9999: this process may use"),
    ],
)
def test_refuses_what_it_cannot_do(arguments, what, monkeypatch, capsys):
    monkeypatch.setattr(benchmark, "gpu_name", lambda: "")
    with pytest.raises(SystemExit):
        benchmark.main(arguments)
    assert what in capsys.readouterr().err


def test_says_when_nothing_could_be_measured(monkeypatch, tmp_path, capsys):
    arguments = ["--workloads", "cifar10-50,notes-10-epochs", "--data-dir", str(tmp_path)]
    with pytest.raises(SystemExit, match="nothing was measured"):
        benchmark.main([*arguments, "--out", str(tmp_path / "out.json")])
    assert capsys.readouterr().err.count("is left out: CIFAR-10 was not found") == 2


def test_start_up_is_measured(tmp_path, capsys):
    out = tmp_path / "out.json"
    benchmark.main(["--workloads", "startup", "--rounds", "1", "--out", str(out)])
    seconds = json.loads(out.read_text())["startup"]["seconds"]
    assert 0 < seconds["numpy"][0] < seconds["xpnet"][0]
    assert "trains a first batch takes" in capsys.readouterr().out


def test_growth_is_measured_and_drawn(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmark_growth, "AXES", {"hidden": (10, 1000), "members": (1, 2)})
    monkeypatch.setattr(benchmark_growth, "_SECONDS", 0.01)
    out = tmp_path / "growth.json"
    benchmark_growth.main(["--axes", "hidden", "members", "--rounds", "1", "--out", str(out)])
    printed = capsys.readouterr().out
    small, large = json.loads(out.read_text())["axes"]["hidden"].values()
    assert large["products_us"][0] > 3 * small["products_us"][0]
    # at least the weights 256-1000-10, their gradients and their best, in float32
    assert large["peak_mb"] > 3 * 4 * 266_000 / 1e6 > small["peak_mb"]
    assert "| members of a stack | " in printed
    benchmark_growth.main(["--from", str(out)])
    assert capsys.readouterr().out == printed
    assert out.with_suffix(".png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.skipif("XPNET_DATA_DIR" not in os.environ, reason="needs CIFAR-10")
def test_whole_runs_reach_the_same_accuracy(tmp_path, capsys):
    out = tmp_path / "out.json"
    one = ["--workloads", "notes-10-epochs", "--epochs", "1", "--rounds", "1"]
    benchmark.main([*one, "--out", str(out)])
    [result] = json.loads(out.read_text())["runs"]
    best = [run[0]["best"] for run in result["runs"].values()]
    assert min(best) > 0.38
    assert max(best) - min(best) < 0.06
    assert "1 epoch with accuracy checks" in capsys.readouterr().out
