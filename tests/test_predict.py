"""`python -m xpnet.predict`: what it says of pictures and arrays, and what it refuses."""

import json
import math
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

import xpnet
from xpnet import FullyConnectedNet, Solver, train
from xpnet.data import Dataset, load
from xpnet.data.dataset import picture_form
from xpnet.errors import InputError
from xpnet.pictures import PictureForm, read_picture
from xpnet.predict import main

Image = pytest.importorskip("PIL.Image")

COLOURS = {"blue": (20, 30, 230), "green": (10, 220, 40), "red": (240, 25, 15)}


# Nets


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder for the nets, which are made once."""
    return tmp_path_factory.mktemp("nets")


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def trained(out, *options):
    """Train on the command line without drawing pictures; return the folder of the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("xpnet.run_folder.find_spec", lambda name: None)
        assert train.main([*options, "--out", str(out), "--quiet"]) == 0
    return out


@pytest.fixture(scope="module")
def digits_run(folder):
    return trained(folder / "digits", "--num-epochs=5")


@pytest.fixture(scope="module")
def digits_net(digits_run):
    return xpnet.load(digits_run)


@pytest.fixture(scope="module")
def colour_data(folder):
    """A file of pictures that are blue, green or red all over, with noise."""
    rng = np.random.default_rng(4)
    names = np.array(sorted(COLOURS))[np.arange(90) % 3]
    colours = np.array([COLOURS[name] for name in names])[:, :, None, None]
    noise = rng.integers(-60, 61, size=(90, 3, 32, 32))
    np.savez(folder / "colours.npz", X=(colours + noise).clip(0, 255).astype(np.uint8), y=names)
    return folder / "colours.npz"


@pytest.fixture(scope="module")
def colour_run(folder, colour_data):
    options = ("--num-epochs=2", "--hidden-dim=6", "--batch-size=24")
    return trained(folder / "colours", "--dataset", str(colour_data), *options)


@pytest.fixture(scope="module")
def sums_run(folder):
    """A regression of one target: no pictures."""
    X = np.random.default_rng(0).standard_normal((200, 4))
    np.savez(folder / "sums.npz", X=X, y=X @ [1.0, -2.0, 0.5, 0.0] + 3)
    return trained(folder / "sums", "--dataset", str(folder / "sums.npz"), "--num-epochs=2")


@pytest.fixture(scope="module")
def svm_run(folder):
    return trained(folder / "svm", "--loss=svm", "--num-epochs=2", "--learning-rate=0.001")


@pytest.fixture(scope="module")
def stack(folder, digits):
    """A file with a stack of three nets, whose learning rates differ."""
    net = FullyConnectedNet([10], 64, 10, members=3, seed=[0, 1, 2])
    options = {"update_rule": "adam", "optim_config": {"learning_rate": [1e-3, 3e-3, 1e-2]}}
    Solver(net, digits, num_epochs=2, verbose=False, preprocess="mean", **options).train()
    xpnet.save(net, folder / "stack.safetensors")
    return folder / "stack.safetensors"


# Inputs


@pytest.fixture
def picture(tmp_path):
    """Write an array as a picture; return the path."""

    def write(pixels, name="picture.png", mode=None):
        made = Image.fromarray(np.asarray(pixels))
        (made if mode is None else made.convert(mode)).save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def arrays(tmp_path):
    """Write arrays as an .npz file; return the path."""

    def write(name="samples.npz", **arrays):
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    return write


def mode_of(path):
    with Image.open(path) as file:
        return file.mode


def as_grey(sample):
    """Return a digit of 0 to 16 as bytes, and the numbers that these stand for."""
    pixels = np.round(sample.reshape(8, 8) * (255 / 16)).astype(np.uint8)
    return pixels, (pixels.reshape(-1) * np.float32(16 / 255)).astype(np.float32)


def as_sample(pixels):
    """Return pixels (H, W, 3) as a picture (3, H, W)."""
    return np.stack([pixels[..., channel] for channel in range(3)])


@pytest.fixture
def noise():
    return np.random.default_rng(9).integers(256, size=(32, 32, 3), dtype=np.uint8)


# What is said


@pytest.fixture
def said(capsys):
    """Return the lines that it prints."""

    def call(*arguments, err=""):
        assert main([str(word) for word in arguments]) == 0
        out, found = capsys.readouterr()
        assert found == err
        assert out.endswith("\n")
        return out[:-1].split("\n")

    return call


def no_constant(text):
    pytest.fail(f"{text} is no JSON")


@pytest.fixture
def rows(said):
    """Return what --json says of each sample."""
    return lambda *given: json.loads("\n".join(said(*given, "--json")), parse_constant=no_constant)


@pytest.fixture
def refusal(capsys):
    """Return the line that refuses, without what all of them begin with."""

    def call(*arguments):
        try:
            status = main([str(word) for word in arguments])
        except SystemExit as stop:
            status = stop.code
        out, err = capsys.readouterr()
        assert (status, out) == (2, "")
        assert err.startswith("xpnet.predict: error: ")
        assert err.endswith("\n")
        assert err.count("\n") == 1
        return err.removeprefix("xpnet.predict: error: ")[:-1]

    return call


def probabilities_by_hand(path, X):
    """Return softmax of the scores by plain NumPy, from a file as safetensors reads it."""
    w = {name: x.astype(np.float64) for name, x in load_file(path).items()}
    hidden = np.maximum((X - w["preprocess.mean"]) @ w["params.W1"] + w["params.b1"], 0)
    scores = hidden @ w["params.W2"] + w["params.b2"]
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


# Pictures as samples


def test_a_sample_has_the_red_plane_first(picture):
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    found = read_picture(picture(pixels), PictureForm((3, 2, 3), 255.0))
    assert found.dtype == np.float32
    assert found.tolist() == [*range(0, 18, 3), *range(1, 18, 3), *range(2, 18, 3)]


