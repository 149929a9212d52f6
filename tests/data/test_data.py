import importlib
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import xpnet.data
from xpnet.data import load
from xpnet.errors import InputError

HEAVY = {"tqdm", "tarfile", "urllib.request", "http.client", "ssl", "matplotlib", "sklearn"}


def test_loads_by_name(tmp_path, write_cifar10):
    assert load("digits").name == "digits"
    write_cifar10(tmp_path, rows=300)
    assert load("cifar10", data_dir=tmp_path).X_val.shape == (1000, 3072)


def test_loads_a_file_with_the_seed(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.arange(80.0).reshape(40, 2), y=np.arange(40) % 2)
    first, second = load(path, seed=1), load(str(path), seed=2)
    assert first.X_val.tolist() != second.X_val.tolist()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("CIFAR-10", " (did you mean cifar10?)"),
        ("digit", " (did you mean digits?)"),
        ("a.csv", ""),
    ],
)
def test_refuses_an_unknown_name(name, hint):
    with pytest.raises(InputError) as caught:
        load(name)
    assert str(caught.value) == (
        f"there is no data set {name!r}: give digits, cifar10, or the path of a file that ends "
        f"in .npz or of a folder with X_train.npy{hint}"
    )


def test_import_brings_in_nothing_heavy():
    code = (
        "import sys, xpnet, xpnet.errors, xpnet.streams; before = set(sys.modules); "
        f"import xpnet.data; print(*(set(sys.modules) - before) & {HEAVY!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_module_says_what_it_offers():
    for found in pkgutil.iter_modules(xpnet.data.__path__, "xpnet.data."):
        module = importlib.import_module(found.name)
        own = {n for n, v in vars(module).items() if getattr(v, "__module__", 0) == found.name}
        assert {name for name in own if not name.startswith("_")} <= set(module.__all__), found.name
        assert all(hasattr(module, name) for name in module.__all__), found.name
        assert list(module.__all__) == sorted(module.__all__), found.name
