"""Steps as captured graphs: the run that it is without them, and what a graph could not repeat.

No GPU is needed: `Graph` stands for one on PyTorch's CPU. It writes down the operations of a call,
and makes exactly these again on the very tensors of that call, as a CUDA graph does.
"""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest

import xpnet
from xpnet.backends import get_backend
from xpnet.backends.base import Backend
from xpnet.backends.captured import CapturedSteps
from xpnet.backends.torch_backend import TorchBackend
from xpnet.backends.trees import leaves, rebuilt
from xpnet.nets import FullyConnectedNet
from xpnet.optim import RULES

torch = pytest.importorskip("torch")
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402 - only where torch is
from torch.utils._pytree import tree_leaves  # noqa: E402


class Graph(TorchDispatchMode):
    """The operations of a function, to be made again."""

    def __init__(self, function):
        super().__init__()
        self.operations = []
        with self:
            function()

    def __torch_dispatch__(self, operation, _types, args=(), kwargs=None):
        made = operation(*args, **(kwargs or {}))
        self.operations.append((operation, args, kwargs or {}, made))
        return made

    def replay(self):
        with torch.no_grad():
            for operation, args, kwargs, made in self.operations:
                again = operation(*args, **kwargs)
                for x, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                    if new is not x and new.data_ptr() != x.data_ptr():
                        x.copy_(new)


def capture(function):
    function()  # as in a warm-up
    return Graph(function).replay


@pytest.fixture
def graphs(monkeypatch):
    """Let PyTorch's CPU have graphs from the first step on, and return what was captured."""
    captured = []

    def noted(_backend, function):
        captured.append(function.__name__)
        return capture(function)

    monkeypatch.setattr(TorchBackend, "replays", True)
    monkeypatch.setattr(TorchBackend, "_graph", noted)
    monkeypatch.setattr("xpnet.backends.captured._BEFORE", 0)
    return captured


@pytest.fixture
def data(rng):
    return {
        "X_train": rng.integers(0, 256, size=(480, 6), dtype=np.uint8),
        "y_train": rng.integers(0, 4, size=480),
        "X_val": rng.integers(0, 256, size=(24, 6), dtype=np.uint8),
        "y_val": rng.integers(0, 4, size=24),
    }


def train(data, *, net=None, **options):
    """Return the Solver of 2 epochs of 30 steps, in stretches of 1, 25, 4, 21 and 9."""
    options = {"update_rule": "adam", "optim_config": {"learning_rate": 1e-2}} | options
    sizes = {"hidden_dims": [8, 7], "input_dim": 6, "num_classes": 4, "device": "torch"}
    net = FullyConnectedNet(**sizes | (net or {}))
    solver = xpnet.Solver(
        net,
        data,
        batch_size=16,
        num_epochs=2,
        print_every=25,
        verbose=False,
        **({"preprocess": "standard"} | options),
    )
    solver.train()
    return solver


def arrays_of(solver):
    named = {"loss": solver.loss_history, "val_loss": solver.val_loss_history}
    host = solver.model.backend.to_numpy
    return named | {name: host(x) for name, x in solver.model.params.items()}