@pytest.mark.parametrize("white", [16.0, 1.0, 255.0])
def test_white_is_what_the_training_inputs_have_for_it(white, picture):
    found = read_picture(picture(np.array([[0, 255, 51]], np.uint8)), PictureForm((1, 1, 3), white))
    np.testing.assert_allclose(found, [0, white, white / 5], rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "largest", "white"),
    [
        *((np.uint8, 255, 255), (np.uint8, 200, 255), (np.uint8, 128, 255)),
        *((np.uint8, 127, 127), (np.uint8, 16, 16), (np.uint8, 1, 1)),
        *((np.uint16, 4095, 4095), (np.int64, 200, 200)),
        *((np.float32, 200, 200), (np.float32, 0.75, 0.75)),
    ],
)
def test_white_is_255_of_bytes_and_otherwise_the_largest_number(dtype, largest, white):
    """Of bytes only where these use more than half of their range."""
    X = np.zeros((9, 2, 2), dtype)
    X[4, 1, 0] = largest
    y = np.arange(9) % 2
    data = Dataset("d", X, y, X + dtype(1), y, None, None, ("a", "b"), (1, 2, 2), "made")
    assert picture_form(data) == PictureForm((1, 2, 2), white)


def test_white_comes_along_with_the_net(digits_run, colour_run):
    assert xpnet.load(digits_run).picture == PictureForm((1, 8, 8), 16.0)
    assert xpnet.load(colour_run).picture == PictureForm((3, 32, 32), 255.0)


def test_colours_become_grey_by_the_luma_of_itu_r_601(picture, noise):
    found = read_picture(picture(noise), PictureForm((1, 32, 32), 255.0))
    luma = noise @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(found, luma.reshape(-1), atol=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_8_bits_is_kept_in_every_channel(channels, picture):
    pixels = np.array([[0, 1], [254, 255]], np.uint8)
    found = read_picture(picture(pixels), PictureForm((channels, 2, 2), 255.0))
    assert found.tolist() == [0, 1, 254, 255] * channels


@pytest.mark.parametrize("channels", [1, 3])
def test_one_bit_is_black_or_white(channels, picture):
    path = picture(np.array([[True, False], [False, True]]))
    assert mode_of(path) == "1"
    found = read_picture(path, PictureForm((channels, 2, 2), 255.0))
    assert found.tolist() == [255, 0, 0, 255] * channels


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_of_16_bits_is_scaled_to_8(channels, picture):
    """The upper byte is kept, as it is of colours of 16 bits."""
    path = picture(np.array([[255, 3 * 257], [0x80FF, 65535]], np.uint16))
    assert mode_of(path).startswith("I")
    found = read_picture(path, PictureForm((channels, 2, 2), 255.0))
    assert found.tolist() == [0, 3, 128, 255] * channels


def test_grey_of_32_bits_does_not_wrap_around(picture):
    path = picture(np.array([[-5, 255], [70_000, 2**31 - 1]], np.int32), "deep.tif")
    assert mode_of(path) == "I"
    found = read_picture(path, PictureForm((1, 2, 2), 255.0))
    assert found.tolist() == [0, 0, 255, 255]


def test_a_palette_is_looked_up(picture, tmp_path):
    pixels = np.array([COLOURS[name] for name in ("red", "blue", "green", "red")], np.uint8)
    made = Image.fromarray(pixels.reshape(2, 2, 3)).quantize(3)
    assert made.mode == "P"
    made.save(tmp_path / "palette.png")
    found = read_picture(tmp_path / "palette.png", PictureForm((3, 2, 2), 255.0))
    assert found.reshape(3, 4).T.tolist() == pixels.tolist()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_alpha_channel_changes_nothing(mode, picture):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3) * 20
    form = PictureForm((1 if mode == "LA" else 3, 2, 2), 255.0)
    plain = picture(pixels, "plain.png", mode=mode.removesuffix("A"))
    alpha = picture(pixels, "alpha.png", mode=mode)
    assert mode_of(alpha) == mode
    np.testing.assert_array_equal(read_picture(alpha, form), read_picture(plain, form))


def test_a_picture_is_scaled_only_if_that_was_asked_for(picture):
    path, form = picture(np.full((6, 4), 77, np.uint8)), PictureForm((1, 3, 2), 255.0)
    assert read_picture(path, form, resize=True).tolist() == [77] * 6
    with pytest.raises(InputError) as caught:
        read_picture(path, form)
    assert str(caught.value) == (
        "it has 4 x 6 pixels, and the net takes 2 x 3: scale it, or give --resize"
    )


# Pictures


def test_digits_have_the_classes_of_net_predict(digits_run, digits_net, digits, picture, rows):
    X = digits.X_test[:40]
    pixels, samples = zip(*map(as_grey, X), strict=True)
    paths = [picture(x, f"{i}.png") for i, x in enumerate(pixels)]
    found = rows(digits_run, *paths)
    assert [row["class"] for row in found] == digits_net.predict(np.stack(samples)).tolist()
    assert [row["class"] for row in found] == digits_net.predict(X).tolist()
    assert [row["input"] for row in found] == [str(path) for path in paths]
    assert [row["row"] for row in found] == [0] * 40
    right = np.mean([row["class"] == y for row, y in zip(found, digits.y_test, strict=False)])
    assert right > 0.9


def test_digits_have_the_probabilities_of_plain_numpy(digits_run, digits, picture, rows):
    pixels, sample = as_grey(digits.X_test[3])
    [row] = rows(digits_run, picture(pixels))
    [expected] = probabilities_by_hand(digits_run / "best.safetensors", sample[None])
    assert list(row["probabilities"]) == [str(digit) for digit in range(10)]
    np.testing.assert_allclose(list(row["probabilities"].values()), expected, atol=1e-5)


def test_colours_are_told_apart(colour_run, picture, said):
    for name, colour in COLOURS.items():
        pixels = np.broadcast_to(np.array(colour, np.uint8), (32, 32, 3))
        path = picture(pixels, f"{name}.png")
        [line] = said(colour_run, path)
        assert line.startswith(f"{path}  {name} ")


