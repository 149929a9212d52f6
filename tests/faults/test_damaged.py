"""Damaged and hostile checkpoints: each is refused by a sentence, and the good one before is found.

Files are damaged at every length class and bit by bit, and made anew with a right digest around
what no training writes, as somebody with bad intentions would.
"""

import hashlib
import json
import random
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy

import xpnet
from xpnet import CheckpointWarning, FullyConnectedNet, InputError, Solver
from xpnet.tensor_files import read_tensors, tensor_bytes

EPOCHS = 3


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    y = rng.integers(3, size=60)
    X = (rng.standard_normal((60, 4)) + np.eye(3, 4)[y]).astype(np.float32)
    return {"X_train": X[:40], "y_train": y[:40], "X_val": X[40:], "y_val": y[40:]}


def make(data, **options):
    net = FullyConnectedNet([5], 4, 3, normalization="batchnorm", dropout_keep_ratio=0.8)
    settings = {"update_rule": "adam", "batch_size": 10, "num_epochs": EPOCHS, "verbose": False}
    return Solver(net, data, preprocess="mean", **{**settings, **options})


@pytest.fixture
def folder(data, tmp_path):
    """Two checkpoints, of epochs 2 and 3."""
    make(data, checkpoint_name=tmp_path / "run", checkpoint_every=1).train()
    return tmp_path


@pytest.fixture
def newest(folder):
    return max(folder.glob("*.safetensors"))


def refused(read, path):
    """Return the sentence that refuses a file; anything but an InputError is a crash."""
    with pytest.raises(InputError) as caught:
        read(path)
    text = str(caught.value)
    assert str(path) in text
    return text


def everywhere(data, folder, path):
    """Hold that a file is refused by all that read it, and that the good one is found."""
    good = min(folder.glob("*.safetensors"))
    texts = [refused(xpnet.load, path), refused(make(data).resume, path)]
    for text in texts:
        assert text.endswith(f"There is a good one: {good}")
    with pytest.warns(CheckpointWarning, match=f"Using {good} instead"):
        xpnet.load(folder)
    solver = make(data)
    with pytest.warns(CheckpointWarning, match=f"Using {good} instead"):
        solver.resume(folder)
    assert solver.epoch == EPOCHS - 1
    return texts[1]


