"""A net comes back from its file bit for bit, and a file that holds none is refused."""

import copy
import hashlib
import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save

import xpnet
from xpnet import FullyConnectedNet, InputError, Solver
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes

KINDS = {
    "plain": {},
    "maxout": {"activation": "maxout"},
    "batchnorm, dropout": {"normalization": "batchnorm", "dropout_keep_ratio": 0.7},
    "layernorm": {"normalization": "layernorm"},
    "float64": {"dtype": "float64", "activation": "elu"},
    "stack": {
        "members": 3,
        "reg": [0.0, 0.1, 1.0],
        "seed": [1, 2, 3],
        "normalization": "batchnorm",
    },
    "svm": {"loss": "svm"},
}


@pytest.fixture(scope="module")
def digits():
    return xpnet.data.load("digits")


def trained(digits, preprocess="mean", device="cpu", **options):
    inputs = {"standard+pca:20": 20}.get(preprocess, 64)
    net = FullyConnectedNet([12, 9], inputs, 10, device=device, **options)
    Solver(net, digits, num_epochs=2, verbose=False, preprocess=preprocess).train()
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_a_net_comes_back_bit_for_bit(digits, tmp_path, kind):
    net = trained(digits, **KINDS[kind])
    xpnet.save(net, tmp_path / "net.safetensors")
    found = xpnet.load(tmp_path / "net.safetensors")
    for part in ("params", "state"):
        assert list(getattr(found, part)) == list(getattr(net, part))
        for name, w in getattr(net, part).items():
            assert getattr(found, part)[name].dtype == w.dtype
            np.testing.assert_array_equal(getattr(found, part)[name], w)
    np.testing.assert_array_equal(found.predict(digits.X_test), net.predict(digits.X_test))
    assert found.class_names == digits.class_names
    assert (found.members, found.loss_name) == (net.members, net.loss_name)
    np.testing.assert_array_equal(found.reg, net.reg)
    draws, known = found.draws(3, 5), net.draws(3, 5)
    assert all(np.array_equal(draws[name], known[name]) for name in known)


@pytest.mark.parametrize("preprocess", [None, "mean", "standard+pca:20", "whiten"])
def test_the_preprocessing_comes_along(digits, tmp_path, preprocess):
    if preprocess == "whiten":  # finds by itself in how many directions the digits vary
        net = FullyConnectedNet([8], 61, 10)
        Solver(net, digits, num_epochs=1, verbose=False, preprocess=preprocess).train()
    else:
        net = trained(digits, preprocess)
    xpnet.save(net, tmp_path / "net.safetensors")
    found = xpnet.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(
        found.predict_proba(digits.X_test), net.predict_proba(digits.X_test)
    )


def test_from_one_backend_to_another(backend, digits, tmp_path):
    xpnet.save(trained(digits, device=backend.text), tmp_path / "net.safetensors")
    on_host, there = (
        xpnet.load(tmp_path / "net.safetensors", device=d) for d in ("cpu", backend.text)
    )
    assert there.backend.name == backend.name
    for name, w in there.params.items():
        np.testing.assert_array_equal(backend.to_numpy(w), on_host.params[name])
    raw = digits.X_test[:20]
    np.testing.assert_array_equal(there.predict(raw), on_host.predict(raw))


def test_a_run_folder_holds_such_a_file(digits, tmp_path):
    from xpnet.train import main

    assert main(["--quiet", "--num-epochs", "3", "--out", str(tmp_path)]) == 0
    net = xpnet.load(tmp_path / "best.safetensors")
    summary = json.loads((tmp_path / "summary.json").read_text())
    accuracy = np.mean(net.predict(digits.X_test) == digits.y_test)
    assert accuracy == summary["test_accuracy"]


@pytest.mark.parametrize("preprocess", ["channel-mean", "mean", "channel-mean+pca:5"])
def test_pictures_keep_their_shape(tmp_path, rng, preprocess):
    X = rng.integers(0, 256, (60, 3, 4, 5)).astype(np.uint8)
    y = rng.integers(2, size=60)
    data = xpnet.data.Dataset("p", X, y, X, y, None, None, ("a", "b"), (3, 4, 5), "made up")
    net = FullyConnectedNet([4], 5 if "pca" in preprocess else 60, 2)
    Solver(net, data, num_epochs=1, batch_size=20, verbose=False, preprocess=preprocess).train()
    xpnet.save(net, tmp_path / "net.safetensors")
    found = xpnet.load(tmp_path / "net.safetensors")
    np.testing.assert_array_equal(found.predict_proba(X), net.predict_proba(X))
    for other in (net, found):
        with pytest.raises(InputError, match=r"fitted on samples of shape \(3, 4, 5\)"):
            other.predict(X.transpose(0, 2, 3, 1))


