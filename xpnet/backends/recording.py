"""A NumPy step written down while it runs, to be replayed into the same memory.

On small nets a step's time is that of its calls, not of its arithmetic: Python functions around
each operation, new arrays for its result, views made anew. A step is pure and its shapes are fixed,
as compilers ask for, so one run of it shows all that any other will do. `Recorded` stands for an
array in that run: it computes at once, and notes the operation and where its result lies. A replay
is the list of these calls with their outputs given, and views and constants cost it nothing. It
gives the same bits as the step itself.

What cannot be noted raises `RecordingError`: a value that Python looks at, such as `float(x)`, and
a result that is no array.
"""

import operator
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from xpnet.backends.calls import Call, Moved
from xpnet.backends.shortcuts import shortest_calls, shortest_reduction
from xpnet.backends.side_by_side import joined

__all__ = ["Recorded", "RecordingError", "RecordingNamespace", "Tape"]


class RecordingError(TypeError):
    """The step does what a replay could not repeat."""


class Tape:
    """The calls of a step, in their order; each writes into an array of its own.

    Attributes:
        calls: The calls.
        own: The arrays that were made for their results, which nobody else holds.

    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.own: list[np.ndarray] = []

    def note(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Add a call."""
        self.calls.append(partial(function, *args, **kwargs))

    def note_ufunc(self, ufunc: np.ufunc, args: tuple[Any, ...], out: np.ndarray) -> None:
        """Add the calls of an elementwise function, or of the matrix product."""
        constant = [not isinstance(x, Recorded) for x in args]
        self.calls += shortest_calls(ufunc, _as_arrays(_unwrapped(args)), constant, out)

    def join(self, carried: Iterable[np.ndarray]) -> Moved:
        """Make one of calls that can be, and return what gives the new place of an array.

        Args:
            carried: Arrays of its own that are read before they are written.

        """
        self.calls, moved = joined(self.calls, [*carried, *self.own])
        return moved

    def replay(self) -> None:
        """Make all calls."""
        for call in self.calls:
            call()


class Recorded:
    """An array while its step is recorded.

    Attributes:
        value: The array itself, which the replay writes into.
        tape: What operations are noted on.
        is_scalar: Whether NumPy gave a scalar, which `x += y` makes anew and does not write into.

    """

    __array_ufunc__ = None  # NumPy's arrays leave operations with this one to it
    __iter__ = None
    __hash__ = None  # type: ignore[assignment]
    device = "cpu"

    def __init__(self, value: np.ndarray, tape: Tape, *, is_scalar: bool = False) -> None:
        self.value = value
        self.tape = tape
        self.is_scalar = is_scalar

    shape = property(lambda self: self.value.shape)
    dtype = property(lambda self: self.value.dtype)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)

    def __getitem__(self, key: Any) -> "Recorded":
        """Return a view, or what NumPy gives for such a key."""
        return _noted(operator.getitem, (self, key), {}, self.tape)

    def _looked_at(self, *_: Any) -> Any:
        raise RecordingError("a step looks at a value, which other steps will not have")

    __bool__ = __float__ = __int__ = __index__ = __len__ = __array__ = __setitem__ = _looked_at


def _unwrapped(x: Any) -> Any:
    """Return the array itself, also inside a list."""
    if isinstance(x, list | tuple):
        return type(x)(_unwrapped(item) for item in x)
    return x.value if isinstance(x, Recorded) else x


def _tape_of(args: tuple[Any, ...]) -> Tape | None:
    """Return the tape of the first recorded argument, or None if there is none."""
    for x in args:
        if isinstance(x, Recorded):
            return x.tape
        if isinstance(x, list | tuple) and (tape := _tape_of(tuple(x))) is not None:
            return tape
    return None


def _kept(result: Any, tape: Tape) -> Recorded:
    """Return a fresh result, as an array that a replay can write into."""
    if isinstance(result, np.ndarray | np.generic):
        out = Recorded(np.asarray(result), tape, is_scalar=isinstance(result, np.generic))
        tape.own.append(out.value)
        return out
    raise RecordingError(f"a step's operation gave {type(result).__name__}, no array")


def _noted(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], tape: Tape
) -> Recorded:
    """Call any function; note it unless its result is a view, which stays up to date by itself."""
    inputs = _unwrapped(args)
    options = {name: _unwrapped(x) for name, x in kwargs.items()}
    result = function(*inputs, **options)
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    if isinstance(result, np.ndarray) and any(np.may_share_memory(result, x) for x in arrays):
        return Recorded(result, tape)
    out = _kept(result, tape)
    tape.note(_recompute, out.value, function, inputs, options)
    return out


