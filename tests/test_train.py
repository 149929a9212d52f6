"""The command line: good runs, what they leave behind, refusals, divergence and Ctrl-C."""

import csv
import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open
from threadpoolctl import threadpool_info

import xpnet
from xpnet import training_run
from xpnet.data import load
from xpnet.errors import BackendError
from xpnet.net_trainer import NetTrainer
from xpnet.train import main

SUMMARY_KEYS = {
    "dataset",
    "source",
    "device",
    "backend",
    "threads",
    "hyperparameters",
    "epochs",
    "steps",
    "seconds_total",
    "seconds_training",
    "best_val_accuracy",
    "test_accuracy",
    "diverged_at",
    "interrupted",
    "versions",
}
STEPS_PER_EPOCH = 14  # 1,437 digits, batches of 100


def no_constant(text):
    pytest.fail(f"{text} is no JSON")


def skip_unless_it_opens(device):
    try:
        xpnet.get_backend(device)
    except BackendError as error:
        pytest.skip(str(error))


def read_summary(folder):
    text = (folder / "summary.json").read_text(encoding="utf-8")
    return json.loads(text, parse_constant=no_constant)


def read_history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_arrays(folder):
    """Return the arrays of the best net, by safetensors' own library."""
    with safe_open(folder / "best.safetensors", "numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping


def read_record(folder):
    """Return what the file says of the best net beside its arrays."""
    with safe_open(folder / "best.safetensors", "numpy") as file:
        return json.loads(file.metadata()["xpnet"])["net"]


def names_in(folder):
    """Return the names of all but what is hidden, as the lock is."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def accuracy_by_hand(arrays, X, y):
    """Return the accuracy of saved parameters by plain NumPy, the mean subtracted."""
    W1, b1, W2, b2 = (arrays[f"params.{name}"] for name in ("W1", "b1", "W2", "b2"))
    hidden = np.maximum((X - arrays["preprocess.mean"]) @ W1 + b1, 0)
    scores = hidden @ W2 + b2
    return (scores.argmax(axis=1) == y).mean()


@pytest.fixture
def run(tmp_path, capsys):
    """Run the command line into a folder of its own; return that folder."""

    def call(*options, status=0, name="run"):
        folder = tmp_path / name
        assert main([*options, "--out", str(folder), "--quiet"]) == status
        return folder

    return call


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take half a second."""
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def default_run(tmp_path_factory):
    """The folder of a run with no option but --out."""
    folder = tmp_path_factory.mktemp("default") / "run"
    assert main(["--out", str(folder)]) == 0
    return folder


@pytest.fixture
def ctrl_c():
    """Have Ctrl-C raise, here and in child processes, even if our parent ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


# Good runs


def test_no_arguments_train_the_digits(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([]) == 0
    out, err = capsys.readouterr()
    assert float(re.search(r"^test accuracy (\S+)$", out, re.MULTILINE)[1]) > 0.95
    assert float(re.search(r"^best validation accuracy (\S+)$", out, re.MULTILINE)[1]) > 0.95
    assert f"NumPy {np.__version__} on the CPU" in out
    assert f"xpnet {xpnet.__version__}" in out
    assert "digits: 1,437 training, 180 validation, 180 test samples" in out
    assert "net: 64-100-10" in out
    assert "learning_rate 0.003" in out
    assert "(Epoch 60 / 60) loss: " in out
    assert err == ""
    assert list(tmp_path.iterdir()) == []


def test_quiet_prints_nothing(capsys):
    assert main(["--quiet", "--num-epochs", "1"]) == 0
    assert capsys.readouterr() == ("", "")


def test_auto_says_what_it_chose(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["--device", "auto", "--num-epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "auto" in out
    assert "CuPy" in out
    assert "NumPy" in out


def test_a_device_that_was_named_has_no_remark(capsys):
    assert main(["--device", "cpu", "--num-epochs", "1"]) == 0
    assert "auto" not in capsys.readouterr().out


def test_help_lists_every_option_and_group(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    out = capsys.readouterr().out
    for title in ("data", "net", "training", "machine", "output"):
        assert f"\n{title}:\n" in out
    for option in ("--dataset", "--hidden-dim", "--learning-rate", "--device", "--out", "--quiet"):
        assert f"\n  {option}" in out
    for status in ("0 trained", "1 diverged", "2 input refused", "130 stopped by Ctrl-C"):
        assert status in " ".join(out.split())


def test_python_m_runs_it():
    command = [sys.executable, "-W", "error", "-m", "xpnet.train", "--num-epochs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "test accuracy" in done.stdout


def test_python_m_returns_the_exit_status():
    command = [sys.executable, "-m", "xpnet.train", "--device", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nowhere'" in done.stderr


# What a run leaves behind


def test_summary_says_all(default_run):
    summary = read_summary(default_run)
    assert set(summary) >= SUMMARY_KEYS
    assert summary["dataset"] == "digits"
    assert "Alpaydin" in summary["source"]
    assert summary["device"] == "cpu"
    assert summary["backend"] == f"NumPy {np.__version__} on the CPU"
    assert summary["threads"] >= 1
    assert (summary["epochs"], summary["steps"]) == (60, 60 * STEPS_PER_EPOCH)
    assert 0 < summary["seconds_training"] < summary["seconds_total"]
    assert summary["best_val_accuracy"] > 0.95
    assert summary["test_accuracy"] > 0.95
    assert summary["diverged_at"] is None
    assert summary["interrupted"] is False
    assert summary["versions"]["xpnet"] == xpnet.__version__
    assert summary["versions"]["numpy"] == np.__version__
    assert summary["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert summary["hyperparameters"] == {
        "hidden_dims": [100],
        "activation": "relu",
        "normalization": "none",
        "dropout_keep_ratio": 1.0,
        "loss": "softmax",
        "lr_schedule": "constant",
        "patience": None,
        "clip_norm": None,
        "class_weights": "none",
        "label_smoothing": 0.0,
        "precision": "float32",
        "initializer": "kaiming",
        "reg": 0.03,
        "dtype": "float32",
        "update_rule": "adam",
        "learning_rate": 0.003,
        "lr_decay": 0.97,
        "beta1": 0.9,
        "beta2": 0.999,
        "epsilon": 1e-08,
        "num_epochs": 60,
        "batch_size": 100,
        "sampling": "shuffle",
        "preprocess": "mean",
        "seed": 0,
    }


def test_history_has_a_row_a_step_and_accuracies_at_the_checks(default_run):
    summary, rows = read_summary(default_run), read_history(default_run)
    assert [int(row["step"]) for row in rows] == list(range(1, summary["steps"] + 1))
    assert all(np.isfinite(float(row["loss"])) for row in rows)
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"]) / 10
    checks = [1, *range(STEPS_PER_EPOCH, summary["steps"] + 1, STEPS_PER_EPOCH)]
    for key in ("train_acc", "val_acc", "val_loss"):
        assert [int(row["step"]) for row in rows if row[key]] == checks
    assert max(float(row["val_acc"]) for row in rows if row["val_acc"]) == pytest.approx(
        summary["best_val_accuracy"], abs=1e-12
    )
    assert rows[-1]["epoch"] == "60.0000"


def test_best_params_reproduce_the_accuracies_by_plain_numpy(default_run, digits):
    summary, arrays = read_summary(default_run), read_arrays(default_run)
    params = {f"params.{name}" for name in ("W1", "b1", "W2", "b2")}
    assert set(arrays) == params | {"preprocess.mean"}
    assert read_record(default_run)["preprocess"] == "mean"
    assert read_record(default_run)["class_names"] == list(digits.class_names)
    assert arrays["params.W1"].shape == (64, 100)
    assert arrays["params.W1"].dtype == np.float32
    test = accuracy_by_hand(arrays, digits.X_test, digits.y_test)
    val = accuracy_by_hand(arrays, digits.X_val, digits.y_val)
    assert test == pytest.approx(summary["test_accuracy"], abs=1e-12)
    assert val == pytest.approx(summary["best_val_accuracy"], abs=1e-12)


def test_pictures_are_pictures(default_run):
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    for name in ("curves.png", "weights.png"):
        assert (default_run / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        picture = imread(default_run / name)[..., :3]
        assert min(picture.shape[:2]) >= 600
        assert picture.std() > 0.05
        sample = (picture[::5, ::5] * 255).round().reshape(-1, 3)
        assert len(np.unique(sample, axis=0)) > 50


def test_the_output_names_the_files(tmp_path, capsys):
    assert main(["--num-epochs", "1", "--out", str(tmp_path)]) == 0
    line = capsys.readouterr().out.partition("written to ")[2]
    assert str(tmp_path) in line
    assert names_in(tmp_path) >= {"config.toml", "history.csv", "best.safetensors", "summary.json"}
    for name in names_in(tmp_path):
        assert name in line


def test_without_matplotlib_no_pictures_and_no_failure(tmp_path, capsys, no_pictures):
    assert main(["--num-epochs", "1", "--out", str(tmp_path)]) == 0
    names = {"summary.json", "history.csv", "config.toml", "best.safetensors", "report.html"}
    assert names_in(tmp_path) == names | {f"checkpoint-{STEPS_PER_EPOCH:08d}.safetensors"}
    assert "png" not in capsys.readouterr().out


@pytest.mark.usefixtures("no_pictures")
def test_one_seed_is_one_run(run):
    one, two = (run("--num-epochs", "3", "--seed", "5", name=name) for name in "ab")
    assert (one / "history.csv").read_bytes() == (two / "history.csv").read_bytes()
    first, second = read_arrays(one), read_arrays(two)
    assert set(first) == set(second)
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name])


@pytest.mark.usefixtures("no_pictures")
def test_another_seed_is_another_run(run):
    one, two = (run("--num-epochs", "1", "--seed", seed, name=seed) for seed in ("1", "2"))
    assert (one / "history.csv").read_bytes() != (two / "history.csv").read_bytes()
    assert (read_arrays(one)["params.W1"] != read_arrays(two)["params.W1"]).any()


@pytest.mark.usefixtures("no_pictures")
def test_how_often_we_look_changes_nothing(run):
    often, seldom = (
        run("--num-epochs", "2", "--print-every", every, name=every) for every in ("1", "9")
    )
    assert (often / "history.csv").read_bytes() == (seldom / "history.csv").read_bytes()


@pytest.mark.parametrize("device", ["array-api-strict:device1", "torch", "jax", "dpnp"])
@pytest.mark.usefixtures("no_pictures")
def test_every_device_trains_the_same(device, run):
    skip_unless_it_opens(device)
    options = ("--num-epochs", "3", "--hidden-dim", "30")
    here, there = run(*options, name="cpu"), run(*options, "--device", device, name="there")
    ours, theirs = read_history(here), read_history(there)
    assert len(ours) == len(theirs) == 3 * STEPS_PER_EPOCH
    for key, tolerance in (("loss", 1e-3), ("val_loss", 1e-3)):
        np.testing.assert_allclose(
            [float(row[key]) for row in theirs if row[key]],
            [float(row[key]) for row in ours if row[key]],
            rtol=tolerance,
        )
    for key in ("train_acc", "val_acc"):  # a sample near the border may fall to the other side
        np.testing.assert_allclose(
            [float(row[key]) for row in theirs if row[key]],
            [float(row[key]) for row in ours if row[key]],
            atol=1.01 / 180,
        )
    summary = read_summary(there)
    assert summary["device"] == device
    assert summary["backend"] == xpnet.get_backend(device).description
    assert device.partition(":")[0] in summary["versions"]


# Options


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--hidden-dims", "7", [7]),
        ("--hidden-dims", "7,6", [7, 6]),
        ("--activation", "elu", "elu"),
        ("--normalization", "batchnorm", "batchnorm"),
        ("--normalization", "layernorm", "layernorm"),
        ("--dropout-keep-ratio", "0.5", 0.5),
        ("--loss", "svm", "svm"),
        ("--schedule", "cosine", "cosine"),
        ("--grad-clip", "0.1", 0.1),
        ("--class-weights", "balanced", "balanced"),
        ("--label-smoothing", "0.1", 0.1),
        ("--initializer", "xavier", "xavier"),
        ("--reg", "0.5", 0.5),
        ("--dtype", "float64", "float64"),
        ("--update-rule", "rmsprop", "rmsprop"),
        ("--learning-rate", "1e-4", 1e-4),
        ("--lr-decay", "0.5", 0.5),
        ("--num-epochs", "3", 3),
        ("--batch-size", "200", 200),
        ("--sampling", "replacement", "replacement"),
        ("--seed", "9", 9),
        ("--preprocess", "none", "none"),
        ("--beta1", "0.5", 0.5),
        ("--beta2", "0.9", 0.9),
        ("--epsilon", "0.5", 0.5),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_options_are_recorded_and_change_the_run(option, value, expected, run):
    base = () if option == "--num-epochs" else ("--num-epochs", "2")
    plain = run("--num-epochs", "2", name="plain")
    folder = run(*base, option, value, name="changed")
    names = {"--schedule": "lr_schedule", "--grad-clip": "clip_norm"}
    name = names.get(option, option[2:].replace("-", "_"))
    assert read_summary(folder)["hyperparameters"][name] == expected
    losses = [[row["loss"] for row in read_history(which)] for which in (plain, folder)]
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    ("rule", "option", "value"),
    [
        ("sgd_momentum", "--momentum", "0.5"),
        ("nesterov_momentum", "--momentum", "0.5"),
        ("rmsprop", "--decay-rate", "0.5"),
        ("adamw", "--weight-decay", "0.5"),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_options_of_a_rule_reach_it(rule, option, value, run):
    base = ("--num-epochs", "1", "--learning-rate", "1e-3", "--update-rule", rule)
    plain, folder = run(*base, name="plain"), run(*base, option, value, name="changed")
    name = option[2:].replace("-", "_")
    assert read_summary(plain)["hyperparameters"][name] != 0.5
    assert read_summary(folder)["hyperparameters"][name] == 0.5
    assert (read_arrays(plain)["params.W1"] != read_arrays(folder)["params.W1"]).any()


@pytest.mark.usefixtures("no_pictures")
def test_sizes_and_dtype_are_those_of_the_net(run):
    folder = run(
        "--num-epochs", "1", "--hidden-dim", "7", "--batch-size", "700", "--dtype", "float64"
    )
    arrays = read_arrays(folder)
    assert arrays["params.W1"].shape == (64, 7)
    assert arrays["params.W1"].dtype == np.float64
    assert len(read_history(folder)) == 2


@pytest.mark.usefixtures("no_pictures")
def test_without_preprocessing_no_mean_is_kept(run):
    folder = run("--num-epochs", "1", "--preprocess", "none")
    assert not [name for name in read_arrays(folder) if not name.startswith("params.")]
    assert read_record(folder)["preprocess"] == "none"


@pytest.mark.usefixtures("no_pictures")
def test_weight_scale_is_the_deviation_of_the_start(run):
    folder = run(
        *("--initializer", "gaussian", "--weight-scale", "0.5"),
        *("--update-rule", "sgd", "--learning-rate", "1e-12", "--num-epochs", "1"),
    )
    assert read_arrays(folder)["params.W1"].std() == pytest.approx(0.5, rel=0.05)


@pytest.mark.usefixtures("no_pictures")
def test_lr_decay_begins_with_the_second_epoch(run):
    plain = run("--num-epochs", "2", "--lr-decay", "1", name="plain")
    decayed = run("--num-epochs", "2", "--lr-decay", "0.1", name="decayed")
    losses = [[row["loss"] for row in read_history(which)] for which in (plain, decayed)]
    same = STEPS_PER_EPOCH + 1  # the loss of a step is taken before it moves
    assert losses[0][:same] == losses[1][:same]
    assert losses[0][same:] != losses[1][same:]


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.usefixtures("no_pictures")
def test_threads_are_set_recorded_and_given_back(tmp_path, capsys):
    if not blas_threads():
        pytest.skip("no BLAS whose threads can be set")
    before = blas_threads()
    seen = []

    class Look:
        def on_epoch(self, solver):
            seen.append(max(blas_threads()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_run, "watch", lambda *given: Look())
        assert main(["--threads", "1", "--num-epochs", "1", "--out", str(tmp_path)]) == 0
    assert seen == [1]
    assert read_summary(tmp_path)["threads"] == 1
    assert re.search(r"\b1 BLAS thread\b", capsys.readouterr().out)
    assert blas_threads() == before


# A user's own data


@pytest.fixture
def own_file(tmp_path):
    """Write three clouds of points in four dimensions, or what is given instead; return a path."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    X = rng.normal(size=(300, 4)) + 6 * np.eye(4)[y]

    def write(**changes):
        path = tmp_path / "own.npz"
        arrays = {"X": X, "y": np.array(["ash", "birch", "cedar"])[y], **changes}
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return str(path)

    write.X, write.y = X, y
    return write


@pytest.mark.usefixtures("no_pictures")
def test_own_data_with_names_as_labels(own_file, run):
    folder = run("--dataset", own_file())
    summary = read_summary(folder)
    assert summary["best_val_accuracy"] > 0.9
    assert summary["test_accuracy"] > 0.7
    assert summary["dataset"].endswith("own.npz")
    assert summary["hyperparameters"]["learning_rate"] == 1e-3
    assert read_record(folder)["class_names"] == ["ash", "birch", "cedar"]
    assert read_arrays(folder)["params.W2"].shape == (100, 3)


@pytest.mark.usefixtures("no_pictures")
def test_own_data_without_a_test_part(own_file, run):
    X, y = own_file.X, own_file.y
    parts = {"X_train": X[:200], "y_train": y[:200], "X_val": X[200:], "y_val": y[200:]}
    path = own_file(X=None, y=None, **parts)
    assert read_summary(run("--dataset", path))["test_accuracy"] is None


@pytest.mark.usefixtures("no_pictures")
def test_a_folder_of_arrays_is_trained_on_as_an_npz_file(own_file, run, tmp_path):
    X, names = own_file.X, np.array(["ash", "birch", "cedar"])[own_file.y]
    rows = {"train": slice(0, 200), "val": slice(200, 250), "test": slice(250, 300)}
    arrays = {f"X_{part}": X[at] for part, at in rows.items()}
    arrays |= {f"y_{part}": names[at] for part, at in rows.items()}
    folder = tmp_path / "arrays"
    folder.mkdir()
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    options = ["--num-epochs", "50", "--batch-size", "20"]
    found = run("--dataset", str(folder), *options, name="of a folder")
    history, summary = read_history(found), read_summary(found)
    assert summary["source"] == summary["dataset"] == str(folder)
    assert summary["class_names"] == ["ash", "birch", "cedar"]
    same = run("--dataset", own_file(X=None, y=None, **arrays), *options, name="of a file")
    assert read_history(same) == history
    assert read_summary(same)["test_accuracy"] == summary["test_accuracy"] > 0.5


@pytest.mark.parametrize(("shape", "drawn"), [((2, 2), True), ((4,), False), ((4, 1, 1), False)])
def test_own_pictures_are_drawn(own_file, run, shape, drawn):
    pytest.importorskip("matplotlib")
    path = own_file(X=own_file.X.reshape(300, *shape))
    folder = run("--dataset", path, "--num-epochs", "1")
    assert (folder / "weights.png").exists() is drawn


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int64", "float32", "float64", ">f4", ">i2"])
@pytest.mark.parametrize("device", ["cpu", "torch", "dpnp", "array-api-strict:device1"])
@pytest.mark.usefixtures("no_pictures")
def test_own_data_of_every_dtype_on_every_device(own_file, run, device, dtype):
    skip_unless_it_opens(device)
    X = (10 * (own_file.X - own_file.X.min())).astype(dtype)
    folder = run("--dataset", own_file(X=X), "--device", device, "--num-epochs", "2")
    assert len(read_history(folder)) == 4


# Refusals


def refusal(capsys, *options):
    """Return the line that refuses options, after checking that it is the only one."""
    status = main(list(options))
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("xpnet.train: error: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--bogus"], ["--bogus"]),
        (["--hidden", "3"], ["--hidden"]),
        (["digits"], ["digits"]),
        (["--update-rule", "newton"], ["--update-rule", "'newton'", "'adam'", "'sgd'"]),
        (["--initializer", "he"], ["--initializer", "'he'", "'kaiming'"]),
        (["--dtype", "half"], ["--dtype", "'half'", "'float32'"]),
        (["--sampling", "all"], ["--sampling", "'all'", "'shuffle'"]),
        (["--preprocess", "zca"], ["--preprocess", "'zca'", "mean"]),
        (["--hidden-dim", "2.5"], ["--hidden-dim", "'2.5'"]),
        (["--learning-rate", "fast"], ["--learning-rate", "'fast'"]),
        (["--seed"], ["--seed"]),
    ],
)
def test_argparse_refuses(options, parts, capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(options)
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("xpnet.train: error: ")
    for part in parts:
        assert part in line


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--dataset", "mnist"], ["'mnist'", "digits", "cifar10", ".npz", "X_train.npy"]),
        (["--dataset", "digit"], ["'digit'", "did you mean digits?"]),
        (["--dataset", "/no/such/file.npz"], ["/no/such/file.npz", "No such file"]),
        (["--device", "quantum"], ["'quantum'", "cpu", "gpu"]),
        (["--device", "numpy:gpu"], ["one device", "'gpu'"]),
        (["--learning-rate", "0"], ["learning_rate", "positive", "got 0.0"]),
        (["--learning-rate", "-1"], ["learning_rate", "positive", "got -1.0"]),
        (["--learning-rate", "nan"], ["learning_rate", "positive", "got nan"]),
        (["--learning-rate", "inf"], ["learning_rate", "positive", "got inf"]),
        (["--batch-size", "1438"], ["1438", "1437"]),
        (["--batch-size", "0"], ["batch_size", "got 0"]),
        (["--batch-size", "-5"], ["batch_size", "got -5"]),
        (["--hidden-dim", "0"], ["hidden_dims", "got 0"]),
        (["--hidden-dim", "-3"], ["hidden_dims", "got -3"]),
        (["--num-epochs", "0"], ["num_epochs", "got 0"]),
        (["--reg", "-1"], ["reg", "got -1.0"]),
        (["--reg", "nan"], ["reg", "got nan"]),
        (["--weight-scale", "-1", "--initializer", "gaussian"], ["weight_scale", "got -1.0"]),
        (["--lr-decay", "0"], ["lr_decay", "got 0.0"]),
        (["--lr-decay", "nan"], ["lr_decay", "got nan"]),
        (["--momentum", "0.9"], ["--momentum 0.9", "adam"]),
        (["--update-rule", "sgd", "--beta1", "0.9"], ["--beta1 0.9", "sgd"]),
        (["--update-rule", "sgd_momentum", "--momentum", "1"], ["momentum", "got 1.0"]),
        (["--beta2", "1.5"], ["beta2", "got 1.5"]),
        (["--threads", "0"], ["--threads", "got 0"]),
        (["--threads", "-2"], ["--threads", "got -2"]),
        (["--seed", "-1"], ["seed", "got -1"]),
        (["--seed", str(2**64)], ["seed", str(2**64)]),
        (["--print-every", "0"], ["print_every", "got 0"]),
        (["--hidden-dim", str(10**13)], [str(10**13), "memory"]),
    ],
)
def test_values_that_make_no_sense_are_refused(options, parts, capsys):
    line = refusal(capsys, *options)
    for part in parts:
        assert part in line