@pytest.mark.parametrize("shape", [(40,), (40, 1), (40, 2)])
def test_a_regression_predicts_in_the_shape_of_its_targets(tmp_path, rng, shape):
    X, y = rng.standard_normal((40, 3)), rng.standard_normal(shape)
    net = FullyConnectedNet([4], 3, y[0].size, loss="squared")
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    solver = Solver(net, data, num_epochs=1, batch_size=10, verbose=False)
    solver.train()
    xpnet.save(net, tmp_path / "net.safetensors")
    for predicted in (
        solver.predict(X),
        net.predict(X),
        xpnet.load(tmp_path / "net.safetensors").predict(X),
    ):
        assert predicted.shape == shape


def test_bfloat16_comes_back_bit_for_bit(digits, tmp_path):
    torch = pytest.importorskip("torch")
    net = trained(digits, device="torch:cpu", dtype="bfloat16", normalization="batchnorm")
    xpnet.save(net, tmp_path / "net.safetensors")
    found = xpnet.load(tmp_path / "net.safetensors", device="torch:cpu")
    for part in ("params", "state"):
        for name, w in getattr(net, part).items():
            again = getattr(found, part)[name]
            assert again.dtype == w.dtype == (torch.bfloat16 if part == "params" else torch.float32)
            assert torch.equal(again.view(torch.uint8), w.view(torch.uint8))
    np.testing.assert_array_equal(found.predict(digits.X_test), net.predict(digits.X_test))


# The file


def by_hand(text, arrays, metadata=None):
    """Return a file of a text and arrays, written by safetensors' own library and hashlib alone."""
    parts = [part.encode() for part in (text, *sorted(arrays))]
    content = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
    for _, x in sorted(arrays.items()):
        content += f"{x.dtype.str}{x.shape}".encode() + x.tobytes()
    given = {"xpnet": text, "sha256": hashlib.sha256(content).hexdigest(), **(metadata or {})}
    return save(arrays, metadata={key: value for key, value in given.items() if value is not None})


def test_the_file_is_as_the_format_says(tmp_path):
    """Any program that reads safetensors finds the arrays, and the digest can be taken by hand."""
    net = FullyConnectedNet([3], 4, 2, normalization="batchnorm", seed=5)
    net.class_names = ("é", "b")
    path = tmp_path / "net.safetensors"
    xpnet.save(net, path)
    arrays = load_file(path)
    known = {f"params.{name}": w for name, w in net.params.items()}
    known |= {f"state.{name}": w for name, w in net.state.items()}
    assert set(arrays) == set(known)
    for name, x in arrays.items():
        assert x.dtype == known[name].dtype
        np.testing.assert_array_equal(x, known[name])
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    header = json.loads(metadata["xpnet"])
    assert (header["format"], header["kind"]) == (FORMAT, "net") == (1, "net")
    assert header["net"]["class_names"] == ["é", "b"]
    assert header["net"]["config"]["hidden_dims"] == [3]
    path.write_bytes(by_hand(metadata["xpnet"], arrays))
    assert read_tensors(path)[1] == header
    np.testing.assert_array_equal(xpnet.load(path).params["W1"], net.params["W1"])


HEADER = {"format": FORMAT, "kind": "net", "net": None}
X = np.arange(24.0).reshape(4, 6) / 7

