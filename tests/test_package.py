"""The package as a whole: what it imports, what it exports, and that imports go downward."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import xpnet

OTHER_LIBRARIES = {
    "array_api_strict",
    "cupy",
    "cupyx",
    "dask",
    "dpctl",
    "dpnp",
    "jax",
    "jaxlib",
    "ndonnx",
    "tensorflow",
    "torch",
}

# The floors of the architecture: a name holds for the modules below it too.
FLOORS = {
    "xpnet.errors": 0,
    "xpnet.streams": 0,
    "xpnet.backends": 0,
    "xpnet.members": 1,
    "xpnet.columns": 1,
    "xpnet.initializers": 1,
    "xpnet.preprocessing": 1,
    "xpnet.metrics": 1,
    "xpnet.npz_arrays": 1,
    "xpnet.npy_arrays": 1,
    "xpnet.whole_files": 1,
    "xpnet.tensor_files": 1,
    "xpnet.versions": 1,
    "xpnet.pictures": 1,
    "xpnet.thinning": 1,
    "xpnet.weight_grid": 1,
    "xpnet.schedules": 1,
    "xpnet.layers": 2,
    "xpnet.losses": 2,
    "xpnet.optim": 2,
    "xpnet.nets": 3,
    "xpnet.data": 3,
    "xpnet.best": 4,
    "xpnet.weighting": 4,
    "xpnet.evaluation": 4,
    "xpnet.batch_parts": 4,
    "xpnet.training_step": 4,
    "xpnet.streamed_rows": 4,
    "xpnet.own_classes": 0,
    "xpnet.net_scores": 4,
    "xpnet.net_trainer": 4,
    "xpnet.stretches": 4,
    "xpnet.running_ahead": 4,
    "xpnet.model_trainer": 4,
    "xpnet.model_variables": 4,
    "xpnet.rule_configs": 4,
    "xpnet.trainers": 4,
    "xpnet.measured_parts": 4,
    "xpnet.host_arrays": 4,
    "xpnet.task": 4,
    "xpnet.history": 4,
    "xpnet.training_loop": 4,
    "xpnet.checks": 4,
    "xpnet.divergence": 4,
    "xpnet.gradient_checking": 4,
    "xpnet.history_lines": 4,
    "xpnet.profiling": 4,
    "xpnet.interrupts": 4,
    "xpnet.solver": 4,
    "xpnet.training_state": 4,
    "xpnet.net_records": 4,
    "xpnet.run_identity": 4,
    "xpnet.checkpoint": 4,
    "xpnet.member_states": 4,
    "xpnet.checkpoint_files": 4,
    "xpnet": 5,  # the door: it shows what lies below it, and command lines come in by it
    "xpnet.saving": 4,
    "xpnet.cs231n": 5,
    "xpnet.plots": 5,
    "xpnet.run_folder": 5,
    "xpnet.presets": 5,
    "xpnet.progress": 5,
    "xpnet.history_file": 5,
    "xpnet.run_config": 5,
    "xpnet.hyperparameters": 6,
    "xpnet.choices": 6,
    "xpnet.run_lines": 6,
    "xpnet.options": 6,
    "xpnet.run_parts": 6,
    "xpnet.training_run": 6,
    "xpnet.command_line": 6,
    "xpnet.sweep": 6,
    "xpnet.diagnostics": 5,
    "xpnet.resuming": 4,
    "xpnet.watched_run": 6,
    "xpnet.doctor": 6,
    "xpnet.predict": 6,
    "xpnet.report": 6,
    "xpnet.train": 6,
}

ROOT = Path(xpnet.__file__).parent


def source_files():
    """Return the file of every module by its dotted name."""
    files = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


FILES = source_files()


def floor_of(module):
    """Return the floor of the longest name in FLOORS that holds for the module, or None."""
    parts = module.split(".")
    if len(parts) == 1:
        return FLOORS["xpnet"]
    return FLOORS.get(".".join(parts[:2]))  # xpnet's own floor is not its modules'


def is_type_checking(node):
    test = node.test
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def nodes_that_run(tree):
    """Yield the nodes of a tree, inside functions too, but not what type checkers alone see."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and is_type_checking(child):
            for other in child.orelse:
                yield other
                yield from nodes_that_run(other)
            continue
        yield child
        yield from nodes_that_run(child)