def test_gpu_without_cupy_is_refused(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    line = refusal(capsys, "--device", "gpu")
    assert "CuPy" in line
    assert "pip install" in line
    assert "--device cpu" in line


def test_float64_on_jax_is_refused(capsys):
    jax = pytest.importorskip("jax")
    if jax.config.jax_enable_x64:
        pytest.skip("float64 is switched on")
    assert "JAX_ENABLE_X64" in refusal(capsys, "--device", "jax", "--dtype", "float64")


def test_cifar10_that_is_not_there(capsys, tmp_path):
    line = refusal(capsys, "--dataset", "cifar10", "--data-dir", str(tmp_path))
    assert str(tmp_path) in line
    assert "--download" in line


@pytest.mark.parametrize("below", ["", "run"])
def test_out_onto_a_file(capsys, tmp_path, below):
    path = tmp_path / "file"
    path.write_text("mine")
    line = refusal(capsys, "--out", str(path / below) if below else str(path))
    assert str(path) in line
    assert "--out DIR" in line
    assert path.read_text() == "mine"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs Linux's /proc")
def test_out_into_a_folder_that_cannot_be_written(capsys):
    assert "/proc/self" in refusal(capsys, "--out", "/proc/self")


@pytest.mark.usefixtures("no_pictures")
def test_own_data_with_real_targets_is_a_regression(own_file, tmp_path, capsys):
    X = np.random.default_rng(0).standard_normal((300, 4))
    file = own_file(X=X, y=X @ np.asarray([1.0, -2.0, 0.5, 0.0]) + 3.0)
    options = ["--num-epochs", "150", "--learning-rate", "0.01", "--out", str(tmp_path)]
    assert main(["--dataset", str(file), *options]) == 0
    printed = capsys.readouterr().out
    assert "loss squared" in printed
    assert "test R squared 0.9" in printed
    summary = read_summary(tmp_path)
    assert (summary["metric"], summary["layers"]) == ("R squared", "4-100-1")
    assert summary["test_accuracy"] > 0.9
    assert xpnet.load(tmp_path / "best.safetensors").is_regression


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"X": np.array([[1, "a"], [2, None]] * 150, dtype=object)}, ["X", "Python objects"]),
        ({"y": np.array(["a", None] * 150, dtype=object)}, ["y", "as strings"]),
        ({"X": np.full((300, 4), np.nan)}, ["X", "nan", "row 0"]),
        ({"X": np.full((300, 4), np.inf)}, ["X", "inf", "row 0"]),
        ({"y": np.arange(300) % 3 * 1.0}, ["y", "float64"]),
        ({"y": np.arange(299) % 3}, ["300", "299"]),
        ({"X": np.ones(300)}, ["X", "(300,)"]),
        ({"X": None}, ["X_train"]),
        ({"X": np.ones((300, 4), dtype=complex)}, ["complex128"]),
    ],
)
def test_own_data_that_cannot_be_trained_on(capsys, own_file, changes, parts):
    path = own_file(**changes)
    line = refusal(capsys, "--dataset", path)
    for part in [path, *parts]:
        assert part in line


