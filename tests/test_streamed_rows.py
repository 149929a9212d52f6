"""Inputs in a file give the run that they give in memory, to the bit, and are read ahead of it."""

import tracemalloc
from threading import Event, get_ident

import numpy as np
import pytest

import xpnet
from xpnet import InputError, Solver, TwoLayerNet, streamed_rows
from xpnet.data.mapped import MappedRows
from xpnet.nets import FullyConnectedNet
from xpnet.streamed_rows import StreamedRows, pieces

N, D, C, BATCH = 64, 12, 3, 8


@pytest.fixture
def arrays():
    rng = np.random.default_rng(3)
    y = rng.integers(C, size=N + 30)
    X = np.clip(60 * y[:, None, None] + rng.normal(80, 30, size=(N + 30, 4, 3)), 0, 255)
    return {"X_train": X[:N], "y_train": y[:N], "X_val": X[N:], "y_val": y[N:]}


@pytest.fixture
def both(arrays, tmp_path):
    """`both(dtype)` is the data in memory, and memory-mapped."""

    def make(dtype, view=lambda x: x):
        held = {k: x.astype(dtype) if k[0] == "X" else x for k, x in arrays.items()}
        for name, x in held.items():
            np.save(tmp_path / f"{name}.npy", x)
        mapped = {k: np.load(tmp_path / f"{k}.npy", mmap_mode="r") for k in held}
        return [{k: view(x) for k, x in data.items()} for data in (held, mapped)]

    return make


def record(solver):
    """Return all that a run leaves, as host arrays."""
    net = solver.model
    found = {name: net.backend.to_numpy(w) for name, w in (net.params | net.state).items()}
    for name in ("loss", "train_acc", "val_acc", "val_loss"):
        found[name] = np.asarray(getattr(solver, f"{name}_history"))
    return found


def run(device, data, members=None, seed=0, **options):
    net = FullyConnectedNet(
        [7],
        D,
        C,
        normalization="batchnorm",
        dropout_keep_ratio=0.8,
        weight_scale=0.1,
        device=device,
        members=members,
    )
    settings = {"batch_size": BATCH, "num_epochs": 1, "print_every": 4, "verbose": False}
    settings |= {"preprocess": "standard", "num_train_samples": 40, "num_val_samples": 20}
    solver = Solver(net, data, seed=seed, **{**settings, **options})
    solver.train()
    return solver


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, x in expected.items():
        np.testing.assert_array_equal(found[name], x, err_msg=name)


CASES = {
    "bytes": ("uint8", {}),
    "floats": ("float32", {"sample_weights": np.arange(N) % 5, "sampling": "replacement"}),
    "members": ("uint8", {"members": 2, "seed": [1, 2], "sample_weights": np.arange(N) % 5}),
    "all samples": ("float32", {"num_train_samples": None, "num_val_samples": None, "members": 2}),
}