def test_the_pixels_of_a_colour_picture_are_those_of_the_sample(
    colour_run, picture, noise, arrays, rows
):
    net = xpnet.load(colour_run)
    X = as_sample(noise)[None]
    [row] = rows(colour_run, picture(noise))
    assert list(row["probabilities"].values()) == net.predict_proba(X)[0].tolist()
    [same] = rows(colour_run, arrays(X=X))
    assert same["probabilities"] == row["probabilities"]
    [swapped] = rows(colour_run, picture(noise[..., ::-1], "bgr.png"))
    assert swapped["probabilities"] != row["probabilities"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_every_mode_of_png_is_read(mode, colour_run, picture, noise, rows):
    path = picture(noise, mode=mode)
    assert mode_of(path) == mode
    with Image.open(path) as file:
        pixels = np.asarray(file.convert("RGBA"))[..., :3]  # RGBA: another way there
    [row] = rows(colour_run, path)
    expected = xpnet.load(colour_run).predict_proba(as_sample(pixels)[None])[0]
    assert list(row["probabilities"].values()) == expected.tolist()


def test_digits_of_16_bits(digits_run, digits, picture, rows):
    pixels, _ = as_grey(digits.X_test[0])
    deep = picture(pixels.astype(np.uint16) * 257, "16.png")
    [narrow], [wide] = rows(digits_run, picture(pixels)), rows(digits_run, deep)
    assert wide["probabilities"] == narrow["probabilities"]


@pytest.mark.parametrize("name", ["picture.bmp", "picture.gif", "picture.tif", "picture.webp"])
def test_other_formats_are_read_too(name, digits_run, digits, picture, rows):
    pixels, sample = as_grey(digits.X_test[0])
    [row] = rows(digits_run, picture(pixels, name))
    [expected] = xpnet.load(digits_run).predict(sample[None])
    assert row["class"] == expected


def test_resize(digits_run, digits_net, digits, picture, rows):
    for x in digits.X_test[:10]:
        pixels, sample = as_grey(x)
        large = picture(np.kron(pixels, np.ones((8, 8), np.uint8)), "large.png")
        [row] = rows(digits_run, large, "--resize")
        assert [row["class"]] == digits_net.predict(sample[None]).tolist()


def test_resize_leaves_a_picture_of_the_right_size(digits_run, digits, picture, rows):
    path = picture(as_grey(digits.X_test[0])[0])
    assert rows(digits_run, path, "--resize") == rows(digits_run, path)


# Pictures that are refused


NO_PICTURE = "cannot read it (it is no picture, or damaged): check the path"


@pytest.mark.parametrize(("height", "width"), [(8, 9), (9, 8), (1, 1), (64, 1)])
def test_another_size_is_refused(height, width, digits_run, picture, refusal):
    path = picture(np.zeros((height, width), np.uint8))
    assert refusal(digits_run, path) == (
        f"{path}: it has {width} x {height} pixels, and the net takes 8 x 8: scale it, or give "
        "--resize"
    )


@pytest.mark.parametrize("content", [b"", b"a text\n", b"\x89PNG\r\n\x1a\n", b"PK\3\4"])
def test_a_file_that_is_no_picture_is_refused(content, digits_run, tmp_path, refusal):
    path = tmp_path / "text.png"
    path.write_bytes(content)
    assert refusal(digits_run, path) == f"{path}: {NO_PICTURE}"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_a_truncated_picture_is_refused(share, colour_run, noise, picture, refusal):
    path = picture(noise)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert refusal(colour_run, path) == f"{path}: {NO_PICTURE}"


@pytest.mark.parametrize("place", [3, 20, 30, 60, 500, 2000])
def test_a_damaged_picture_is_refused(place, colour_run, noise, picture, refusal):
    path = picture(noise)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x55
    path.write_bytes(content)
    assert refusal(colour_run, path) == f"{path}: {NO_PICTURE}"


def test_a_picture_that_would_fill_the_memory_is_refused(digits_run, picture, refusal, monkeypatch):
    """It is not decoded: the limit is Pillow's own, and its error is no OSError."""
    path = picture(np.zeros((8, 8), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert refusal(digits_run, path).startswith(
        f"{path}: cannot read it (DecompressionBombError: Image size (64 pixels) exceeds limit"
    )


def test_a_missing_picture_and_a_folder_are_refused(digits_run, tmp_path, refusal):
    path = tmp_path / "nowhere.png"
    assert refusal(digits_run, path) == (
        f"{path}: cannot read it (No such file or directory): check the path"
    )
    assert refusal(digits_run, tmp_path).startswith(f"{tmp_path}: cannot read it (")


def test_without_pillow_pictures_are_refused_and_arrays_are_not(
    digits_run, digits, picture, arrays, refusal, said, monkeypatch
):
    path = picture(as_grey(digits.X_test[0])[0])
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refusal(digits_run, path) == (
        f"{path}: pictures need Pillow, which is not installed: pip install pillow, or give an "
        ".npz file"
    )
    assert len(said(digits_run, arrays(X=digits.X_test[:2]))) == 2


def test_a_net_of_other_things_takes_no_picture(sums_run, picture, refusal):
    path = picture(np.zeros((2, 2), np.uint8))
    assert refusal(sums_run, path) == (
        f"{path}: this net was not trained on pictures: give its inputs as an .npz or .npy file"
    )


def test_nothing_is_printed_where_a_later_input_is_refused(digits_run, digits, picture, refusal):
    path = picture(as_grey(digits.X_test[0])[0])
    assert refusal(digits_run, path, "nowhere.png").startswith("nowhere.png: cannot read it (")


# Arrays


def test_an_npy_file(digits_run, digits_net, digits, tmp_path, rows):
    path, X = tmp_path / "some.npy", digits.X_test[:20]
    np.save(path, X)
    found = rows(digits_run, path)
    assert [row["class"] for row in found] == digits_net.predict(X).tolist()
    assert [row["row"] for row in found] == list(range(20))
    assert {row["input"] for row in found} == {str(path)}


@pytest.mark.parametrize("names", [("X",), ("X_test",), ("X_train", "X_test", "other"), ("X", "Z")])
def test_an_npz_file(names, digits_run, digits_net, digits, arrays, rows):
    given = dict.fromkeys(names, digits.X_train[:3])
    given[next(name for name in names if name in ("X", "X_test"))] = digits.X_test[:5]
    found = rows(digits_run, arrays(**given))
    assert [row["class"] for row in found] == digits_net.predict(digits.X_test[:5]).tolist()
    assert not any("right" in row for row in found)


def test_x_goes_before_x_test(digits_run, digits, arrays, rows):
    given = {"X": digits.X_test[:4], "X_test": digits.X_test[:7], "y_test": digits.y_test[:7]}
    found = rows(digits_run, arrays(**given))
    assert len(found) == 4
    assert "right" not in found[0]


def test_the_test_part_of_a_data_set_is_what_it_was_measured_on(digits_run, digits, arrays, said):
    lines = said(digits_run, arrays(X_test=digits.X_test, y_test=digits.y_test))
    summary = json.loads((digits_run / "summary.json").read_text())
    assert len(lines) == 181
    assert lines[-1] == f"accuracy {summary['test_accuracy']:.4f} on 180 samples"


def test_labels_are_compared(digits_run, digits_net, digits, arrays, rows, said):
    X = digits.X_test[:4]
    y = digits_net.predict(X)
    y[2] = (y[2] + 1) % 10
    path = arrays(X=X, y=y)
    assert [row["right"] for row in rows(digits_run, path)] == [True, True, False, True]
    assert said(digits_run, path)[-1] == "accuracy 0.7500 on 4 samples"


def test_the_accuracy_is_over_all_samples_that_have_labels(digits_run, digits, arrays, said):
    X = digits.X_test[:6]
    y = xpnet.load(digits_run).predict(X)
    right, wrong = arrays("r.npz", X=X[:4], y=y[:4]), arrays("w.npz", X=X[4:], y=9 - y[4:])
    none = arrays("n.npz", X=X)
    lines = said(digits_run, right, none, wrong)
    assert len(lines) == 13
    assert lines[-1] == f"accuracy {4 / 6:.4f} on 6 samples"


@pytest.mark.parametrize("kind", ["<U9", "T"])
def test_labels_may_be_the_names(kind, colour_run, colour_data, arrays, rows, said):
    with np.load(colour_data) as file:
        X, y = file["X"][:4], file["y"][:4]
    assert y.tolist() == ["blue", "green", "red", "blue"]
    y = np.array(["red", "green", "blue", "blue"])
    path = arrays(X=X, y=y if kind == "<U9" else y.astype("U20"))
    found = rows(colour_run, path)
    assert [row["label"] for row in found] == ["blue", "green", "red", "blue"]
    assert [row["class"] for row in found] == [0, 1, 2, 0]
    assert [row["right"] for row in found] == [False, True, False, True]
    assert said(colour_run, path)[-1] == "accuracy 0.5000 on 4 samples"


def test_numbers_as_names(digits_run, digits, arrays, said):
    y = digits.y_test[:30]
    numbers = said(digits_run, arrays(X=digits.X_test[:30], y=y))
    assert said(digits_run, arrays(X=digits.X_test[:30], y=y.astype(str))) == numbers


def test_labels_of_bytes_are_names_as_in_training(digits_run, digits, arrays, rows):
    """`xpnet.data.encode_labels` takes them for names."""
    y = digits.y_test[:9]
    found = rows(digits_run, arrays(X=digits.X_test[:9], y=y.astype("S1")))
    classes = [row["class"] for row in found]
    assert [row["right"] for row in found] == (np.array(classes) == y).tolist()


@pytest.mark.parametrize("labels", [[b"red", b"\xff"], ["red", "?"], [99, -3]])
def test_labels_that_are_no_class_are_said_and_count_as_wrong(
    labels, digits_run, digits, arrays, capsys
):
    path = arrays(X=digits.X_test[:2], y=np.array(labels))
    assert main([str(digits_run), str(path)]) == 0
    out, err = capsys.readouterr()
    assert out.endswith("accuracy 0.0000 on 2 samples\n")
    assert err.startswith(f"xpnet.predict: {path}: no class of this net: ")
    assert ("red" in err.rpartition(": ")[2]) == (labels[0] != 99)
    assert err.count("\n") == 1


def test_labels_of_bytes_are_utf_8(tmp_path, arrays, rows):
    net = FullyConnectedNet([3], 2, 2, seed=1)
    net.class_names = ("Größe", "b")
    xpnet.save(net, tmp_path / "two.safetensors")
    X = np.array([[1.0, -2.0]] * 2)
    [label] = {row["label"] for row in rows(tmp_path / "two.safetensors", arrays(X=X))}
    labels = ["Größe".encode(), b"b"]
    found = rows(tmp_path / "two.safetensors", arrays(X=X, y=np.array(labels)))
    assert [row["right"] for row in found] == [label == "Größe", label == "b"]


NO_COLUMN = "the labels must be one for each of {0} samples, shape ({0},); got shape {1}"
NO_NUMBERS = "the labels must be class numbers or names; got {}: give integers, or leave them out"


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.array([[1], [2], [3]]), NO_COLUMN.format(3, "(3, 1)")),
        (np.eye(10)[:3], NO_COLUMN.format(3, "(3, 10)")),
        (np.array(1), NO_COLUMN.format(3, "()")),
        (np.array([1.0, 2.0, np.nan]), NO_NUMBERS.format("float64")),
        (np.array([1.5, 2.0, 3.0]), NO_NUMBERS.format("float64")),
        (np.array([1, 2, 3], dtype="datetime64[s]"), NO_NUMBERS.format("datetime64[s]")),
        (np.array([1, 2, 3], dtype=complex), NO_NUMBERS.format("complex128")),
    ],
    ids=["column", "one-hot", "scalar", "nan", "fractions", "dates", "complex"],
)
def test_labels_that_are_none_are_refused(y, sentence, digits_run, digits, arrays, refusal):
    path = arrays(X=digits.X_test[:3], y=y)
    assert refusal(digits_run, path) == f"{path}: {sentence}"