def test_a_folder_without_arrays(capsys, tmp_path):
    line = refusal(capsys, "--dataset", str(tmp_path))
    assert f"{tmp_path}: there is no X_train.npy; save X_train.npy, y_train.npy" in line


def test_a_file_that_is_no_npz(capsys, tmp_path):
    path = tmp_path / "text.npz"
    path.write_text("1,2,3")
    assert str(path) in refusal(capsys, "--dataset", str(path))


def test_inputs_beyond_float32_are_one_line_and_no_warning(capsys, own_file):
    """1e300 is finite on the host and infinite in the net."""
    status = main(["--dataset", own_file(X=own_file.X * 1e300), "--num-epochs", "1"])
    err = capsys.readouterr().err
    assert status in (1, 2)
    assert err.startswith("xpnet.train: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["summary.json", "best.safetensors", "history.csv"])
@pytest.mark.usefixtures("no_pictures")
def test_a_folder_that_fails_at_the_end_is_said_after_the_result(
    name, capsys, tmp_path, monkeypatch
):
    """The training is not lost to whoever reads the screen."""

    class InTheWay:
        def on_epoch(self, solver):
            if solver.epoch == 1:
                (tmp_path / name).unlink(missing_ok=True)
                (tmp_path / name).mkdir()

    monkeypatch.setattr(training_run, "watch", lambda *given: InTheWay())
    assert main(["--num-epochs", "2", "--out", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    *warned, line = err.splitlines()
    assert line.startswith("xpnet.train: error: ")
    assert str(tmp_path) in line
    # That one is written all the time, so that the training says first that it goes on.
    assert len(warned) == (2 if name == "history.csv" else 0)
    assert all(text.startswith(f"xpnet.train: {tmp_path / name} could not be") for text in warned)
    assert "test accuracy" in out


# Divergence


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """The folder of a run that diverged."""
    folder = tmp_path_factory.mktemp("diverged") / "run"
    options = ["--update-rule", "sgd", "--learning-rate", "1e6", "--print-every", "5"]
    assert main([*options, "--out", str(folder)]) == 1
    return folder


def test_divergence_is_one_line_and_exit_status_1(capsys):
    status = main(["--update-rule", "sgd", "--learning-rate", "1e6", "--quiet"])
    out, err = capsys.readouterr()
    assert status == 1
    assert out == ""
    assert err.startswith("xpnet.train: ")
    assert err.count("\n") == 1
    assert re.search(r"at step \d+\b", err)
    assert "learning rate 1e+06" in err
    assert "try 1e+05" in err
    assert "best parameters are kept" in err


def test_divergence_keeps_the_best_parameters(diverged, digits):
    summary, arrays = read_summary(diverged), read_arrays(diverged)
    for name in ("W1", "b1", "W2", "b2"):
        assert np.isfinite(arrays[f"params.{name}"]).all()
    with np.errstate(over="ignore"):
        test = accuracy_by_hand(arrays, digits.X_test, digits.y_test)
    assert test == pytest.approx(summary["test_accuracy"], abs=1e-12)
    assert summary["interrupted"] is False


def test_divergence_is_dated_by_its_first_bad_loss(diverged):
    summary, rows = read_summary(diverged), read_history(diverged)
    losses = np.array([float(row["loss"]) for row in rows])
    assert summary["diverged_at"] == summary["diverged_at"].__index__() == len(rows)
    assert np.isfinite(losses[:-1]).all()
    assert not np.isfinite(losses[-1])


def test_divergence_still_has_its_pictures(diverged):
    pytest.importorskip("matplotlib")
    assert (diverged / "curves.png").stat().st_size > 1000


@pytest.mark.usefixtures("no_pictures")
def test_divergence_in_the_first_step_writes_valid_json(run, capsys):
    """There is no best accuracy yet: null, not -Infinity."""
    folder = run("--initializer", "gaussian", "--weight-scale", "1e30", status=1)
    summary = read_summary(folder)
    assert summary["diverged_at"] == 1
    assert summary["best_val_accuracy"] is None
    assert "inf" not in capsys.readouterr().out


# Ctrl-C


class Press:
    """A callback that presses Ctrl-C at the end of an epoch."""

    def __init__(self, ctrl_c, epoch):
        self.ctrl_c, self.epoch = ctrl_c, epoch

    def on_epoch(self, solver):
        if solver.epoch == self.epoch:
            self.ctrl_c()


@pytest.mark.usefixtures("no_pictures")
def test_ctrl_c_stops_at_the_boundary_and_keeps_all(ctrl_c, monkeypatch, tmp_path, capsys, digits):
    monkeypatch.setattr(training_run, "watch", lambda *given: Press(ctrl_c, epoch=3))
    assert main(["--out", str(tmp_path)]) == 130
    out, err = capsys.readouterr()
    assert err.strip().count("\n") == 0
    assert f"stopped at step {3 * STEPS_PER_EPOCH}: go on by " in err
    assert f"--resume {tmp_path}" in err
    assert "test accuracy" in out
    summary = read_summary(tmp_path)
    assert summary["interrupted"] is True
    assert (summary["epochs"], summary["steps"]) == (3, 3 * STEPS_PER_EPOCH)
    assert len(read_history(tmp_path)) == 3 * STEPS_PER_EPOCH
    test = accuracy_by_hand(read_arrays(tmp_path), digits.X_test, digits.y_test)
    assert test == pytest.approx(summary["test_accuracy"], abs=1e-12)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("no_pictures")
def test_a_second_ctrl_c_measures_the_best_parameters_too(ctrl_c, monkeypatch, tmp_path):
    """The test accuracy in the summary is that of the parameters beside it."""
    solvers = []

    class PressTwice:
        def on_epoch(self, solver):
            if solver.val_acc_history[-1] < solver.best_val_acc:
                solvers.append(solver)
                ctrl_c()
                ctrl_c()

    # so fast a training that accuracies go up and down
    monkeypatch.setattr(training_run, "watch", lambda *given: PressTwice())
    options = ["--update-rule", "sgd", "--learning-rate", "0.3"]
    assert main([*options, "--out", str(tmp_path)]) == 130
    assert read_summary(tmp_path)["interrupted"] is True
    [solver] = solvers
    for name, best in solver.best_params.items():
        np.testing.assert_array_equal(solver.model.params[name], best)


@pytest.mark.parametrize("device", ["cpu", "jax"])
@pytest.mark.usefixtures("no_pictures")
def test_a_second_ctrl_c_within_a_stretch(device, monkeypatch, tmp_path, capsys):
    """It comes out of the stretch; by then NumPy has written into the arrays that went in."""
    if device == "jax":
        pytest.importorskip("jax")
    stretched, calls = NetTrainer._stretched, []

    def interrupted(self, *given):
        calls.append(given)
        found = stretched(self, *given)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(NetTrainer, "_stretched", interrupted)
    assert main(["--device", device, "--out", str(tmp_path)]) == 130
    assert "stopped at step" in capsys.readouterr().err
    assert read_summary(tmp_path)["interrupted"] is True
    assert np.isfinite(read_arrays(tmp_path)["params.W1"]).all()


@pytest.mark.parametrize("moment", ["load", "write_results"])
def test_ctrl_c_outside_the_training(moment, monkeypatch, tmp_path, capsys):
    """The line must not deny a training that was there."""

    def interrupted(*_given, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(xpnet.data if moment == "load" else training_run, moment, interrupted)
    assert main(["--num-epochs", "1", "--quiet", "--out", str(tmp_path)]) == 130
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip().count("\n") == 0
    assert "interrupted" in err
    assert "interrupted: nothing more is written" in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child alone")
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_for_real(tmp_path):
    """A process of its own, interrupted after its second line about an epoch."""
    command = [sys.executable, "-W", "error", "-m", "xpnet.train"]
    options = ["--num-epochs", "4000", "--hidden-dim", "10", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stdout:
                if line.startswith("(Epoch ") and not line.startswith("(Epoch 1 "):
                    break
            else:
                pytest.fail(f"no line about an epoch: {process.stderr.read()}")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in out + err
    assert len(err.split("\n")) <= 3
    assert err.strip().count("\n") == 0
    assert "stopped at step" in err
    summary = read_summary(tmp_path / "run")
    assert summary["interrupted"] is True
    assert 0 < summary["epochs"] < 4000
    assert summary["best_val_accuracy"] > 0.5
    assert len(read_history(tmp_path / "run")) == summary["steps"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows pipes break in another way")
def test_a_reader_that_goes_away_gets_no_traceback():
    """As with `| head -1`."""
    command = [sys.executable, "-W", "error", "-m", "xpnet.train", "--num-epochs", "200"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline().startswith("xpnet ")
            process.stdout.close()
            err = process.stderr.read()
        finally:
            process.kill()
    assert err == ""


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--data-dir", "somewhere"], "--data-dir is for --dataset cifar10"),
        (["--download"], "--download is for --dataset cifar10"),
        (["--out", ""], "--out needs the name of a folder"),
        (["--device", "cuda"], "did you mean gpu?"),
    ],
)
def test_options_without_a_meaning_are_refused(options, part, capsys):
    assert main(options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert part in err


def test_version(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"xpnet {xpnet.__version__}\n"


def test_a_class_without_samples_is_noted(tmp_path, capsys):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", X=rng.standard_normal((60, 4)), y=rng.integers(1, 4, size=60))
    assert main(["--dataset", str(tmp_path / "d.npz"), "--num-epochs", "1"]) == 0
    out = capsys.readouterr().out
    assert "note: no training sample has the label 0; integer labels count from 0" in out
    assert "batch_size 48," in out, "the default batch is no larger than the training set"
