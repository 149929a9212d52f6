"""Folders of runs, trained once for all tests of the report."""

from html.parser import HTMLParser

import numpy as np
import pytest

import xpnet
from xpnet.diagnostics import WATCH, Notice, Verdict, WatchRecord, layer_statistics, write_watch
from xpnet.nets import Variables
from xpnet.report.command import main as report
from xpnet.sweep.command import main as sweep
from xpnet.train import main as train

HOSTILE = (
    "<script>alert(1)</script>",
    '" onload="alert(1)',
    "&amp; a very long name of a class, " + "which goes on and on, " * 4,
)


def trained(folder, *options):
    """Train by the command line and return the folder and the exit status."""
    return train(["--quiet", "--out", str(folder), *map(str, options)])


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run on the digits, 28 steps in 2 epochs, that was watched."""
    folder = tmp_path_factory.mktemp("digits")
    assert trained(folder, "--num-epochs", 2, "--hidden-dim", "20,10") == 0
    write_watch(folder / WATCH, watched())
    assert report([str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def sigmoid_run(tmp_path_factory):
    """A run of sigmoids that begin saturated, as --watch itself records it."""
    folder = tmp_path_factory.mktemp("sigmoid")
    net = "--activation", "sigmoid", "--initializer", "gaussian", "--weight-scale", 1
    assert trained(folder, "--num-epochs", 2, "--hidden-dim", 10, *net, "--watch", 10) == 0
    return folder


@pytest.fixture(scope="session")
def regression_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 3)).astype(np.float32)
    y = np.stack([X[:, 0] + 5, X[:, 1] * X[:, 2]], axis=1).astype(np.float32)
    np.savez(folder / "line.npz", X=X, y=y)
    assert trained(folder / "run", "--dataset", folder / "line.npz", "--num-epochs", 5) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def hostile_run(tmp_path_factory):
    """A run whose class names are markup, on samples that are no pictures."""
    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, size=300)
    X = (np.eye(3)[y] + 0.7 * rng.normal(size=(300, 3))).astype(np.float32)
    np.savez(folder / "<b>names.npz", X=X, y=np.array(HOSTILE)[y])
    options = "--dataset", folder / "<b>names.npz", "--num-epochs", 3, "--loss", "svm"
    assert trained(folder / "run", *options) == 0
    return folder / "run"


@pytest.fixture(scope="session")
def diverged_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diverged")
    rate = "--update-rule", "sgd", "--learning-rate", 1e3, "--num-epochs", 2
    assert trained(folder, *rate) == 1
    return folder


@pytest.fixture(scope="session")
def sweep_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep") / "run"
    grid = "--grid", "hidden-dims=5,20,20x10", "--grid", "learning-rate=1e-4,1e-2,1e3"
    options = "--num-epochs", "2", "--update-rule", "sgd", "--quiet", "--processes", "1"
    assert sweep([*grid, *options, "--out", str(folder)]) == 0
    return folder


def watched():
    """Return what was recorded of a small net: what its layers do at four steps of descent."""
    data = xpnet.data.load("digits")
    net = xpnet.FullyConnectedNet([20, 10], 64, 10, seed=0)
    record = WatchRecord(
        ["hidden 1 (64-20, relu)", "hidden 2 (20-10, relu)", "scores (10-10)"], ["W1", "W2", "W3"]
    )
    x, y = data.X_train[:100].astype(np.float32) / 16, data.y_train[:100]
    for step in (1, 11, 21, 28):
        with net.backend.context():
            found = layer_statistics(
                net,
                Variables(net.params, net.state),
                x,
                y,
                {"reg": 0.0},
                update=lambda params, grads: {k: w - 0.1 * grads[k] for k, w in params.items()},
            )
        if step == 21:
            found["validation_dead_share"] = np.array([0.25, 0.1, 0.0])
        record.add(step, found)
        net.params = {k: 0.9 * w for k, w in net.params.items()}
    fault = Verdict("dead units", "fault", "a quarter is dead", "few", "Lower the learning rate.")
    fine = Verdict("initial loss", "fine", "2.31", "2.30 = -log(1/10)")
    warning = Verdict("update size", "warning", "0.02", "0.001 <about>", "Divide it by ten.")
    record.notices = [
        Notice(1, fine),
        Notice(11, warning, "hidden 2 (20-10, relu)"),
        Notice(21, fault, "hidden 1 (64-20, relu)"),
    ]
    return record


EMPTY = {"meta", "link", "br", "img", "input"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children = []

    def __getitem__(self, name):
        return self.attributes[name]

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    @property
    def text(self):
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    def all(self, tag=None, **attributes):
        """Return the elements below, in their order, of a tag and with these attributes."""
        found = []
        for child in self.children:
            if isinstance(child, str):
                continue
            wanted = {
                name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()
            }
            same = all(child.get(name) == value for name, value in wanted.items())
            if tag in (None, child.tag) and same:
                found.append(child)
            found += child.all(tag, **attributes)
        return found

    def one(self, tag=None, **attributes):
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]


class Tree(HTMLParser):
    """Builds the tree, and fails where a tag is closed that is not open."""

    def __init__(self):
        super().__init__()
        self.root = self.now = Element("", {}, None)

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        element = Element(tag, dict(attrs), self.now)
        self.now.children.append(element)
        if tag not in EMPTY:
            self.now = element

    def handle_endtag(self, tag):
        assert tag == self.now.tag, f"</{tag}> in <{self.now.tag}>"
        self.now = self.now.parent

    def handle_data(self, data):
        self.now.children.append(data)


@pytest.fixture(scope="session")
def tree_of():
    """Return the function from the folder of a run to the root of its page."""

    def read(folder):
        tree = Tree()
        tree.feed((folder / "report.html").read_text(encoding="utf-8"))
        tree.close()
        assert tree.now is tree.root, f"<{tree.now.tag}> is not closed"
        return tree.root

    return read


@pytest.fixture(scope="session")
def hostile_names():
    return HOSTILE