# Arrays that are refused


@pytest.mark.parametrize("given", [{}, {"Z": np.ones((2, 64))}, {"y": np.ones(2)}])
def test_an_npz_file_without_x_is_refused(given, digits_run, arrays, refusal):
    path = arrays(**given)
    assert refusal(digits_run, path) == (
        f"{path}: it has neither X nor X_test: write it by numpy.savez(path, X=X)"
    )


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ("X", "y"),
        ("X_test", "y_test"),
    ],
)
@pytest.mark.parametrize("num_labels", [3, 5, 0])
def test_labels_of_other_rows_are_refused(X, y, num_labels, digits_run, digits, arrays, refusal):
    path = arrays(**{X: digits.X_test[:4], y: digits.y_test[:num_labels]})
    assert refusal(digits_run, path) == f"{path}: {NO_COLUMN.format(4, f'({num_labels},)')}"


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (np.ones((3, 63)), "MeanSubtraction was fitted on samples of shape (64,); got (63,)"),
        (np.ones((3, 8, 9)), "MeanSubtraction was fitted on samples of shape (64,); got (8, 9)"),
        (np.ones(64), "X has shape (64,); give (rows, features) with at least one of each"),
        (np.ones((0, 64)), "X has shape (0, 64); give (rows, features) with at least one of each"),
        (np.ones((3, 0)), "X has shape (3, 0); give (rows, features) with at least one of each"),
        (np.float64(3), "X has shape (); give (rows, features) with at least one of each"),
        (
            np.full((3, 64), np.nan),
            "X holds nan in row 0; drop such rows or replace the value before loading",
        ),
        (
            np.full((3, 64), -np.inf),
            "X holds -inf in row 0; drop such rows or replace the value before loading",
        ),
    ],
)
@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_samples_that_do_not_fit_are_refused(X, sentence, suffix, digits_run, tmp_path, refusal):
    path = tmp_path / f"samples.{suffix}"
    if suffix == "npz":
        np.savez(path, X=X)
    else:
        np.save(path, X)
    assert refusal(digits_run, path) == f"{path}: {sentence}"