def imported_names(module, source):
    """Return the dotted names that a module imports; `from a import b` gives a.b."""
    names = set()
    for node in nodes_that_run(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = module.split(".")
                keep = len(parent) - node.level + (FILES[module].name == "__init__.py")
                base = ".".join([*parent[:keep], *([base] if base else [])])
            names.update(f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            named = node.args[0]
            if called in ("import_module", "__import__") and isinstance(named, ast.Constant):
                names.add(str(named.value))
    return names


def own_imports(module, source):
    """Return the modules of xpnet that a module imports."""
    found = set()
    for name in imported_names(module, source):
        if name.split(".")[0] != "xpnet":
            continue
        while name not in FILES:
            name = name.rpartition(".")[0]  # noqa: PLW2901 - a name within the module
        found.add(name)
    return found - {module}


IMPORTS = {
    module: own_imports(module, path.read_text(encoding="utf-8")) for module, path in FILES.items()
}


def loaded_by(statement):
    """Return the top-level modules that a fresh Python has after a statement."""
    code = f"{statement}; import sys; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def test_import_loads_no_optional_library():
    loaded = loaded_by("import xpnet")
    assert "xpnet" in loaded
    assert not loaded & (OTHER_LIBRARIES | {"matplotlib", "PIL", "tqdm", "argparse", "pytest"})


def test_the_command_line_loads_no_optional_library():
    loaded = loaded_by("import xpnet.train; xpnet.train.main(['--quiet', '--num-epochs', '1'])")
    assert "tqdm" in loaded
    assert not loaded & (OTHER_LIBRARIES | {"matplotlib", "PIL", "scipy", "sklearn"})


def walked():
    """Return the names of all modules that can be imported without running a program."""
    found = pkgutil.walk_packages(xpnet.__path__, "xpnet.")
    return ["xpnet", *(m.name for m in found if not m.name.endswith("__main__"))]


def test_walking_finds_every_file():
    assert set(walked()) == {name for name in FILES if not name.endswith("__main__")}


@pytest.mark.parametrize("name", walked())
def test_all_is_exact(name):
    if name == "xpnet.plots" and find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    module = importlib.import_module(name)
    exported = module.__all__
    assert len(exported) == len(set(exported))
    assert [n for n in exported if not hasattr(module, n)] == []
    assert [n for n in exported if n.startswith("_") and n != "__version__"] == []
    defined = {
        key
        for key, value in vars(module).items()
        if not key.startswith("_")
        and getattr(value, "__module__", None) == name
        and (isinstance(value, type) or callable(value))
        and getattr(value, "__name__", None) == key
    }
    assert defined - set(exported) == set()


def test_the_top_level_names_work():
    assert xpnet.get_backend("cpu").name == "numpy"
    assert xpnet.__version__.count(".") >= 2
    assert issubclass(xpnet.TwoLayerNet, xpnet.Net)


@pytest.mark.parametrize("module", FILES)
def test_every_module_has_a_floor(module):
    assert floor_of(module) is not None, (
        f"{module} has no floor: add it to FLOORS in {Path(__file__).name}, on the floor that "
        "shared/design/architecture.md gives it"
    )


def test_no_floor_without_a_module():
    assert [name for name in FLOORS if name not in FILES] == []


@pytest.mark.parametrize("module", FILES)
def test_imports_go_strictly_downward(module):
    own = floor_of(module)
    above = {name: floor_of(name) for name in IMPORTS[module] if (floor_of(name) or 0) > (own or 0)}
    assert above == {}, f"{module} of floor {own} imports from above: {above}"


def find_cycle(graph):
    """Return the modules of one import cycle in their order, or nothing."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return path[path.index(module) :]
        if module in done:
            return []
        path.append(module)
        for name in sorted(graph[module]):
            if cycle := visit(name):
                return cycle
        path.pop()
        done.add(module)
        return []

    for module in graph:
        if cycle := visit(module):
            return cycle
    return []


def test_no_import_cycle():
    """Not even one that an import inside a function hides."""
    assert find_cycle(IMPORTS) == []


def test_only_backends_name_another_array_library():
    named = {
        module: found
        for module, path in FILES.items()
        if not module.startswith("xpnet.backends")
        and (
            found := {
                name
                for name in imported_names(module, path.read_text(encoding="utf-8"))
                if name.split(".")[0] in OTHER_LIBRARIES
            }
        )
    }
    assert named == {}


class TestTheScan:
    """That the tests above can fail."""

    def test_it_sees_imports_inside_functions_and_not_those_for_types(self):
        source = (
            "from typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    import dask\n"
            "def f():\n    import torch.nn\n    import_module('cupy')\n"
            "    from xpnet import solver\n    from xpnet.nets.base import Net\n"
        )
        names = imported_names("xpnet.streams", source)
        assert {"torch.nn", "cupy", "xpnet.solver", "xpnet.nets.base.Net"} <= names
        assert "dask" not in names
        assert own_imports("xpnet.streams", source) == {"xpnet.solver", "xpnet.nets.base"}

    def test_it_resolves_relative_imports(self):
        assert own_imports("xpnet.nets.base", "from . import two_layer") == {"xpnet.nets.two_layer"}
        assert own_imports("xpnet.nets", "from .base import Net") == {"xpnet.nets.base"}
        assert own_imports("xpnet.nets.base", "from ..losses import x") == {"xpnet.losses"}

    def test_it_finds_cycles(self):
        assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c"]
        assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []

    def test_it_has_read_the_package(self):
        assert "xpnet.nets" in IMPORTS["xpnet.solver"]
        assert floor_of("xpnet.nets.two_layer") == 3
        assert floor_of("xpnet.brand_new") is None
