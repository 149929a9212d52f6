"""Arrays in nested dictionaries and tuples: what a step carries, and what it draws."""

import operator
from typing import Any, TypeAlias

__all__ = ["Leaves", "are_same", "forms", "in_order", "leaves", "rebuilt", "row_forms"]

Path: TypeAlias = tuple[Any, ...]
Leaves: TypeAlias = dict[Path, Any]


def leaves(tree: Any) -> Leaves:
    """Return the arrays of a tree, by their way from the top."""
    found: Leaves = {}
    _collect(tree, (), found)
    return found


def in_order(tree: Any) -> list[Any]:
    """Return the arrays of a tree without their ways, in half the time."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    elif not isinstance(tree, tuple):
        return [tree]
    return [leaf for part in tree for leaf in in_order(part)]


def are_same(tree: Any, kept: list[Any]) -> bool:
    """Return whether a tree's arrays are the very ones that are kept."""
    given = in_order(tree)
    return len(given) == len(kept) and all(map(operator.is_, given, kept))


def rebuilt(tree: Any, arrays: Leaves, path: Path = ()) -> Any:
    """Return the tree with other arrays."""
    if isinstance(tree, dict):
        return {name: rebuilt(part, arrays, (*path, name)) for name, part in tree.items()}
    if isinstance(tree, tuple):
        parts = [rebuilt(part, arrays, (*path, i)) for i, part in enumerate(tree)]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return arrays[path]


def forms(arrays: Leaves) -> dict[Path, tuple[Any, Any]]:
    """Return shapes and dtypes."""
    return {path: (x.shape, x.dtype) for path, x in arrays.items()}


def row_forms(arrays: Leaves) -> dict[Path, tuple[Any, Any]]:
    """Return shapes and dtypes of the rows of arrays: of what one step draws."""
    return {path: (x.shape[1:], x.dtype) for path, x in arrays.items()}


def _collect(tree: Any, path: Path, found: Leaves) -> None:
    if isinstance(tree, dict):
        for name, part in tree.items():
            _collect(part, (*path, name), found)
    elif isinstance(tree, tuple):
        for i, part in enumerate(tree):
            _collect(part, (*path, i), found)
    else:
        found[path] = tree