def test_one_bad_row_among_many_is_refused(digits_run, digits, arrays, refusal):
    X = np.tile(digits.X_test.astype(np.float32), (3, 1))
    X[500, 3] = np.nan
    path = arrays(X=X)
    assert refusal(digits_run, path) == (
        f"{path}: X holds nan in row 500; drop such rows or replace the value before loading"
    )


@pytest.mark.parametrize("dtype", ["U4", "S4", "datetime64[s]", "complex64"])
@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_samples_that_are_no_numbers_are_refused(
    suffix, dtype, digits_run, digits, tmp_path, refusal
):
    X, path = digits.X_test[:2].astype(int).astype(dtype), tmp_path / f"samples.{suffix}"
    if suffix == "npz":
        np.savez(path, X=X)
    else:
        np.save(path, X)
    assert refusal(digits_run, path) == (
        f"{path}: X has dtype {np.dtype(dtype)}; give integers or floats, such as "
        "X.astype(numpy.float32)"
    )


def test_flags_are_taken_as_in_training(tmp_path, arrays, rows):
    X = np.random.default_rng(5).random((60, 6)) > 0.5
    path = arrays(X=X, y=np.arange(60) % 3)
    run = trained(tmp_path / "flags", "--dataset", str(path), "--num-epochs=1")
    assert [row["class"] for row in rows(run, path)] == xpnet.load(run).predict(X * 1).tolist()


OVERFLOW = (
    "the net overflows on sample {}, whose numbers are as large as {}: give inputs like those of "
    "its training"
)