@pytest.mark.parametrize(("dtype", "options"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("steps", [1, 2, 9])
def test_the_same_run_to_the_bit(backend, both, monkeypatch, dtype, options, steps):
    """In pieces of one step, of two or fewer, and of all."""
    if backend.name == "jax" and steps != 2:
        pytest.skip("compiling takes seconds")
    step = BATCH * D * np.dtype(dtype).itemsize * (2 if "seed" in options else 1)
    monkeypatch.setattr(streamed_rows, "PIECE_BYTES", steps * step)
    held, mapped = both(dtype)
    found, expected = (run(backend.text, data, **options) for data in (mapped, held))
    assert found.step == N // BATCH
    assert_same(record(found), record(expected))


@pytest.mark.parametrize("dtype", [">f4", "f2", "f8", ">f8", "i8"])
@pytest.mark.parametrize("device", ["cpu", "torch"])
def test_the_same_run_of_every_dtype(both, device, dtype):
    if device != "cpu":
        pytest.importorskip(device)
    held, mapped = both(dtype)
    assert_same(record(run(device, mapped)), record(run(device, held)))


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "i8"])
def test_no_second_copy_of_the_inputs_comes_into_being(tmp_path, dtype):
    rows = 2**16 // np.dtype(dtype).itemsize
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype, (rows, 4, 160))  # 40 MiB
    X[:100] = np.random.default_rng(0).integers(9, size=(100, 4, 160))
    X, y = np.load(tmp_path / "x.npy", mmap_mode="r"), (np.arange(rows) % C).astype(np.int64)
    net = TwoLayerNet(640, 5, C)
    tracemalloc.start()
    data = {"X_train": X, "y_train": y, "X_val": X, "y_val": y}
    solver = Solver(net, data, preprocess="standard", verbose=False)
    solver.predict(X)
    net.predict(X)
    solver.check_accuracy(X, y, batch_size=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (tmp_path / "x.npy").unlink()
    assert peak < 2**24


@pytest.mark.parametrize("view", [lambda x: x[::-2], lambda x: x[1:][::2]])
def test_the_same_run_of_a_view(both, view):
    held, mapped = both(np.uint8, view)
    assert_same(record(run("cpu", mapped)), record(run("cpu", held)))


def test_integers_beyond_32_bits_are_cast_a_batch_at_a_time(arrays, both):
    arrays["X_train"] = arrays["X_train"] + 2**40
    held, mapped = both(np.int64)
    assert_same(record(run("cpu", mapped)), record(run("cpu", held)))


def test_predictions_and_accuracies_are_the_same(both):
    held, mapped = both(np.float16)
    solver = run("cpu", mapped)
    for ours, theirs in ((held, mapped), (mapped, held)):
        np.testing.assert_array_equal(
            solver.predict(ours["X_val"]), solver.predict(theirs["X_val"])
        )
        for samples in (None, 7):
            assert solver.check_accuracy(
                ours["X_val"], ours["y_val"], samples
            ) == solver.check_accuracy(theirs["X_val"], theirs["y_val"], samples)


def test_somebody_elses_rule_and_real_targets(both):
    """It takes host arrays, from memory or from the file."""

    def rule(w, dw, config):
        return w - 0.01 * dw, config

    records = []
    for data in both(np.float16):
        targets = {k: x * 0.5 if k[0] == "y" else x for k, x in data.items()}
        net = FullyConnectedNet([5], D, 1, loss="squared", weight_scale=0.1)
        solver = Solver(
            net, targets, update_rule=rule, batch_size=BATCH, preprocess="standard", verbose=False
        )
        solver.train()
        records.append(record(solver))
    assert_same(*records)


def test_rows_that_are_scattered_are_refused(tmp_path, both):
    _, mapped = both(np.float32)
    np.save(tmp_path / "f.npy", np.asfortranarray(np.zeros((N, D), np.float32)))
    scattered = np.load(tmp_path / "f.npy", mmap_mode="r")
    with pytest.raises(InputError, match="X_train is memory-mapped, but each of its rows"):
        Solver(TwoLayerNet(D, 5, C), mapped | {"X_train": scattered, "X_val": scattered[:30]})


def test_arrays_with_gaps_are_made_whole_for_numpy(arrays):
    """numpy.take would copy all of such an array at every step."""
    gaps = {k: np.repeat(x, 2, axis=0)[::2] if k[0] == "X" else x for k, x in arrays.items()}
    fortran = {k: np.asfortranarray(x) if k[0] == "X" else x for k, x in arrays.items()}
    expected = record(run("cpu", arrays))
    for data in (gaps, fortran):
        solver = run("cpu", data)
        assert_same(record(solver), expected)
        split = solver._trainer.place(data["X_train"].reshape(N, D, order="A"), data["y_train"])
        assert split.X.flags.c_contiguous


class Watched(MappedRows):
    """Rows that note which thread reads what, and when."""

    def __init__(self, X):
        super().__init__(X)
        self.reads, self.arrived = [], {}

    def __getitem__(self, rows):
        self.reads.append((int(rows.flat[0]), get_ident()))
        self.arrived.setdefault(int(rows.flat[0]), Event()).set()
        return super().__getitem__(rows)

    def wait_for(self, row):
        assert self.arrived.setdefault(row, Event()).wait(60)


def watched(monkeypatch, num_rows, steps_at_once):
    X = np.arange(2 * num_rows, dtype=np.uint8).reshape(num_rows, 2)
    monkeypatch.setattr(streamed_rows, "PIECE_BYTES", 2 * steps_at_once)
    rows = Watched(X)
    return rows, StreamedRows(rows, lambda x: x), np.arange(num_rows)[:, None]


def test_a_thread_reads_the_next_piece_while_the_caller_works(monkeypatch):
    rows, streamed, steps = watched(monkeypatch, 9, 2)
    stretches = [(steps[:4], steps[4:7]), (steps[4:7], steps[7:]), (steps[7:], steps[9:])]
    seen, upcoming = [], [2, 4, 6, 7, None]
    for stretch, following in stretches:
        for piece, inputs in pieces(streamed, stretch, following):
            assert inputs["X"].tolist() == [[[2 * i, 2 * i + 1]] for i in stretch[piece, 0]]
            seen += stretch[piece, 0].tolist()
            if (row := upcoming.pop(0)) is not None:
                rows.wait_for(row)  # before it is asked for
    assert seen == list(range(9))
    assert [row for row, _ in rows.reads] == [0, 2, 4, 6, 7]  # each once
    mine, *others = [thread for _, thread in rows.reads]
    assert mine == get_ident()
    assert set(others) == {others[0]}
    assert others[0] != mine


def test_what_was_read_for_nothing_is_dropped(monkeypatch):
    _, streamed, steps = watched(monkeypatch, 9, 9)
    list(pieces(streamed, steps[:2], steps[2:4]))
    ((piece, inputs),) = pieces(streamed, steps[5:7], steps[9:])
    assert (piece, inputs["X"][:, 0, 0].tolist()) == (slice(0, 2), [10, 12])


def test_an_error_of_the_reading_thread_reaches_the_caller(monkeypatch):
    _, streamed, steps = watched(monkeypatch, 4, 1)
    with pytest.raises(IndexError, match="out of bounds"):
        list(pieces(streamed, np.concatenate([steps, [[99]]]), steps[:0]))


@pytest.mark.parametrize("steps", range(1, 25))
@pytest.mark.parametrize("most", [1, 3, 7, 24])
def test_pieces_are_as_equal_as_can_be(monkeypatch, steps, most):
    """A compiled stretch is compiled for two lengths at most."""
    _, streamed, rows = watched(monkeypatch, steps, most)
    slices = [piece for piece, _ in pieces(streamed, rows, rows[:0])]
    lengths = [piece.stop - piece.start for piece in slices]
    assert sum(lengths) == steps
    assert max(lengths) <= most
    assert max(lengths) - min(lengths) <= 1
    assert len(lengths) == -(-steps // most)


def test_what_lies_on_the_device_is_one_piece():
    rows = np.zeros((5, 2), np.int64)
    assert list(pieces(np.zeros((3, 2)), rows, rows[:0])) == [(slice(0, 5), {})]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 36.6 GiB"),
        RuntimeError("CUDA out of memory. Tried to allocate 36.6 GiB"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 39 bytes."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 39 bytes"),
    ],
    ids=["NumPy and CuPy", "PyTorch, CUDA", "JAX", "PyTorch, CPU"],
)
def test_inputs_too_large_for_the_device_are_told_of_memory_maps(arrays, monkeypatch, error):
    net = TwoLayerNet(D, 5, C)
    kind = type(net.backend)

    def full(self, x, dtype=None):
        if np.shape(x) == (N, D):
            raise error
        return np.asarray(x, dtype=dtype)

    monkeypatch.setattr(kind, "asarray", full)
    with pytest.raises(InputError, match=r"6.14e-06 GB are too large.*NumPy.*mmap_mode='r'"):
        Solver(net, arrays, batch_size=BATCH)
    error.args = ("something else",)
    if not isinstance(error, MemoryError):
        with pytest.raises(RuntimeError, match="something else"):
            Solver(net, arrays, batch_size=BATCH)


def test_every_librarys_own_words_for_it(backend):
    """Asked for 2**60 bytes, in two axes, as JAX counts in 32 bits."""
    xp = backend.xp
    with pytest.raises(Exception, match=r"\w") as caught:
        backend.to_numpy(xp.ones((2**30, 2**30), dtype=xp.uint8, device=backend.device))
    assert backend.is_out_of_memory(caught.value), caught.value
    assert not backend.is_out_of_memory(ValueError("no such file"))


def test_data_sets_of_folders_train(both, tmp_path):
    held, _ = both(np.uint8)
    data = xpnet.data.load(tmp_path)
    assert data.picture_shape == (1, 4, 3)
    assert_same(record(run("cpu", data)), record(run("cpu", held)))