def lengths_of(content):
    """Return a length of each class: where what is cut off begins, in each part of a file."""
    header = 8 + int.from_bytes(content[:8], "little")
    return [0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, len(content) // 2 + 200]


@pytest.mark.parametrize("which", range(12))
def test_truncated(data, folder, newest, which):
    content = newest.read_bytes()
    lengths = [*lengths_of(content), len(content) - 8, len(content) - 1]
    newest.write_bytes(content[: lengths[which]])
    assert "damaged or truncated" in everywhere(data, folder, newest)


def test_longer(data, folder, newest):
    newest.write_bytes(newest.read_bytes() + b"\0")
    everywhere(data, folder, newest)


def test_every_bit_of_the_header_and_some_of_the_data(data, folder, newest):
    """A flip is refused, or changes nothing: space in JSON, the case of a hexadecimal letter."""
    content = newest.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    known = read_tensors(newest)
    rng = random.Random(0)
    flips = [8 * i + rng.randrange(8) for i in range(header)]
    flips += [rng.randrange(8 * header, 8 * len(content)) for _ in range(300)]
    unchanged = 0
    for bit in flips:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        newest.write_bytes(damaged)
        try:
            arrays, found = read_tensors(newest)
        except InputError:
            continue
        unchanged += 1
        assert found == known[1]
        assert arrays.keys() == known[0].keys()
        assert all(np.array_equal(x, known[0][name]) for name, x in arrays.items())
    assert unchanged < 5
    newest.write_bytes(damaged)
    everywhere(data, folder, newest)


def test_none_is_good(data, folder):
    for path in folder.glob("*.safetensors"):
        path.write_bytes(b"")
    for read in (xpnet.load, make(data).resume):
        with pytest.raises(InputError, match=r"no checkpoint at .* is good: .*; "):
            read(folder)
    path = min(folder.glob("*.safetensors"))
    assert "good one" not in refused(xpnet.load, path)


# With a right digest


def named(**values):
    """Return a change of some arrays, by their names with _ for dots before them."""

    def change(arrays, _header):
        for name, value in values.items():
            arrays[name.replace("__", ".")] = np.asarray(value)

    return change


def edited(*keys, value):
    """Return a change of an item of the header."""

    def change(_arrays, header):
        *way, last = keys
        for key in way:
            header = header[key]
        header[last] = value

    return change


def without(name):
    return lambda arrays, header: (arrays if name in arrays else header).pop(name)


def nan_in(name):
    def change(arrays, _header):
        arrays[name] = arrays[name].copy()
        arrays[name].reshape(-1)[0] = np.nan

    return change


STEPS = 4 * EPOCHS
HOSTILE = {
    "another format": (edited("format", value=99), "it has the format 99, and this xpnet reads 1"),
    "no format": (without("format"), "its header is none of xpnet's"),
    "a net and no training": (edited("kind", value="net"), "holds a net and no training|params"),
    "seconds below 0": (edited("seconds", value=-1), "seconds are -1, and no duration"),
    "no counters": (without("counters"), "its header is no checkpoint's"),
    "counters that are texts": (edited("counters", value="4"), "counters are damaged"),
    "a negative step": (edited("counters", "step", value=-4), "counters are damaged"),
    "a step that is true": (edited("counters", "step", value=True), "counters are damaged"),
    "a step in another epoch": (edited("counters", "step", value=5), "do not fit each other"),
    "beyond the last epoch": (edited("counters", "last_epoch", value=1), "do not fit each other"),
    "another run": (edited("run", "batch_size", value=20), "batch_size was 20 and is 10"),
    "no run": (edited("run", value=None), "model was None"),
    "a run of lists": (edited("run", value=[1, 2]), "model was None"),
    "NaN in a parameter": (nan_in("params.W1"), "params.W1 holds NaN or infinity"),
    "NaN in the rule's": (nan_in("slots.W2.m"), "slots.W2.m holds NaN or infinity"),
    "NaN in the state": (nan_in("state.running_var1"), "holds NaN or infinity"),
    "NaN in the best": (nan_in("best.params.b2"), "best.params.b2 holds NaN or infinity"),
    "infinity in the mean": (named(preprocess__mean=np.full(4, np.inf)), "mean"),
    "another mean": (named(preprocess__mean=np.zeros(4)), "mean of the preprocessing mean is an"),
    "a parameter missing": (without("params.b1"), r"params.b1 must be float32 \(5,\)"),
    "a moment missing": (without("slots.W1.v"), r"slots.W1.v must be float32 \(4, 5\)"),
    "another shape": (named(params__b1=np.zeros(6, np.float32)), r"the file has float32 \(6,\)"),
    "another dtype": (named(params__b1=np.zeros(5, np.int32)), r"the file has int32 \(5,\)"),
    "a loss too few": (
        named(history__loss=np.zeros(STEPS - 1)),
        f"loss does not fit {STEPS} steps",
    ),
    "losses in float32": (named(history__loss=np.zeros(STEPS, np.float32)), "history of loss"),
    "a check too many": (named(history__val_acc=np.zeros(9)), "history of val_acc does not fit"),
    "no checks": (without("history.check_steps"), "does not fit"),
    "a best score of members": (named(history__best_score=np.zeros(3)), "history of best_score"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_right_digest_around_wrong_things(data, folder, newest, case):
    change, message = HOSTILE[case]
    arrays, header = read_tensors(newest)
    change(arrays, header)
    newest.write_bytes(tensor_bytes(arrays, header))
    solver = make(data)
    before = {name: w.copy() for name, w in solver.model.params.items()}
    with pytest.raises(InputError, match=message) as caught:
        solver.resume(newest)
    assert str(newest) in str(caught.value)
    assert (solver.step, solver.loss_history) == (0, [])
    for name, w in before.items():
        np.testing.assert_array_equal(solver.model.params[name], w)
    good = min(folder.glob("*.safetensors"))
    if "run" in case:  # the file is good: another would say the same
        assert str(good) not in str(caught.value)
        return
    assert str(caught.value).endswith(f"There is a good one: {good}")
    with pytest.warns(CheckpointWarning, match=f"Using {good} instead"):
        solver.resume(folder)
    assert solver.epoch == EPOCHS - 1


def with_header(content, header):
    """Return a file with the bytes of another header."""
    start = 8 + int.from_bytes(content[:8], "little")
    return len(header).to_bytes(8, "little") + header + content[start:]


def with_metadata(**metadata):
    return json.dumps({"__metadata__": metadata}).encode()


def digest_of(text):
    encoded = text.encode()
    return hashlib.sha256(len(encoded).to_bytes(8, "little") + encoded).hexdigest()


def alone(text):
    """Return the header of a file without arrays, with a right digest."""
    return with_metadata(xpnet=text, sha256=digest_of(text))


HEADERS = {
    "deep JSON": b"[" * 100_000,
    "deep JSON, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep JSON inside": alone("[" * 100_000),
    "no JSON": b"{",
    "no text": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"7",
    "a long number": b"1" * 10_000,
    "metadata that are a list": b'{"__metadata__": []}',
    "metadata of numbers": b'{"__metadata__": {"xpnet": 3, "sha256": 4}}',
    "no metadata": b"{}",
    "a number inside": alone("3"),
    "a surrogate": b'{"__metadata__": {"xpnet": "\\ud800", "sha256": ""}}',
    "a shape beyond all memory": json.dumps(
        {
            "__metadata__": {"xpnet": "{}", "sha256": "0"},
            "x": {"dtype": "F64", "shape": [2**40, 2**20], "data_offsets": [0, 2**63]},
        }
    ).encode(),
    "offsets backwards": json.dumps(
        {
            "__metadata__": {"xpnet": "{}", "sha256": "0"},
            "x": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]},
        }
    ).encode(),
    "a negative shape": json.dumps(
        {
            "__metadata__": {"xpnet": "{}", "sha256": "0"},
            "x": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]},
        }
    ).encode(),
    "a dtype of nobody": json.dumps(
        {
            "__metadata__": {"xpnet": "{}", "sha256": "0"},
            "x": {"dtype": "F128", "shape": [2], "data_offsets": [0, 8]},
        }
    ).encode(),
}