@pytest.mark.parametrize(
    ("run", "num_features"), [("digits_run", 64), ("sums_run", 4), ("svm_run", 64)]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_numbers_beyond_float32_are_refused(run, num_features, as_json, request, arrays, refusal):
    """1e300 is finite on the host and infinite in the net."""
    path = arrays(X=np.full((2, num_features), 1e300))
    line = refusal(request.getfixturevalue(run), path, *["--json"] * as_json)
    assert line == f"{path}: {OVERFLOW.format(0, '1e+300')}"


def test_a_net_that_overflows_inside_says_on_which_sample(digits_run, digits, arrays, refusal):
    """Each number is one of float32's; the sums are none."""
    X = digits.X_test[:5].astype(np.float32)
    X[3] = -3e38
    path = arrays(X=X)
    assert refusal(digits_run, path) == f"{path}: {OVERFLOW.format(3, '3e+38')}"


def test_large_numbers_that_a_net_can_take_are_taken(digits_run, arrays, rows):
    """Of int64 too, whose logarithms of probabilities are far below what exp() has."""
    for row in rows(digits_run, arrays(X=np.full((2, 64), 10**18))):
        assert math.fsum(row["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize("content", [b"", b"a text", b"PK\3\4 and no more"])
def test_a_damaged_npz_file_is_refused(content, digits_run, tmp_path, refusal):
    path = tmp_path / "damaged.npz"
    path.write_bytes(content)
    assert re.match(
        rf"{re.escape(str(path))}: (this is no \.npz file; write one with numpy\.savez|"
        r"the file is damaged or truncated \(.+\); write it anew)$",
        refusal(digits_run, path),
    )


def test_a_truncated_npz_file_is_refused(digits_run, digits, arrays, refusal):
    path = arrays(X=digits.X_test)
    path.write_bytes(path.read_bytes()[:-300])
    assert refusal(digits_run, path).startswith(f"{path}: the file is damaged or truncated (")


def test_python_objects_are_refused(digits_run, tmp_path, arrays, refusal):
    X = np.array([[{}], [None]], dtype=object)
    path = arrays(X=X)
    assert refusal(digits_run, path) == (
        f"{path}: array X is damaged or holds Python objects; save it as plain numbers, or labels "
        "as strings: y.astype(str)"
    )
    np.save(tmp_path / "o.npy", X)
    assert "o.npy holds Python objects" in refusal(digits_run, tmp_path / "o.npy")


def test_arrays_that_are_not_there_are_refused(digits_run, tmp_path, refusal):
    path = tmp_path / "nowhere.npz"
    assert refusal(digits_run, path) == (
        f"{path}: cannot open it (No such file or directory); check the path"
    )
    assert refusal(digits_run, path.with_suffix(".npy")) == (
        f"{path.with_suffix('.npy')}: cannot open nowhere.npy (No such file or directory); check "
        "the path"
    )


@pytest.mark.parametrize("suffix", [".NPZ", ".Npz", ".NPY", ".PNG"])
def test_a_suffix_may_have_capitals(suffix, digits_run, digits, tmp_path, picture, arrays, said):
    X = digits.X_test[:1]
    if suffix == ".PNG":
        path = picture(as_grey(X[0])[0])
    elif suffix == ".NPY":
        path = tmp_path / "samples.npy"
        np.save(path, X)
    else:
        path = arrays(X=X)
    [line] = said(digits_run, path)
    renamed = path.rename(path.with_name(path.stem + "-" + suffix))
    assert said(digits_run, renamed) == [line.replace(str(path), str(renamed))]


@pytest.mark.parametrize(
    "name",
    [
        *("nowhere.npz", "text.npz", "text.npy", "rows.npz", "small.png"),
        *("nowhere.png", "text.png", "nowhere.npy"),
    ],
)
def test_what_is_said_of_a_file_begins_with_its_path(
    name, digits_run, picture, arrays, tmp_path, monkeypatch, refusal
):
    """As it was given: here a path without a folder."""
    arrays("rows.npz", X=np.ones((2, 3)))
    picture(np.zeros((2, 2), np.uint8), "small.png")
    for suffix in ("npz", "npy", "png"):
        (tmp_path / f"text.{suffix}").write_text("a text")
    monkeypatch.chdir(tmp_path)
    assert refusal(digits_run, name).startswith(f"{name}: ")


# Samples of another shape


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), (4, 16), (64, 1)])
def test_samples_of_another_shape_with_as_many_numbers_are_taken(
    shape, digits_run, digits_net, digits, tmp_path, arrays, rows
):
    X = digits.X_test[:7]
    expected = digits_net.predict_proba(X).tolist()
    np.save(tmp_path / "samples.npy", X.reshape(7, *shape))
    for path in (arrays(X=X.reshape(7, *shape)), tmp_path / "samples.npy"):
        found = rows(digits_run, path)
        assert [list(row["probabilities"].values()) for row in found] == expected


def test_rows_are_taken_by_a_net_of_pictures(colour_run, colour_data, arrays, rows):
    """Its preprocessing was fitted on samples (3, 32, 32)."""
    with np.load(colour_data) as file:
        X = file["X"][:3]
    expected = xpnet.load(colour_run).predict_proba(X).tolist()
    found = rows(colour_run, arrays(X=X.reshape(3, -1)))
    assert [list(row["probabilities"].values()) for row in found] == expected


def test_a_net_without_a_preprocessing_takes_any_shape_too(tmp_path, arrays, rows, refusal):
    net = FullyConnectedNet([3], 6, 2, seed=1)
    xpnet.save(net, tmp_path / "plain.safetensors")
    X = np.arange(12.0).reshape(2, 6)
    found = rows(tmp_path / "plain.safetensors", arrays(X=X.reshape(2, 2, 3)))
    expected = net.predict_proba(X).tolist()
    assert [list(row["probabilities"].values()) for row in found] == expected
    path = arrays(X=np.ones((2, 5)))
    assert refusal(tmp_path / "plain.safetensors", path) == (
        f"{path}: X must have 6 features a sample, as W1 has rows; got shape (2, 5)"
    )


# JSON and text


def test_json_has_every_probability(digits_run, digits_net, digits, arrays, rows):
    X = digits.X_test[:30]
    found = rows(digits_run, arrays(X=X))
    expected = digits_net.predict_proba(X)
    for row, probabilities in zip(found, expected, strict=True):
        assert list(row) == ["input", "row", "class", "label", "probabilities"]
        assert list(row["probabilities"]) == list(digits.class_names)
        assert list(row["probabilities"].values()) == probabilities.tolist()
        assert math.fsum(row["probabilities"].values()) == pytest.approx(1, abs=1e-12)
        assert row["label"] == max(row["probabilities"], key=row["probabilities"].get)
        assert row["label"] == digits.class_names[row["class"]]


def test_text_shows_the_three_likeliest(digits_run, digits, arrays, rows, said):
    path = arrays(X=digits.X_test[:30])
    for i, (line, row) in enumerate(
        zip(said(digits_run, path), rows(digits_run, path), strict=True)
    ):
        head, *shown = re.split(r"  +", line)
        assert head == f"{path}[{i}]"
        shares = sorted(row["probabilities"].values(), reverse=True)
        assert [text.split()[1] for text in shown] == [f"{share:.4f}" for share in shares[:3]]
        assert shown[0].split()[0] == row["label"]
        assert len({text.split()[0] for text in shown}) == 3


def test_text_names_the_row_only_where_a_file_has_several(digits_run, digits, arrays, said):
    one, two = arrays("b.npz", X=digits.X_test[:1]), arrays("longer.npz", X=digits.X_test[1:3])
    lines = said(digits_run, one, two)
    heads = [str(one), f"{two}[0]", f"{two}[1]"]
    width = len(heads[1])
    assert [line[: width + 2] for line in lines] == [f"{head.ljust(width)}  " for head in heads]