RUNS = {
    **{rule: {"update_rule": rule} for rule in RULES},
    **{name: {"net": {"activation": name}} for name in xpnet.layers.ACTIVATIONS},
    "maxout": {"net": {"activation": "maxout"}},
    "batchnorm": {"net": {"normalization": "batchnorm"}},
    "layernorm": {"net": {"normalization": "layernorm"}},
    "dropout": {"net": {"dropout_keep_ratio": 0.7, "reg": 0.01}},
    "linear": {"net": {"hidden_dims": []}},
    "svm": {"net": {"loss": "svm"}},
    "options": {"clip_norm": 0.5, "label_smoothing": 0.1, "class_weights": "balanced"},
    "weights": {"sample_weights": np.arange(480) % 5, "lr_schedule": "cosine"},
    "preprocessing": {"preprocess": "mean+pca:4", "net": {"input_dim": 4}},
    "bfloat16": {"net": {"dtype": "bfloat16"}},
    "other seeds": {
        "net": {"members": 3, "seed": [1, 2, 3], "dropout_keep_ratio": [0.5, 0.7, 1.0]},
        "seed": [1, 2, 3],
        "clip_norm": [0.1, 1.0, 10.0],
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_graphs_is_the_run(data, graphs, name, monkeypatch):
    captured = arrays_of(train(data, **RUNS[name]))
    assert graphs == ["steps", "steps"]  # eight and one, once for all stretches
    monkeypatch.setattr(TorchBackend, "replays", False)
    for key, x in arrays_of(train(data, **RUNS[name])).items():
        np.testing.assert_array_equal(captured[key], x, strict=True)


@pytest.mark.parametrize("name", RUNS)
def test_a_step_reads_nothing_back_and_brings_nothing(data, name, monkeypatch):
    """On the device meta, whose tensors have no values, no operation meets a tensor of the host."""
    given = []

    def noted(backend, step, **options):
        given.append(step)
        advance = Backend.stretch(backend, step, **options)
        return lambda *trees: given.append(trees) or advance(*trees)

    monkeypatch.setattr(TorchBackend, "stretch", noted)
    train(data, **RUNS[name])
    step, (carry, placed, draws) = given[0], given[1]

    def without_values(tree, first):
        arrays = {
            path: torch.empty(x.shape[first:], dtype=x.dtype, device="meta")
            for path, x in leaves(tree).items()
        }
        return rebuilt(tree, arrays)

    graph = Graph(
        lambda: step(without_values(carry, 0), without_values(placed, 0), without_values(draws, 1))
    )
    assert len(graph.operations) > 20
    met = [x for operation in graph.operations for x in tree_leaves(operation)]
    assert {x.device.type for x in met if isinstance(x, torch.Tensor)} == {"meta"}


def test_no_graph_of_a_users_class(data, graphs):
    class OwnNet(FullyConnectedNet):
        pass

    net = OwnNet([8], 6, 4, device="torch")
    xpnet.Solver(net, data, batch_size=16, num_epochs=1, verbose=False, preprocess="mean").train()
    assert graphs == []


def test_a_solver_that_goes_on_keeps_its_graphs(data, graphs):
    solver = train(data)
    solver.train()
    assert len(graphs) == 2
    assert solver.step == 120


@pytest.fixture
def at_once(monkeypatch):
    monkeypatch.setattr("xpnet.backends.captured._BEFORE", 0)


def steps_of(step, capture):
    backend = get_backend("torch")
    return CapturedSteps(step, Backend.stretch(backend, step), backend, capture)


def add_rows(carry, data, draw):
    (total,) = carry
    return (total + draw["rows"].sum() * data["by"],), total


def trees(steps=40):
    rows = torch.arange(3.0 * steps).reshape(steps, 3)
    return (torch.zeros(()),), {"by": torch.tensor(2.0)}, {"rows": rows}


@pytest.mark.usefixtures("at_once")
def test_losses_come_in_their_order():
    (total,), losses = steps_of(add_rows, capture)(*trees())
    sums = 2 * np.arange(120.0).reshape(40, 3).sum(axis=1)
    np.testing.assert_allclose(losses, np.cumsum(sums) - sums)
    assert total == sums.sum()


@pytest.mark.usefixtures("at_once")
def test_other_data_and_other_shapes_are_captured_anew():
    made = []
    advance = steps_of(add_rows, lambda function: made.append(function) or capture(function))
    carry, data, draws = trees()
    advance(carry, data, draws)
    assert len(made) == 2
    advance(carry, data, {"rows": draws["rows"][:5]})  # of any number of steps
    assert len(made) == 2
    (total,), _ = advance((torch.zeros(()),), {"by": torch.tensor(3.0)}, draws)
    assert len(made) == 4
    assert total == 3 * np.arange(120).sum()
    (total,), _ = advance((torch.zeros(()),), data, {"rows": torch.ones((4, 5))})
    assert len(made) == 6
    assert total == 40


@pytest.mark.usefixtures("at_once")
def test_what_cannot_be_captured_is_told_taken_step_by_step_and_not_tried_again():
    tried = []

    def refused(function):
        tried.append(function)
        raise RuntimeError("operation not permitted when stream is capturing")

    advance = steps_of(add_rows, refused)
    with pytest.warns(RuntimeWarning, match=r"cannot be captured \(RuntimeError: operation not"):
        (total,), _ = advance(*trees())
    assert total == 2 * np.arange(120).sum()
    (total,), _ = advance(*trees())
    assert total == 2 * np.arange(120).sum()
    assert len(tried) == 1


@pytest.mark.usefixtures("at_once")
def test_no_old_graph_is_left_where_a_capture_is_broken_off():
    interrupts = []

    def interrupted(function):
        if interrupts:
            raise interrupts.pop()
        return capture(function)

    advance = steps_of(add_rows, interrupted)
    carry, data, draws = trees()
    advance(carry, data, draws)
    interrupts.append(KeyboardInterrupt())
    other = {"by": torch.tensor(3.0)}
    with pytest.raises(KeyboardInterrupt):
        advance((torch.zeros(()),), other, draws)
    (total,), _ = advance((torch.zeros(()),), other, draws)
    assert total == 3 * np.arange(120).sum()


def test_a_short_training_captures_nothing():
    advance = steps_of(add_rows, lambda _function: pytest.fail("captured"))
    carry, data, draws = trees(50)
    for _ in range(2):
        carry, _ = advance(carry, data, draws)
    assert carry[0] == 2 * 2 * np.arange(150).sum()


@pytest.mark.usefixtures("at_once")
def test_streamed_batches_are_in_no_graph():
    advance = steps_of(add_rows, lambda _function: pytest.fail("captured"))
    carry, data, draws = trees()
    advance(carry, data, draws | {"X": torch.zeros((40, 3, 5))})


def test_a_profile_leaves_a_training_by_graphs_where_it_was(data, graphs):
    options = {"preprocess": None, "optim_config": {"learning_rate": 1e-4}}
    alone, profiled = train(data, **options), train(data, **options)
    profile = xpnet.profile(profiled, steps=20)
    assert profile is not None
    alone.train()
    profiled.train()
    for key, x in arrays_of(alone).items():
        np.testing.assert_array_equal(arrays_of(profiled)[key], x)


@pytest.mark.usefixtures("at_once")
def test_a_graph_of_other_numbers_is_told_and_not_used():
    def wrong(function):
        function()
        return lambda: None

    advance = steps_of(add_rows, wrong)
    with pytest.warns(
        RuntimeWarning, match=r"steps on PyTorch .* on the CPU .* because their graph"
    ):
        (total,), _ = advance(*trees())
    assert total == 2 * np.arange(120).sum()
    (total,), _ = advance(*trees())
    assert total == 2 * np.arange(120).sum()


@pytest.mark.usefixtures("at_once")
def test_nan_is_equal_to_nan():
    def step(carry, data, draw):
        (total,) = carry
        total = total + torch.log(draw["rows"] - 5).sum()
        return (total,), total

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (total,), losses = steps_of(step, capture)(*trees())
    assert torch.isnan(total)
    assert torch.isnan(losses).all()


def test_cuda_is_asked_in_pytorchs_order(monkeypatch):
    """Three calls on a side stream, with waits around them, then one that is captured there."""
    events = []

    class Stream:
        def __init__(self, name="side"):
            self.name = name

        def wait_stream(self, other):
            events.append(f"{self.name} waits for {other.name}")

    @contextmanager
    def inside(name):
        events.append(f"in {name}")
        yield
        events.append(f"out of {name}")

    class CUDAGraph:
        def replay(self):
            events.append("replayed")

    def graph(cuda_graph, *, stream, capture_error_mode):
        assert isinstance(cuda_graph, CUDAGraph)
        return inside(f"a capture on {stream.name}, {capture_error_mode}")

    for name, fake in {
        "Stream": Stream,
        "current_stream": lambda: Stream("usual"),
        "stream": lambda stream: inside(stream.name),
        "set_stream": lambda stream: events.append(f"{stream.name} is used"),
        "device": lambda device: inside(str(device)),
        "CUDAGraph": CUDAGraph,
        "graph": graph,
    }.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    replay = TorchBackend.on(torch.device("cuda:1"))._graph(lambda: events.append("called"))
    replay()
    assert events == [
        "in cuda:1",
        "side waits for usual",
        *("in side", "called", "called", "called", "out of side"),
        "usual waits for side",
        "in a capture on side, thread_local",
        "called",
        "out of a capture on side, thread_local",
        "usual is used",
        "out of cuda:1",
        "replayed",
    ]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("name", RUNS)
def test_cuda_captures_a_run(data, name, monkeypatch):
    def on_cuda():
        options = {**RUNS[name], "net": {**RUNS[name].get("net", {}), "device": "torch:cuda"}}
        return train(data, **options)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        captured = on_cuda()
    assert captured._trainer._stretch._graphs is not None
    monkeypatch.setattr(TorchBackend, "replays", False)
    plain = on_cuda()
    np.testing.assert_allclose(captured.loss_history, plain.loss_history, rtol=1e-5)