@pytest.mark.parametrize("case", HEADERS)
@pytest.mark.parametrize("with_data", [False, True])
def test_hostile_headers(data, folder, newest, case, with_data):
    content = with_header(newest.read_bytes(), HEADERS[case])
    newest.write_bytes(content if with_data else content[: 8 + len(HEADERS[case])])
    everywhere(data, folder, newest)


@pytest.mark.parametrize("length", [2**24 + 1, 2**31, 2**62, 2**64 - 1])
def test_a_header_as_long_as_it_says(data, folder, newest, length):
    newest.write_bytes(length.to_bytes(8, "little") + newest.read_bytes()[8:])
    everywhere(data, folder, newest)


def test_no_more_memory_than_the_file_justifies(data, folder, newest):
    """Of sizes that a header makes up, and of long lists in it."""
    sizes = HEADERS["a shape beyond all memory"]
    lists = json.dumps({"__metadata__": {"xpnet": "x"}, "y": [[]] * 200_000}).encode()
    for header in (sizes, lists):
        newest.write_bytes(with_header(newest.read_bytes(), header))
        size = newest.stat().st_size
        tracemalloc.start()
        try:
            refused(make(data).resume, newest)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 40 * size + 2_000_000


def test_a_pickle_is_not_run(tmp_path, data):
    """A file of another kind under the name of ours."""
    path = tmp_path / "run-00000004.safetensors"
    path.write_bytes(b"cbuiltins\nexit\n(S'run'\ntR.")
    refused(make(data).resume, path)
    np.savez(tmp_path / "net.npz", W1=np.zeros(3))
    assert "npz or zip file, and no .safetensors" in refused(xpnet.load, tmp_path / "net.npz")


def test_a_file_of_somebody_else(tmp_path):
    path = tmp_path / "theirs.safetensors"
    path.write_bytes(safetensors.numpy.save({"x": np.zeros(3)}, metadata={"format": "pt"}))
    assert "the file holds nothing of xpnet's" in refused(xpnet.load, path)


def test_what_is_no_file(tmp_path):
    (tmp_path / "run-00000004.safetensors").mkdir()
    with pytest.raises(InputError, match="there is no checkpoint"):
        xpnet.load(tmp_path / "run-00000004.safetensors")
    with pytest.raises(InputError, match="it is no file"):
        read_tensors(tmp_path)