LAYOUTS = {
    "transposed": X.T,
    "a step": X[::2, 1::3],
    "backwards": X[::-1, ::-1],
    "Fortran order": np.asfortranarray(X),
    "axes moved": np.moveaxis(X.reshape(2, 3, 4), 0, 2),
    "broadcast": np.broadcast_to(X[0], (5, 6)),
    "big-endian": X.astype(">f8"),
    "big-endian, transposed": X.astype(">f4").T,
    "big-endian integers": (1000 * X).astype(">i4")[::2],
    "little-endian": X.astype("<f4"),
    "16 bits, transposed": X.astype(np.float16).T,
    "uint16": np.arange(65536, dtype=np.uint16)[::-7],
    "booleans": (X > 1).T,
    "without axes": np.asarray(X[2, 3]),
    "a scalar": X[2, 3],
    "empty": X[:0],
    "empty, transposed": X[:, :0].T,
    "not to be written": np.lib.stride_tricks.sliding_window_view(X[0], 3),
    "every pattern of bits": np.asarray([np.nan, -np.nan, -0.0, np.inf, -np.inf, 5e-324]),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_array_comes_back_bit_for_bit(tmp_path, layout):
    x = LAYOUTS[layout]
    before = x.tobytes()
    path = tmp_path / "x.safetensors"
    path.write_bytes(tensor_bytes({"x": x, "other": X}, {**HEADER, "é": ["\N{SNOWMAN}", 0.1]}))
    assert x.tobytes() == before
    for found in (read_tensors(path)[0]["x"], load_file(path)["x"]):
        assert (found.dtype, found.shape) == (x.dtype.newbyteorder("="), x.shape)
        assert found.tobytes() == x.astype(found.dtype).tobytes()
    arrays, header = read_tensors(path)
    assert header == {**HEADER, "é": ["\N{SNOWMAN}", 0.1]}
    np.testing.assert_array_equal(arrays["other"], X)


def test_a_net_whose_arrays_lie_otherwise_is_saved_as_it_is(tmp_path, rng):
    net = FullyConnectedNet([3], 4, 2)
    inputs = rng.standard_normal((20, 4)).astype(np.float32)
    scores = net.loss(inputs)
    net.params["W1"] = np.asfortranarray(net.params["W1"])
    net.params["W2"] = net.params["W2"].T.copy().T
    xpnet.save(net, tmp_path / "net.safetensors")
    np.testing.assert_array_equal(xpnet.load(tmp_path / "net.safetensors").loss(inputs), scores)


# What is refused


@pytest.fixture
def good(digits, tmp_path):
    """A file, as its arrays and its header."""
    xpnet.save(trained(digits), tmp_path / "net.safetensors")
    return read_tensors(tmp_path / "net.safetensors")


def without(arrays, name):
    return {key: x for key, x in arrays.items() if key != name}


def in_config(**changes):
    """Return a change of the net's arguments, the arrays as they were."""
    return lambda a, h: tensor_bytes(
        a, {**h, "net": {**h["net"], "config": {**h["net"]["config"], **changes}}}
    )


def in_record(**changes):
    return lambda a, h: tensor_bytes(a, {**h, "net": {**h["net"], **changes}})


def in_array(name, change):
    return lambda a, h: tensor_bytes({**a, name: change(a[name])}, h)


# What a file holds in place of arrays and header, whole and with a digest that fits, and what of
# the sentence that refuses it.
BAD = {
    "a data set": (
        lambda a, _: save({"X": a["params.W1"], "y": a["params.b1"]}),
        "holds nothing of xpnet's, as its metadata lack our texts",
    ),
    "a model of another program": (
        lambda a, _: save(a, metadata={"format": "pt"}),
        "holds nothing of xpnet's, as its metadata lack our texts",
    ),
    "no digest": (
        lambda a, h: by_hand(json.dumps(h), a, {"sha256": None}),
        "metadata lack our texts",
    ),
    "another digest": (
        lambda a, h: by_hand(json.dumps(h), a, {"sha256": "0" * 64}),
        r"damaged or truncated \(its digest does not fit what it holds\)",
    ),
    "other metadata beside it": (
        lambda a, h: by_hand(json.dumps({**h, "net": {}}), a, {"other": "text"}),
        "record of the net is of another format",
    ),
    "no JSON": (lambda a, _: by_hand("{", a), r"damaged or truncated \(JSONDecodeError\)"),
    "deep JSON": (
        lambda a, _: by_hand("[" * 10**5, a),
        r"damaged or truncated \(RecursionError\)",
    ),
    "a number": (lambda a, _: by_hand("3", a), "none of xpnet's, although the file is whole"),
    "a header of others": (
        lambda a, _: by_hand(json.dumps({"made by": "another"}), a),
        "none of xpnet's, although the file is whole",
    ),
    "another format": (
        lambda a, h: tensor_bytes(a, {**h, "format": 99}),
        "it has the format 99, and this xpnet reads 1: use the xpnet that wrote it",
    ),
    "no record": (
        lambda a, h: tensor_bytes(a, {**h, "net": 3}),
        "record of the net is of another format, or damaged",
    ),
    "a record with more": (in_record(extra=1), "record of the net is of another format"),
    "an argument of nobody": (in_config(extra=1), "record of the net is of another format"),
    "sizes beyond all memory": (
        in_config(hidden_dims=[10**12, 9]),
        r"sizes \[64, 1000000000000, 9, 10\] and members None, but its weights have the shapes",
    ),
    "members beyond all memory": (in_config(members=10**12), "members 1000000000000, but"),
    "members as many as features": (in_config(members=64), "members 64, but its weights"),
    "members that are no number": (in_config(members="all"), "the file's config has 'all' members"),
    "pictures beyond all memory": (
        in_record(sample_shape=[10**9]),
        r"samples have the shape \(1000000000,\), but its preprocessing takes 64 features",
    ),
    "a shape that is none": (in_record(sample_shape=[8, -8]), "record of the net is of another"),
    "sizes that are no list": (
        in_config(hidden_dims=None),
        r"config has the sizes \[64, None, 10\], which are none",
    ),
    "sizes that are no numbers": (in_config(hidden_dims=[12, 9.0]), "sizes .*, which are none"),
    "a parameter missing": (
        lambda a, h: tensor_bytes(without(a, "params.b2"), h),
        r"params\.b2 must be float32 \(9,\); the file has none",
    ),
    "a weight missing": (
        lambda a, h: tensor_bytes(without(a, "params.W2"), h),
        r"but its weights have the shapes \[\(64, 12\), \(9, 10\)\]",
    ),
    "integers": (
        in_array("params.b2", lambda b: b.astype(int)),
        r"params\.b2 must be float32 \(9,\); the file has int64 \(9,\)",
    ),
    "another shape": (in_array("params.b2", lambda b: b[:3]), r"the file has float32 \(3,\)"),
    "a weight transposed": (in_array("params.W2", lambda w: w.T), "its weights have the shapes"),
    "NaN": (
        in_array("params.b2", lambda b: np.where(np.arange(9) == 4, np.nan, b)),
        "params.b2 holds NaN or infinity",
    ),
    "no mean": (
        lambda a, h: tensor_bytes(without(a, "preprocess.mean"), h),
        "no 'mean'",
    ),
    "a mean of other inputs": (
        in_array("preprocess.mean", lambda m: m[:3]),
        "was fitted|numbers for 3|could not be broadcast|shape",
    ),
    "a mean that is infinite": (
        in_array("preprocess.mean", lambda m: m + np.inf),
        "the numbers of the preprocessing mean are not all finite",
    ),
    "unknown preprocessing": (in_record(preprocess="magic"), "unknown preprocess"),
    "names that are numbers": (in_record(class_names=[0, 1, 2]), "record of the net is of another"),
    "unknown activation": (in_config(activation="magic"), "unknown activation"),
    "a training without a net": (
        lambda a, h: tensor_bytes(a, {**h, "kind": "checkpoint", "net": None}),
        "is none of xpnet's: make it and its Solver as they were",
    ),
    "an .npz file": (lambda _a, _h: b"PK\x03\x04" + bytes(100), "this is an .npz or zip file"),
    "a text": (
        lambda _a, _h: b"1,2,3\n4,5,6\n" * 9,
        r"\(it ends inside its header, or is no file of xpnet's at all\)",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_net_is_refused(good, tmp_path, case):
    change, message = BAD[case]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(change(*copy.deepcopy(good)))
    with pytest.raises(InputError, match=message) as caught:
        xpnet.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def of_header(header, data=b""):
    """Return a file with a header that no library would write."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def of_entry(**changes):
    """Return a file of one array, wrongly described."""
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}
    texts = {"xpnet": json.dumps(HEADER), "sha256": "0" * 64}
    return of_header({"__metadata__": texts, "x": entry}, bytes(8))


BAD_HEADERS = {
    "no JSON": (of_header(b"{"), "its header is no JSON: JSONDecodeError"),
    "no UTF-8": (of_header(b'{"\xff": 1}'), "its header is no JSON: UnicodeDecodeError"),
    "deep JSON": (of_header(b"[" * 10**5), "its header is no JSON: RecursionError"),
    "a list": (of_header([]), "metadata lack our texts"),
    "metadata that are a text": (of_header({"__metadata__": "xpnet"}), "metadata lack our texts"),
    "texts that are numbers": (
        of_header({"__metadata__": {"xpnet": 1, "sha256": 2}}),
        "metadata lack our texts",
    ),
    "a length beyond all memory": (b"\xff" * 8 + b"{}", "it ends inside its header"),
    "a header of 17 MB": (of_header(b" " * 2**24 + b"{}"), "its header has 16,777,218 bytes"),
    "Python objects": (of_entry(dtype="O"), "damaged or truncated"),
    "a shape beyond all memory": (of_entry(shape=[10**15, 10**15]), "damaged or truncated"),
    "a shape of other bytes": (of_entry(shape=[3]), "damaged or truncated"),
    "a place beyond the file": (of_entry(data_offsets=[8, 16]), "damaged or truncated"),
    "a place backwards": (of_entry(data_offsets=[8, 0]), "damaged or truncated"),
    "a place below 0": (of_entry(data_offsets=[-8, 0]), "damaged or truncated"),
    "a dtype that NumPy does not have": (of_entry(dtype="F8_E4M3", shape=[8]), "damaged or trunc"),
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_a_header_that_is_none_is_refused(tmp_path, case):
    content, message = BAD_HEADERS[case]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        xpnet.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.fixture
def small(tmp_path):
    """A small file, its path, and where its header ends."""
    net = FullyConnectedNet([3], 4, 2, normalization="batchnorm")
    net.class_names = ("a", "b")
    path = tmp_path / "net.safetensors"
    xpnet.save(net, path)
    whole = path.read_bytes()
    return path, whole, 8 + int.from_bytes(whole[:8], "little")


def test_truncated_files_are_refused(small):
    path, whole, header_end = small
    in_header = range(8, header_end)
    lengths = [*range(8), *in_header[:20], *in_header[20:-3:37], *in_header[-3:]]
    lengths += [header_end, *range(header_end + 1, len(whole))]
    for length in lengths:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="is damaged or truncated") as caught:
            xpnet.load(path)
        assert str(caught.value).startswith(f"{path}: "), length


@pytest.mark.parametrize("more", [b"\0", b" ", b"\n", bytes(8), bytes(4096)])
def test_a_file_with_more_behind_it_is_refused(small, more):
    path, whole, _ = small
    path.write_bytes(whole + more)
    with pytest.raises(InputError, match="is damaged or truncated"):
        xpnet.load(path)


def test_a_flipped_bit_never_gives_another_net(small):
    """In each byte one bit; where the file is still read, it has the same arrays and header."""
    path, whole, header_end = small
    arrays, header = read_tensors(path)
    for place in range(len(whole)):
        path.write_bytes(flipped(whole, place, (5 * place + place // 8) % 8))
        try:
            found, text = read_tensors(path)
        except InputError:
            continue
        assert place < header_end, f"another number at byte {place}"
        assert text == header
        assert set(found) == set(arrays)
        for name, x in arrays.items():
            assert (found[name].dtype, found[name].shape) == (x.dtype, x.shape)
            assert found[name].tobytes() == x.tobytes()


def flipped(content, place, bit):
    """Return the content of a file after a bit has turned over."""
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "nowhere.safetensors"
    with pytest.raises(InputError, match=r"nowhere\.safetensors: .*no such file\); check the path"):
        xpnet.load(path)


def test_a_foreign_net_cannot_be_saved(tmp_path):
    with pytest.raises(InputError, match="only xpnet's own nets"):
        xpnet.save(object(), tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_preprocessing_cannot_be_saved(tmp_path):
    net = FullyConnectedNet([3], 4, 2)
    net.preprocess = object()
    with pytest.raises(InputError, match="none of xpnet's"):
        xpnet.save(net, tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_net_that_predicts_nothing_is_not_saved(tmp_path, value):
    net = FullyConnectedNet([3], 4, 2)
    net.params["b2"][1] = value
    with pytest.raises(InputError, match="b2 holds NaN or infinity: the net would predict nothing"):
        xpnet.save(net, tmp_path / "net.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_names_too_long_for_a_file_are_refused(tmp_path):
    net = FullyConnectedNet([3], 4, 2)
    net.class_names = ("x" * 2**23, "y")
    with pytest.raises(InputError, match="may have 8,388,608 characters; these have 8,388,"):
        xpnet.save(net, tmp_path / "net.safetensors")
