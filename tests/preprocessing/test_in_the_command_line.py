"""`--preprocess`: what it takes, what it prints, and what a run leaves behind."""

import json

import numpy as np
import pytest
from safetensors import safe_open

from xpnet import TwoLayerNet
from xpnet.data import load
from xpnet.preprocessing import get_preprocessor
from xpnet.train import main


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture
def train(tmp_path, capsys):
    """Run the command line into a folder, in place of an earlier run; return what it printed."""

    def call(text, *options):
        given = ["--preprocess", text, "--num-epochs", "10", "--hidden-dim", "20", *options]
        assert main([*given, "--out", str(tmp_path), "--overwrite"]) == 0
        return capsys.readouterr().out

    return call


@pytest.fixture
def no_pictures(monkeypatch):
    """Leave the pictures out, which take half a second."""
    monkeypatch.setattr("xpnet.run_folder.find_spec", lambda name: None)


@pytest.mark.parametrize(
    ("text", "input_dim"),
    [
        ("none", 64),
        ("mean", 64),
        ("channel-mean", 64),
        ("standard", 64),
        ("pca", 61),
        ("pca:20", 20),
        ("pca:0.95", 28),
        ("whiten", 61),
        ("whiten:10,epsilon=0.5", 10),
        ("standard+pca:0.95", 40),
    ],
)
@pytest.mark.usefixtures("no_pictures")
def test_a_run_tells_its_net_and_can_be_loaded(train, tmp_path, digits, text, input_dim):
    out = train(text)
    assert f"net: {input_dim}-20-10\n" in out
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["layers"] == f"{input_dim}-20-10"
    assert summary["hyperparameters"]["preprocess"] == text
    with safe_open(tmp_path / "best.safetensors", "numpy") as file:
        record = json.loads(file.metadata()["xpnet"])["net"]
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    preprocess = get_preprocessor(record["preprocess"])
    net = TwoLayerNet(1, 1, 1)
    net.params = {name: arrays[f"params.{name}"] for name in ("W1", "b1", "W2", "b2")}
    x = digits.X_test
    if preprocess is not None:
        start = "preprocess."
        numbers = {n.removeprefix(start): x for n, x in arrays.items() if n.startswith(start)}
        x = preprocess.with_numbers(numbers).transform(x)
    assert net.input_dim == input_dim
    accuracy = np.mean(net.loss(x).argmax(axis=1) == digits.y_test)
    assert accuracy == pytest.approx(summary["test_accuracy"])
    assert accuracy > 0.7


@pytest.mark.usefixtures("no_pictures")
def test_shares_are_scikit_learns(train, digits):
    decomposition = pytest.importorskip("sklearn.decomposition")
    known = decomposition.PCA(0.95, svd_solver="full").fit(digits.X_train)
    assert f"net: {known.n_components_}-20-10\n" in train("pca:0.95")


@pytest.mark.usefixtures("no_pictures")
def test_notes_are_printed(train):
    assert "standard: 3 of 64 features are constant: left undivided\n" in train("standard")
    assert "pca:20: 20 components of 64 features, 0.8963 of the variance\n" in train("pca:20")
    both = " ".join(train("standard+pca:0.95").split())
    assert "left undivided; 40 components of 64 features, 0.9538 of the variance batch" in both
    assert "mean:" not in train("mean")


def test_the_text_is_kept_as_the_library_writes_it(train, tmp_path, no_pictures):
    assert "preprocess pca:20," in " ".join(train(" pca:020 ").split())


def test_weights_are_drawn_while_inputs_are_pictures(train, tmp_path):
    pytest.importorskip("matplotlib")
    out = train("standard+mean")
    assert (tmp_path / "weights.png").exists()
    assert "no weights.png" not in out
    out = train("pca")
    assert (tmp_path / "curves.png").exists()
    assert not (tmp_path / "weights.png").exists()
    assert "no weights.png, as the net's inputs are no pictures after pca\n" in out


def test_not_even_where_there_are_as_many_components_as_pixels(train, tmp_path, rng):
    """61 of the digits' 64 pixels change; here all do, and the rotation is no picture."""
    pytest.importorskip("matplotlib")
    X, y = rng.standard_normal((300, 2, 2)), rng.integers(3, size=300)
    np.savez(tmp_path / "own.npz", X=X, y=y)
    out = train("whiten", "--dataset", str(tmp_path / "own.npz"))
    assert "net: 4-20-3\n" in out
    assert not (tmp_path / "weights.png").exists()


@pytest.mark.parametrize("device", ["torch", "array-api-strict:device1"])
@pytest.mark.usefixtures("no_pictures")
def test_on_other_devices(train, tmp_path, device):
    pytest.importorskip(device.partition(":")[0].replace("-", "_"))
    losses = []
    for where in ("cpu", device):
        train("standard+whiten:20", "--device", where)
        rows = (tmp_path / "history.csv").read_text(encoding="utf-8").splitlines()[1:]
        losses.append([float(row.split(",")[2]) for row in rows])
    np.testing.assert_allclose(*losses, rtol=1e-3)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("zca", "unknown preprocess 'zca'"),
        ("standard+", "unknown preprocess ''"),
        ("pca:0", "pca takes a number of components"),
        ("pca:", "has a colon and no parameter"),
        ("pca:1.5", "got 1.5"),
        ("mean:3", "mean takes no parameter"),
        ("whiten:epsilon=-1", "epsilon of whiten"),
        ("channel-mean:0", "number of channels"),
    ],
)
def test_texts_that_are_refused(capsys, text, part):
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["--preprocess", text])
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("xpnet.train: error: argument --preprocess: ")
    assert part in line


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pca:62", "pca:62 asks for 62 components, but 1437 training samples of 64 features"),
        ("channel-mean:3", "channel-mean:3 takes 3 channels of equal size"),
    ],
)
def test_what_does_not_fit_the_data_is_refused(capsys, text, part):
    assert main(["--preprocess", text]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert part in line