def test_fewer_classes_than_three(tmp_path, arrays, said):
    net = FullyConnectedNet([3], 2, 2, seed=1)
    xpnet.save(net, tmp_path / "two.safetensors")
    X = np.array([[1.0, -2.0]])
    [line] = said(tmp_path / "two.safetensors", arrays(X=X))
    p = net.predict_proba(X)[0]
    first = int(p.argmax())
    assert line.endswith(f"  {first} {p[first]:.4f}  {1 - first} {p[1 - first]:.4f}")


# Other nets


def test_a_regression_says_its_values(sums_run, folder, arrays, rows, said):
    net = xpnet.load(sums_run)
    with np.load(folder / "sums.npz") as file:
        path = arrays(X=file["X"])
        expected = net.predict(file["X"])
    found = rows(sums_run, path)
    assert [row["prediction"] for row in found] == expected.tolist()
    assert set(found[0]) == {"input", "row", "prediction"}
    lines = said(sums_run, path)
    assert [float(line.split()[-1]) for line in lines] == expected.tolist()


@pytest.mark.parametrize("names", [("X", "y"), ("X_test", "y_test")])
def test_a_regression_is_scored_by_r_squared(names, sums_run, arrays, rows, said):
    X = np.arange(12.0).reshape(3, 4) / 10
    y = X.sum(axis=1) + np.array([0.1, -0.2, 0.3])
    path = arrays(**dict(zip(names, (X, y), strict=True)))
    found = rows(sums_run, path)
    assert [row["target"] for row in found] == y.tolist()
    residuals = np.array([row["prediction"] for row in found]) - y
    expected = 1 - (residuals**2).sum() / ((y - y.mean()) ** 2).sum()
    *_, last = said(sums_run, path)
    assert last == f"R squared {expected:.4f} on 3 samples"


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        (np.ones(3), "y must hold numbers of shape (2, 1), as the net predicts; got float64 (3,)"),
        (np.ones((2, 2)), "y must hold numbers of shape (2, 1), as the net predicts; got float64"),
        (np.array(["a", "b"]), "y must hold numbers of shape (2, 1), as the net predicts; got <U1"),
        (np.array([1.0, np.nan]), "y holds NaN or infinity: drop such rows"),
    ],
)
def test_targets_that_do_not_fit_are_refused(y, sentence, sums_run, arrays, refusal):
    path = arrays(X=np.ones((2, 4)), y=y)
    assert refusal(sums_run, path).startswith(f"{path}: {sentence}")


def test_a_regression_of_several_targets(tmp_path, arrays, rows):
    net = FullyConnectedNet([3], 2, 2, loss="squared", seed=1)
    xpnet.save(net, tmp_path / "pairs.safetensors")
    X = np.array([[1.0, -2.0], [0.5, 3.0]])
    found = rows(tmp_path / "pairs.safetensors", arrays(X=X))
    assert [row["prediction"] for row in found] == net.predict(X).tolist()
    assert np.shape(found[0]["prediction"]) == (2,)


def test_a_regression_refuses_what_does_not_fit(sums_run, arrays, refusal):
    path = arrays(X=np.ones((2, 5)))
    assert refusal(sums_run, path) == (
        f"{path}: MeanSubtraction was fitted on samples of shape (4,); got (5,)"
    )


def test_an_svm_has_no_probabilities(svm_run, digits, arrays, picture, rows, said):
    path = arrays(X=digits.X_test[:9], y=digits.y_test[:9])
    expected = xpnet.load(svm_run).predict(digits.X_test[:9])
    found = rows(svm_run, path)
    assert [row["class"] for row in found] == expected.tolist()
    assert set(found[0]) == {"input", "row", "class", "label", "right"}
    *lines, last = said(svm_run, path)
    assert [line.split() for line in lines] == [
        [f"{path}[{i}]", str(label)] for i, label in enumerate(expected)
    ]
    assert last == f"accuracy {(expected == digits.y_test[:9]).mean():.4f} on 9 samples"
    [line] = said(svm_run, picture(as_grey(digits.X_test[0])[0]))
    assert line.endswith(f".png  {expected[0]}")


@pytest.mark.parametrize("member", [0, 1, 2])
def test_a_member_of_a_stack(member, stack, digits, arrays, rows):
    X = digits.X_test[:20]
    expected = xpnet.load(stack).predict_proba(X)[member]
    assert not np.allclose(expected, xpnet.load(stack).predict_proba(X)[member - 1], atol=1e-3)
    found = rows(stack, arrays(X=X), "--member", member)
    np.testing.assert_allclose(
        [list(row["probabilities"].values()) for row in found], expected, atol=1e-5
    )


def test_a_member_of_a_stack_takes_pictures(stack, digits, picture, rows):
    pixels, sample = as_grey(digits.X_test[1])
    [row] = rows(stack, picture(pixels), "--member=2")
    assert row["class"] == xpnet.load(stack).member(2).predict(sample[None])[0]


@pytest.mark.parametrize("options", [[], ["--member=3"], ["--member", "-1"]])
def test_a_stack_needs_one_of_its_members(options, stack, digits, arrays, refusal):
    assert refusal(stack, arrays(X=digits.X_test[:2]), *options) == (
        f"{stack} is a stack of 3 nets: choose one by --member 0 to 2"
    )


def test_a_single_net_has_no_members(digits_run, digits, arrays, refusal):
    assert refusal(digits_run, arrays(X=digits.X_test[:2]), "--member=0") == (
        f"{digits_run} is a single net: leave --member out"
    )


# Where the net is


def test_every_file_of_a_run_says_the_same(digits_run, digits, arrays, rows):
    path = arrays(X=digits.X_test[:20])
    [checkpoint] = digits_run.glob("checkpoint-*.safetensors")
    found = [
        rows(model, path) for model in (digits_run, checkpoint, digits_run / "best.safetensors")
    ]
    assert found[0] == found[1] == found[2]


def test_a_model_that_is_not_there_is_refused(tmp_path, refusal):
    path = tmp_path / "nowhere"
    assert (
        refusal(path, "x.npy") == f"{path}: cannot open it (there is no such file); check the path"
    )


