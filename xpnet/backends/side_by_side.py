"""Elementwise calls of one kind on small arrays, made one call by laying the arrays side by side.

An update rule does the same to every parameter: of 64-50-10 Adam takes 13 calls of NumPy for each
of four arrays, nearly all of whose time goes by around the arithmetic. Where the arrays of a tape
lie one after the other in memory, one call does it for all of them. Numbers are the same to the
bit, as each stands by itself; only their addresses change.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

__all__ = ["Moved", "joined"]

Call = Callable[[], Any]
Moved = Callable[[np.ndarray], np.ndarray]
Column = tuple[int, ...]  # addresses of allocations that are to lie side by side

_SMALL = 16_384  # numbers of an array: around more the time is that of the arithmetic
_MOST = 65_536  # numbers of a call: more would not stay near the processor


class _Use:
    """A call, and the memory that it touches.

    Attributes:
        call: The call.
        reads, writes: The allocations, a bit for each. A call that is not known is taken to write
            into all that it is given.
        key: What calls have in common that can be one, or None of one that cannot be.
        columns: The addresses of its operands and its result, in their order.
        is_joined: Whether it stands for all that lie beside its own.

    """

    def __init__(self, call: Call, bits: dict[int, int]) -> None:
        self.call = call
        self.key: Any = None
        self.columns: tuple[int, ...] = ()
        self.is_joined = False
        self.reads = self.writes = _bits_of(_arrays_in(call), bits)
        if isinstance(call, partial) and isinstance(call.func, np.ufunc):
            *operands, out = [*call.args, *call.keywords.values()]
            self.reads, self.writes = _bits_of(_arrays_in(operands), bits), _bits_of([out], bits)
            if all(_is_whole(x, out) for x in (*operands, out)):
                self.columns = tuple(_address(x) for x in (*operands, out) if _is_wide(x))
                self.key = self._kind(call, operands, out)

    def _kind(self, call: Any, operands: list[Any], out: np.ndarray) -> tuple[Any, ...]:
        """Return the function, its operands that are numbers, and which operands are one array."""
        numbers = tuple(
            x.dtype if _is_wide(x) else id(x) if isinstance(x, np.ndarray) else (type(x), x)
            for x in operands
        )
        same = tuple(self.columns.index(column) for column in self.columns)
        return call.func, tuple(call.keywords), numbers, out.dtype, same


def joined(calls: list[Call], carried: Iterable[np.ndarray]) -> tuple[list[Call], Moved]:
    """Return fewer calls that do the same, and what gives the new place of an array of theirs.

    Args:
        calls: Partial functions, each of whose arrays is among its arguments.
        carried: Arrays that are read before they are written: nobody else may hold them. All others
            that are only read stay where they are.

    """
    bits: dict[int, int] = {}
    carried = list(carried)
    uses = [_Use(call, bits) for call in calls]
    movable = _bits_of(carried, bits)
    for use in uses:
        movable |= use.writes
    roots = {_address(root): root for root in map(_root, _arrays_in([carried, calls]))}
    free = {address: root for address, root in roots.items() if bits[address] & movable}
    bundles: dict[int, Column] = {}
    before = len(uses) + 1
    while len(uses) < before:  # again, as calls that became one are no longer in the way
        before = len(uses)
        for kind in _kinds(uses):
            uses = _joined_of_kind(uses, kind, bundles, free)
    if not bundles:
        return calls, lambda x: x
    places = _laid_out(set(bundles.values()), roots)
    moved = partial(_moved, places=places)

    def whole(x: np.ndarray) -> np.ndarray:
        return places[_address(x)][0] if x.ndim > 0 else moved(x)

    return [_replaced(use.call, whole if use.is_joined else moved) for use in uses], moved


def _kinds(uses: list[_Use]) -> list[list[_Use]]:
    """Return calls of one kind each, of which there are most first: they tell what lies where."""
    by_kind: dict[Any, list[_Use]] = {}
    for use in uses:
        if use.key is not None and not use.is_joined:
            by_kind.setdefault(use.key, []).append(use)
    return sorted((kind for kind in by_kind.values() if len(kind) > 1), key=len, reverse=True)


def _joined_of_kind(
    uses: list[_Use], left: list[_Use], bundles: dict[int, Column], free: dict[int, np.ndarray]
) -> list[_Use]:
    """Return the calls with one for those of a kind that can be one; note what lies where then."""
    while len(left) > 1:
        group = _together(uses, left)
        taken = set(group)
        left = [use for use in left if use not in taken]
        columns = list(zip(*(use.columns for use in group), strict=True))
        if len(group) > 1 and _fits(columns, bundles, free):
            bundles.update({address: column for column in columns for address in column})
            uses = _with_one_for(uses, group)
    return uses


def _together(uses: list[_Use], same: list[_Use]) -> list[_Use]:
    """Return the first of some calls, and those of them that do the same where it stands.

    Nothing in between may write what they read or write, or read what they write.
    """
    first, kind = same[0], set(same)
    group, reads, writes = [first], 0, 0
    own_reads, own_writes = first.reads, first.writes
    for use in uses[uses.index(first) + 1 : uses.index(same[-1]) + 1]:
        touched = use.reads | use.writes
        is_free = not ((writes | own_writes) & touched or (reads | own_reads) & use.writes)
        if use in kind and is_free:
            group.append(use)
            own_reads, own_writes = own_reads | use.reads, own_writes | use.writes
        else:
            reads, writes = reads | use.reads, writes | use.writes
    return group


def _with_one_for(uses: list[_Use], group: list[_Use]) -> list[_Use]:
    """Return the calls with the first of a group for all of it."""
    first, others = group[0], set(group[1:])
    first.is_joined = True
    for use in others:
        first.reads, first.writes = first.reads | use.reads, first.writes | use.writes
    return [use for use in uses if use not in others]


def _fits(
    columns: list[Column],
    bundles: dict[int, Column],
    free: dict[int, np.ndarray],
) -> bool:
    """Return whether the arrays of each column can lie side by side."""
    seen = dict(bundles)
    for column in columns:
        if len(set(column)) < len(column) or not free.keys() >= set(column):
            return False
        if sum(free[address].size for address in column) > _MOST:
            return False
        if any(seen.setdefault(address, column) != column for address in column):
            return False
    return True


def _laid_out(
    columns: set[Column], roots: dict[int, np.ndarray]
) -> dict[int, tuple[np.ndarray, int]]:
    """Return of each allocation the new one, with all numbers, and where it begins in it."""
    places = {}
    for column in columns:
        whole = np.concatenate([roots[address].ravel(order="K") for address in column])
        start = 0
        for address in column:
            places[address] = whole, start
            start += roots[address].nbytes
    return places


def _moved(x: np.ndarray, places: dict[int, tuple[np.ndarray, int]]) -> np.ndarray:
    """Return the array, or the view, at its new place."""
    root = _root(x)
    if _address(root) not in places:
        return x
    whole, start = places[_address(root)]
    offset = start + _address(x) - _address(root)
    return np.ndarray(x.shape, x.dtype, whole, offset, x.strides)


def _replaced(x: Any, change: Moved) -> Any:
    """Return nested arguments with other arrays."""
    if isinstance(x, np.ndarray):
        return change(x)
    if isinstance(x, list | tuple):
        return type(x)([_replaced(item, change) for item in x])
    if isinstance(x, dict):
        return {name: _replaced(item, change) for name, item in x.items()}
    if isinstance(x, partial):
        return partial(
            _replaced(x.func, change), *_replaced(x.args, change), **_replaced(x.keywords, change)
        )
    owner = getattr(x, "__self__", None)  # as of x.take
    return getattr(change(owner), x.__name__) if isinstance(owner, np.ndarray) else x


def _arrays_in(x: Any) -> Iterator[np.ndarray]:
    """Yield the arrays among nested arguments."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, list | tuple):
        for item in x:
            yield from _arrays_in(item)
    elif isinstance(x, dict):
        yield from _arrays_in(list(x.values()))
    elif isinstance(x, partial):
        yield from _arrays_in([x.func, x.args, x.keywords])
    elif isinstance(owner := getattr(x, "__self__", None), np.ndarray):
        yield owner


def _bits_of(arrays: Iterable[np.ndarray], bits: dict[int, int]) -> int:
    """Return which allocations arrays lie in, a bit for each."""
    found = 0
    for x in arrays:
        found |= bits.setdefault(_address(_root(x)), 1 << len(bits))
    return found


def _root(x: np.ndarray) -> np.ndarray:
    """Return the array whose memory this one is a view of."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x


def _address(x: np.ndarray) -> int:
    return int(x.__array_interface__["data"][0])


def _is_wide(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0


def _is_whole(x: Any, out: np.ndarray) -> bool:
    """Return whether an operand is a number, or all of an allocation in the order of the result."""
    if not _is_wide(x):
        return True
    return (
        x.shape == out.shape
        and x.strides == out.strides
        and 0 < x.size <= _SMALL
        and _root(x).flags.owndata
        and _root(x).nbytes == x.nbytes
        and (x.flags.c_contiguous or x.flags.f_contiguous)
    )