def _recompute(
    out: np.ndarray, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    np.copyto(out, function(*args, **kwargs))


def _ufunc(ufunc: np.ufunc, *args: Any) -> Recorded | Any:
    """Apply an elementwise function, or the matrix product."""
    tape = _tape_of(args)
    if tape is None:
        return ufunc(*args)
    out = _kept(ufunc(*_unwrapped(args)), tape)
    tape.note_ufunc(ufunc, args, out.value)
    return out


def _as_arrays(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return Python's numbers as arrays of the dtype they count as: NumPy would, at each call."""
    floats = [x.dtype for x in inputs if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    if not floats:
        return inputs
    return tuple(np.asarray(x, dtype=floats[0]) if type(x) in (int, float) else x for x in inputs)


def _in_place(ufunc: np.ufunc, x: Recorded, y: Any) -> Recorded:
    """Apply `x op= y`, which writes into `x`."""
    if x.is_scalar:
        return _ufunc(ufunc, x, y)
    ufunc(x.value, _unwrapped(y), out=x.value)
    x.tape.note_ufunc(ufunc, (x, y), x.value)
    return x


_OPERATORS = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
}
_COMPARISONS = {
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
}
_UNARY = {"neg": np.negative, "abs": np.absolute, "invert": np.invert, "pos": np.positive}


def _define_operators() -> None:
    """Give `Recorded` Python's operators, with those that write and those from the right."""

    def method(apply: Callable[..., Any], ufunc: np.ufunc) -> Callable[..., Any]:
        return lambda x, *y: apply(ufunc, x, *y)

    for name, ufunc in {**_OPERATORS, **_COMPARISONS, **_UNARY}.items():
        setattr(Recorded, f"__{name}__", method(_ufunc, ufunc))
    for name, ufunc in _OPERATORS.items():
        setattr(Recorded, f"__i{name}__", method(_in_place, ufunc))
        setattr(Recorded, f"__r{name}__", method(lambda f, x, y: _ufunc(f, y, x), ufunc))


_define_operators()


def _call(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function of NumPy, and note it where an argument is recorded."""
    tape = _tape_of((*args, *kwargs.values()))
    return function(*args, **kwargs) if tape is None else _noted(function, args, kwargs, tape)


def _reduced(ufunc: Any, x: Recorded, axis: Any, *, keepdims: bool) -> Recorded:
    """Reduce over an axis, or several."""
    out = _kept(ufunc.reduce(x.value, axis, None, None, keepdims), x.tape)
    x.tape.calls.append(shortest_reduction(ufunc, x.value, axis, out.value, keepdims=keepdims))
    return out


def _sum(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    if not isinstance(x, Recorded):
        return np.sum(x, axis=axis, keepdims=keepdims)
    return _reduced(np.add, x, axis, keepdims=keepdims)


def _max(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    if not isinstance(x, Recorded):
        return np.max(x, axis=axis, keepdims=keepdims)
    return _reduced(np.maximum, x, axis, keepdims=keepdims)


def _mean(x: Any, *, axis: Any = None, keepdims: bool = False) -> Any:
    if not isinstance(x, Recorded) or not isinstance(axis, int):
        return _call(np.mean, x, axis=axis, keepdims=keepdims)
    total = _reduced(np.add, x, axis, keepdims=keepdims)
    return _in_place(np.true_divide, total, x.shape[axis])


def _astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    if not isinstance(x, Recorded):
        return np.astype(x, dtype, copy=copy)
    if x.dtype == dtype and not copy:
        return x
    out = _kept(x.value.astype(dtype), x.tape)
    x.tape.note(np.copyto, out.value, x.value, "unsafe")
    return out


def _take(x: Any, indices: Any, *, axis: int) -> Any:
    tape = _tape_of((x, indices))
    if tape is None:
        return np.take(x, indices, axis=axis)
    x, indices = _unwrapped((x, indices))
    out = _kept(np.take(x, indices, axis=axis), tape)
    # Clipped, as with an output NumPy would check them by way of another buffer.
    tape.note(x.take, indices, axis, out.value, "clip")
    return out


class RecordingNamespace:
    """NumPy's namespace, whose functions take recorded arrays besides NumPy's own."""

    sum = staticmethod(_sum)
    max = staticmethod(_max)
    mean = staticmethod(_mean)
    astype = staticmethod(_astype)
    take = staticmethod(_take)

    def __getattr__(self, name: str) -> Any:
        """Return NumPy's function, made to note its calls; its types and numbers as they are."""
        found = getattr(np, name)
        if isinstance(found, np.ufunc):
            found = partial(_ufunc, found)
        elif callable(found) and not isinstance(found, type):
            found = partial(_call, found)
        setattr(self, name, found)
        return found