def test_a_folder_without_a_checkpoint_is_refused(tmp_path, refusal):
    assert refusal(tmp_path, "x.npy") == f"there is no checkpoint at {tmp_path}"


def test_a_model_without_a_name_is_refused(refusal):
    assert refusal("", "x.npy") == ("a net needs the path of a file or a folder; got an empty one")


@pytest.fixture
def best_alone(digits_run, tmp_path):
    """A folder whose only file is the best net of a run, as a user keeps who needs room."""
    (tmp_path / "best").mkdir()
    shutil.copy(digits_run / "best.safetensors", tmp_path / "best")
    return tmp_path / "best"


def test_a_folder_with_the_best_net_alone(best_alone, digits_run, digits, arrays, rows):
    path = arrays(X=digits.X_test[:5])
    assert rows(best_alone, path) == rows(digits_run, path)
    expected = xpnet.load(digits_run / "best.safetensors").predict_proba(digits.X_test)
    assert xpnet.load(best_alone).predict_proba(digits.X_test).tolist() == expected.tolist()


def test_a_folder_with_a_damaged_best_net_alone_is_refused(best_alone, refusal):
    path = best_alone / "best.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x99")
    assert refusal(best_alone, "x.npy").startswith(f"{path}: the file is damaged or truncated (")


def test_checkpoints_go_before_the_best_net(damaged_run, refusal):
    """A run is not what best.safetensors has where its checkpoints are all damaged."""
    copied, good, newer = damaged_run
    good.unlink()
    assert (copied / "best.safetensors").is_file()
    assert refusal(copied, "x.npy").startswith(f"no checkpoint at {copied} is good: {newer}: ")


def test_a_model_of_another_kind_is_refused(digits, picture, arrays, refusal):
    path = picture(as_grey(digits.X_test[0])[0])
    assert refusal(path, path) == (
        f"{path}: the file is damaged or truncated (it ends inside its header, or is no file of "
        "xpnet's at all)"
    )
    path = arrays(X=digits.X_test)
    assert refusal(path, path) == (
        f"{path}: this is an .npz or zip file, and no .safetensors file of xpnet's"
    )


@pytest.fixture
def damaged_run(digits_run, tmp_path):
    """A copy of the run, with a newer checkpoint whose last bit is another."""
    copied = shutil.copytree(digits_run, tmp_path / "copy")
    [good] = copied.glob("checkpoint-*.safetensors")
    content = bytearray(good.read_bytes())
    content[-1] ^= 1
    newer = copied / "checkpoint-00009999.safetensors"
    newer.write_bytes(content)
    return copied, good, newer


DAMAGED = "the file is damaged or truncated (its digest does not fit what it holds)"


def test_a_damaged_newest_checkpoint_is_said_and_the_one_before_is_used(
    damaged_run, digits_run, digits, arrays, said, capsys
):
    copied, good, newer = damaged_run
    path = arrays(X=digits.X_test[:5])
    err = f"xpnet.predict: {newer}: {DAMAGED}. Using {good} instead\n"
    assert said(copied, path, err=err) == said(digits_run, path)


def test_a_damaged_checkpoint_by_its_own_name_is_refused(damaged_run, refusal):
    _, good, newer = damaged_run
    assert refusal(newer, "x.npy") == f"{newer}: {DAMAGED}. There is a good one: {good}"


def test_a_run_without_a_good_checkpoint_is_refused(damaged_run, refusal):
    copied, good, newer = damaged_run
    good.unlink()
    assert refusal(copied, "x.npy") == (
        f"no checkpoint at {copied} is good: {newer}: {DAMAGED}. A training must begin anew"
    )


@pytest.mark.parametrize("name", ["", "best.safetensors"])
def test_an_unknown_device_is_refused_and_no_files_fault(name, digits_run, refusal):
    line = refusal(digits_run / name, "x.npy", "--device=quantum")
    assert line.startswith("unknown device 'quantum'; choose one of cpu, gpu")


def test_another_device_says_the_same(digits_run, digits, arrays, rows):
    path = arrays(X=digits.X_test[:5])
    assert rows(digits_run, path, "--device=numpy") == rows(digits_run, path)


# The command line


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: MODEL, INPUT"),
        (["run"], "the following arguments are required: INPUT"),
        (["run", "x", "--jsn"], "unrecognized arguments: --jsn (did you mean --json?)"),
        (["run", "x", "--member=one"], "argument --member: invalid int value: 'one'"),
        (["run", "x", "--dev=cpu"], "unrecognized arguments: --dev=cpu (did you mean --device?)"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, sentence, refusal):
    assert refusal(*arguments) == f"{sentence}; --help has all options"


def test_help_says_what_it_takes(capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["--help"])
    out = " ".join(capsys.readouterr().out.split())
    for part in ("usage: python -m xpnet.predict", "MODEL", "INPUT", "--json", "--resize"):
        assert part in out
    assert "exit status: 0, or 2 where something was refused" in out


def test_python_m_runs_it(digits_run, digits, picture):
    path = picture(as_grey(digits.X_test[0])[0])
    command = [sys.executable, "-W", "error", "-m", "xpnet.predict", str(digits_run)]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{re.escape(str(path))}(  \d 0\.\d{{4}}){{3}}\n", done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows pipes break in another way")
def test_a_reader_that_goes_away_gets_no_traceback(digits_run, arrays, digits):
    command = [sys.executable, "-W", "error", "-m", "xpnet.predict", str(digits_run), "--json"]
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as gone:
        path = str(arrays(X=digits.X_test))
        done = subprocess.run([*command, path], stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has such a file")
def test_a_full_disk_gets_no_traceback(digits_run, arrays, digits):
    command = [sys.executable, "-W", "error", "-m", "xpnet.predict", str(digits_run)]
    with open("/dev/full", "wb") as full:
        path = str(arrays(X=digits.X_test))
        done = subprocess.run([*command, path], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"xpnet.predict: error: ")
    assert done.stderr.count(b"\n") == 1
