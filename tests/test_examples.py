"""Every example runs, as its docstring says, and what it prints is so."""

import math
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xpnet

FOLDER = Path(__file__).parent.parent / "examples"
EXAMPLES = sorted(FOLDER.glob("[!_]*.py"))
DATA_DIR = os.environ.get("XPNET_DATA_DIR")

COLORS = {"blue": (0x00, 0x72, 0xB2), "red": (0xD5, 0x5E, 0x00)}


def run(path, folder, *arguments):
    """Run an example in a folder, and return what it prints."""
    done = subprocess.run(
        [sys.executable, str(path), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def table(printed, names):
    """Return the words of the last line that starts with each of these names, before the answer."""
    rows = {}
    for line in printed.partition("\n\n")[0].splitlines():
        for name in names:
            if line.lstrip().startswith(name):
                rows[name] = line.lstrip().removeprefix(name).split()
    return rows


def number(text):
    return float(text.rstrip("%").replace(",", ""))


def numbers_in(pattern, printed):
    """Return the numbers that a sentence gives, however its lines are broken."""
    found = re.search(pattern, " ".join(printed.split()))
    assert found, printed
    return [number(text) for text in found.groups()]


def has_test_accuracy(printed):
    accuracies = [float(a) for a in re.findall(r"[Tt]est.* accuracy:? (\d\.\d+)", printed)]
    assert accuracies
    assert min(accuracies) > 0.7


def wrong_at_first_and_right_at_last(printed):
    wrong, right = r"x: WRONG at \(\d, \d\)", "x: 12 of 12 entries right"
    assert re.search(f"{wrong}.*{right}", printed, flags=re.DOTALL), printed


def sigmoid_fades_and_relu_dies(printed):
    """Slopes: s (1 - s), 1 - tanh^2 and exp are 0.005 where these formulas say."""
    s = (1 + math.sqrt(1 - 4 * 0.005)) / 2
    edges = {
        "sigmoid": math.log(s / (1 - s)),
        "tanh": math.atanh(math.sqrt(1 - 0.005)),
        "elu": -math.log(0.005),
    }
    small = "sigmoid, Gaussian 0.01"
    rows = table(printed, ["sigmoid ", small, "tanh", "relu", "leaky_relu", "elu"])
    for name, edge in edges.items():
        x = re.search(rf"^{name} +< (-\d\.\d)", printed, flags=re.MULTILINE)
        assert float(x[1]) == pytest.approx(-edge, abs=0.06), name
    assert rows["leaky_relu"][0] == "never"

    def gradients(name, skip):
        first, last, ratio = map(float, rows[name][skip : skip + 3])
        assert ratio == pytest.approx(last / first, rel=0.1)
        return ratio

    # Each layer back multiplies by weights of norm about 1, and by a slope of 1/4 at most.
    assert gradients("sigmoid ", 5) > 4**6
    assert gradients(small, 0) > 1e9
    for name, skip in (("tanh", 5), ("relu", 2), ("leaky_relu", 1), ("elu", 2)):
        assert 0.2 < gradients(name, skip) < 5, name
    assert number(rows["relu"][-2]) > 10
    assert number(rows["leaky_relu"][-2]) == 0
    assert "most in layer" in " ".join(printed.split())


def activations_shrink_as_the_variance_says(printed):
    """One layer multiplies the variance by fan_in Var(w), and ReLU halves the mean square."""
    names = ["zeros", "all equal", "Gaussian 0.01", "Gaussian 1", "Xavier", "Kaiming"]
    tanh, relu = (
        table(printed, [f"{activation}, {name} " for name in names])
        for activation in ("tanh", "relu")
    )

    def stds(row):
        return [float(text) for text in row[:4]]

    for rows, activation in ((tanh, "tanh"), (relu, "relu")):
        assert stds(rows[f"{activation}, zeros "]) == [0, 0, 0, 0]
        for name in names:
            units = int(rows[f"{activation}, {name} "][5])
            assert units == (1 if name in ("zeros", "all equal") else 100), name
    seven = 7  # layers from the first to the eighth
    for rows, name, factor in (
        (tanh, "tanh, Gaussian 0.01 ", 0.01 * math.sqrt(100)),
        (relu, "relu, Gaussian 0.01 ", 0.01 * math.sqrt(100 / 2)),
        (relu, "relu, Gaussian 1 ", math.sqrt(100 / 2)),
        (relu, "relu, Xavier ", math.sqrt(1 / 2)),
        (relu, "relu, Kaiming ", 1.0),
    ):
        first, last = stds(rows[name])[0], stds(rows[name])[3]
        assert last / first == pytest.approx(factor**seven, rel=0.5), name
    assert number(tanh["tanh, Gaussian 1 "][4]) > 50
    first, last = stds(tanh["tanh, Xavier "])[0], stds(tanh["tanh, Xavier "])[3]
    assert 0.25 < last / first < 1
    assert number(tanh["tanh, Xavier "][-1]) > 0.9
    assert number(relu["relu, Kaiming "][-1]) > 0.85


def batchnorm_widens_the_ranges(printed):
    with_it, without, best, best_without = numbers_in(
        r"normalisation (\d+) of 9 weight scales reach [\d.]+, without it (\d+); the largest "
        r"learning rate that does is ([\d.]+), without it ([\d.]+)\.",
        printed,
    )
    assert without <= 2
    assert with_it >= without + 3
    assert best >= 3 * best_without > 0
    first, first_without = numbers_in(
        r"W1 starts at ([\d.e-]+), without it at ([\d.e-]+)\.", printed
    )
    assert first > 1e4 * first_without
    rows = table(printed, ["with ", "without "])  # the second table's, of the learning rates
    assert max(map(float, rows["with "])) > 0.9
    assert max(map(float, rows["without "])) > 0.9


def the_axes_are_those_of_the_inputs(printed):
    """The longest axis is the largest squared singular value over N."""
    rows = table(printed, ["none", "mean", "standard", "pca:0.95", "whiten"])
    X = xpnet.data.load("digits").X_train.astype(np.float64)
    centred = X - X.mean(axis=0)
    varying = centred[:, centred.any(axis=0)]
    for name, inputs in (
        ("none", X),
        ("mean", centred),
        ("standard", varying / varying.std(axis=0)),
        ("pca:0.95", centred),
    ):
        longest = np.linalg.norm(inputs, ord=2) ** 2 / len(inputs)
        assert number(rows[name][1]) == pytest.approx(longest, rel=0.005), name
    assert [number(text) for text in rows["whiten"][1:3]] == pytest.approx([1, 1], abs=0.05)
    assert rows["none"][3] == "100%", "no pixel is negative"
    assert number(rows["mean"][3]) < 80
    rates = {name: float(row[5]) for name, row in rows.items()}
    assert 0 < rates["none"] < rates["mean"] <= rates["standard"] <= rates["whiten"]
    assert rates["whiten"] >= 10 * rates["none"]
    assert float(rows["none"][-1]) > 10 * float(rows["mean"][-1])


CHECKS = {
    "two_layer_net": has_test_accuracy,
    "deep_net": has_test_accuracy,
    "own_layer": wrong_at_first_and_right_at_last,
    "own_model": has_test_accuracy,
    "activations": sigmoid_fades_and_relu_dies,
    "initialization": activations_shrink_as_the_variance_says,
    "batch_normalization": batchnorm_widens_the_ranges,
    "preprocessing": the_axes_are_those_of_the_inputs,
}
PICTURES = ["activations", "batch_normalization", "initialization", "preprocessing"]


def check_picture(path):
    """Assert that a PNG is there, of a page's size, with lines in two colours."""
    from matplotlib.image import imread

    picture = imread(path)
    assert 700 < picture.shape[0] < picture.shape[1] < 1500
    for name, color in COLORS.items():
        near = np.abs(picture[..., :3] * 255 - color).max(axis=-1) < 1
        assert near.mean() > 5e-4, name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    if path.stem in PICTURES:
        pytest.importorskip("matplotlib")
    printed = run(path, tmp_path)
    assert printed
    if path.stem in CHECKS:
        CHECKS[path.stem](printed)
    if path.stem in PICTURES:
        check_picture(tmp_path / f"{path.stem}.png")


def test_every_check_has_its_example():
    assert {*CHECKS, *PICTURES} <= {path.stem for path in EXAMPLES}


def test_without_matplotlib_one_sentence(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('not here')\n")
    places = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(FOLDER / "activations.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install matplotlib" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_the_gradient_sizes_are_those_of_autograd(monkeypatch):
    """By PyTorch, which writes the same net in three lines."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("matplotlib")
    monkeypatch.syspath_prepend(FOLDER)
    example = runpy.run_path(str(FOLDER / "activations.py"))
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 12)), rng.integers(0, 5, size=40)
    net = xpnet.FullyConnectedNet([9] * 4, 12, 5, activation="sigmoid", dtype="float64")
    weights = [torch.tensor(net.params[f"W{i}"], requires_grad=True) for i in range(1, 6)]
    x = torch.tensor(X)
    for w in weights[:-1]:
        x = torch.sigmoid(x @ w)
    torch.nn.functional.cross_entropy(x @ weights[-1], torch.tensor(y)).backward()
    expected = [float(w.grad.pow(2).mean().sqrt()) for w in weights[:-1]]
    np.testing.assert_allclose(example["gradient_sizes"](net, X, y), expected, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.skipif(not DATA_DIR, reason="XPNET_DATA_DIR names no folder with CIFAR-10")
def test_on_cifar10_into_another_file(tmp_path):
    pytest.importorskip("matplotlib")
    printed = run(FOLDER / "preprocessing.py", tmp_path, DATA_DIR, "--out", "elsewhere.png")
    rows = table(printed, ["none", "whiten"])
    assert [number(text) for text in rows["whiten"][:3]] == [192, 1, 1]
    assert rows["none"][3] == "100%"
    check_picture(tmp_path / "elsewhere.png")
