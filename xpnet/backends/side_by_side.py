"""Elementwise calls of one kind on small arrays, made one call by laying the arrays side by side.

An update rule does the same to every parameter: of 64-50-10 Adam takes 13 calls of NumPy for each
of four arrays, nearly all of whose time goes by around the arithmetic. Where the arrays of a tape
lie one after the other in memory, one call does it for all of them. Numbers are the same to the
bit, as each stands by itself; only their addresses change.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from xpnet.backends.calls import Call, Moved, address, arrays_in, laid_out, moved, replaced, root

__all__ = ["joined"]

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
        self.reads = self.writes = _bits_of(arrays_in(call), bits)
        # Products have a signature: they are no function of one number after the other.
        if (
            isinstance(call, partial)
            and isinstance(call.func, np.ufunc)
            and call.func.signature is None
        ):
            *operands, out = [*call.args, *call.keywords.values()]
            self.reads, self.writes = _bits_of(arrays_in(operands), bits), _bits_of([out], bits)
            if _is_wide(out) and all(_is_whole(x, out) for x in (*operands, out)):
                self.columns = tuple(address(x) for x in (*operands, out) if _is_wide(x))
                self.key = self._kind(call, operands, out)

    def _kind(self, call: Any, operands: list[Any], out: np.ndarray) -> tuple[Any, ...]:
        """Return the function, its operands that are numbers, and which operands are one array."""
        numbers = tuple(
            x.dtype if _is_wide(x) else id(x) if isinstance(x, np.ndarray) else (type(x), repr(x))
            for x in operands
        )
        same = tuple(self.columns.index(column) for column in self.columns)
        return call.func, tuple(call.keywords), numbers, out.dtype, same


def joined(calls: list[Call], own: Iterable[np.ndarray]) -> tuple[list[Call], Moved]:
    """Return fewer calls that do the same, and what gives the new place of an array of theirs.

    Args:
        calls: Partial functions, each of whose arrays is among its arguments.
        own: The arrays that may be moved, as nobody else holds them.

    """
    bits: dict[int, int] = {}
    uses = [_Use(call, bits) for call in calls]
    roots = {address(base): base for base in map(root, arrays_in(calls))}
    movable = {address(root(x)) for x in own}
    free = {place: base for place, base in roots.items() if place in movable}
    bundles: dict[int, Column] = {}
    before = len(uses) + 1
    while len(uses) < before:  # again, as calls that became one are no longer in the way
        before = len(uses)
        for kind in _kinds(uses):
            uses = _joined_of_kind(uses, kind, bundles, free)
    if not bundles:
        return calls, lambda x: x
    places = laid_out(set(bundles.values()), roots)
    one = partial(moved, places=places)

    def whole(x: np.ndarray) -> np.ndarray:
        return places[address(x)][0] if x.ndim > 0 else one(x)

    return [replaced(use.call, whole if use.is_joined else one) for use in uses], one


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
            bundles.update({place: column for column in columns for place in column})
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
    """Return whether the arrays of each column, of one or more, can lie side by side."""
    seen = dict(bundles)
    for column in columns:
        if len(set(column)) < len(column) or not free.keys() >= set(column):
            return False
        if sum(free[place].size for place in column) > _MOST:
            return False
        if any(seen.setdefault(place, column) != column for place in column):
            return False
    return True


def _bits_of(arrays: Iterable[np.ndarray], bits: dict[int, int]) -> int:
    """Return which allocations arrays lie in, a bit for each."""
    found = 0
    for x in arrays:
        found |= bits.setdefault(address(root(x)), 1 << len(bits))
    return found


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
        and root(x).flags.owndata
        and root(x).nbytes == x.nbytes
        and (x.flags.c_contiguous or x.flags.f_contiguous)
    )
