"""The base of the nets: what the Solver asks of one, and the notes' form of it."""

from abc import ABC, abstractmethod
from typing import Any, TypeAlias, overload

import numpy as np

from xpnet.backends import Array, Backend, array_namespace, backend_of, is_host_array
from xpnet.errors import InputError
from xpnet.losses import check_labels
from xpnet.members import member_values, not_negative

__all__ = ["Net", "Params", "is_own_net"]

Params: TypeAlias = dict[str, Array]


class Net(ABC):
    """A net whose arithmetic the Solver can put into one compiled stretch.

    A subclass gives the three pure functions; `loss` is the notes' form of them.

    Attributes:
        params: The parameters by name. The caller may assign arrays of any library and dtype.
        members: The number of nets in the stack, or None for a single net.
        reg: L2 regularisation strength, a float or an array of shape (members,).

    """

    params: Params
    members: int | None
    reg: float | np.ndarray

    @property
    @abstractmethod
    def input_dim(self) -> int:
        """The number of features of a sample."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """The number of scores of a sample."""

    @abstractmethod
    def scores(self, params: Params, x: Array, xp: Any) -> Array:
        """Return class scores (..., N, C) for inputs (N, D) or (..., N, D); pure."""

    @abstractmethod
    def loss_and_gradients(
        self, params: Params, x: Array, y: Array, reg: Array, xp: Any
    ) -> tuple[Array, Params]:
        """Return the loss, of the member shape, and its gradient by each parameter; pure."""

    @abstractmethod
    def objective(self, params: Params, scores: Array, y: Array, reg: Array, xp: Any) -> Array:
        """Return the loss alone, of the member shape, from scores; pure."""

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that fit together, of one net, by parameter."""

    def check(self) -> None:
        """Raise InputError unless the parameters fit together, whoever assigned them."""
        stack = () if self.members is None else (self.members,)
        for name, shape in self.shapes().items():
            if name not in self.params:
                raise InputError(f"params has no {name!r}; it has {', '.join(self.params)}")
            found = tuple(self.params[name].shape)
            if found != (*stack, *shape):
                raise InputError(f"{name} must have the shape {(*stack, *shape)}; got {found}")
        xp = array_namespace(*self.params.values())
        dtypes = {w.dtype for w in self.params.values()}
        if len(dtypes) > 1 or not xp.isdtype(self.dtype, "real floating"):
            given = ", ".join(f"{name} {w.dtype}" for name, w in self.params.items())
            raise InputError(f"the parameters must all be of one real floating dtype; got {given}")
        not_negative("reg", member_values("reg", self.reg, self.members))

    @property
    def backend(self) -> Backend:
        """The backend of the parameters, whoever assigned them."""
        return backend_of(next(iter(self.params.values())))

    @property
    def dtype(self) -> Any:
        """The dtype of the parameters, in their library's terms."""
        return next(iter(self.params.values())).dtype

    def device_reg(self) -> Array:
        """Return `reg` as a float, or on the device of the parameters where each member has one."""
        reg = member_values("reg", self.reg, self.members)
        return reg if isinstance(reg, float) else self.backend.asarray(reg, dtype=self.dtype)

    @overload
    def loss(self, X: Any, y: None = None) -> Array: ...
    @overload
    def loss(self, X: Any, y: Any) -> tuple[Array, Params]: ...
    def loss(self, X: Any, y: Any = None) -> Array | tuple[Array, Params]:
        """Return scores of `X`, or with labels the loss and the gradients.

        The loss is the mean over the batch, plus 0.5 * reg * (the sum of the squared weights).

        Args:
            X: Inputs (N, d1, ..., dk), of any number type, on the host or on the net's device; for
                a stack shared by all members, or (members, N, D).
            y: Labels (N,), or (members, N), integers of 0 to num_classes - 1; or None.

        Returns:
            Scores of shape (N, C), or (members, N, C) from a stack, if `y` is None. Otherwise the
            loss, of shape () or (members,), and a dictionary of gradients with the keys of
            `params`. Arrays have the parameters' library, device and dtype.

        Raises:
            InputError: `X` or `y` does not fit the net; the message gives both shapes.

        """
        self.check()
        xp = array_namespace(*self.params.values())
        with self.backend.context():
            x = self._input(X, xp)
            if y is None:
                return self.scores(self.params, x, xp)
            labels = self._labels(y, x)
            return self.loss_and_gradients(self.params, x, labels, self.device_reg(), xp)

    def _input(self, X: Any, xp: Any) -> Array:
        """Return `X` as (N, D) or (members, N, D) on the net's device, in its dtype."""
        if not hasattr(X, "shape"):
            X = np.asarray(X)
        shape, features = tuple(X.shape), self.input_dim
        per_net = len(shape) == 3 and shape[0] == self.members and shape[2] == features
        if not per_net and (len(shape) < 2 or int(np.prod(shape[1:])) != features):
            raise InputError(
                f"X must have {features} features a sample, as W1 has rows; got shape {shape}"
            )
        if is_host_array(X) and X.dtype.kind not in "buif":
            raise InputError(f"X must hold numbers; got dtype {X.dtype}")
        # Floats are cast here, as some devices have no float64 to cast from; bytes stay small.
        is_host_float = is_host_array(X) and X.dtype.kind == "f"
        if is_host_float and X.dtype.itemsize not in (4, 8):
            X = X.astype(np.float64)
        X = self.backend.asarray(X, self.dtype) if is_host_float else self._on_device(X)
        if xp.isdtype(X.dtype, "complex floating"):
            raise InputError(f"X must hold real numbers; got dtype {X.dtype}")
        X = X if per_net else xp.reshape(X, (shape[0], features))
        return xp.astype(X, self.dtype, copy=False)

    def _labels(self, y: Any, x: Array) -> Array:
        """Return `y` on the net's device, after the checks that need no transfer."""
        if not hasattr(y, "shape"):
            y = np.asarray(y)
        expected = [tuple(x.shape[-2:-1])]
        if self.members is not None:
            expected.append((self.members, x.shape[-2]))
        if tuple(y.shape) not in expected:
            raise InputError(
                f"y must have one label a sample, shape {' or '.join(map(str, expected))}; "
                f"got {tuple(y.shape)}"
            )
        if 0 in y.shape:
            raise InputError("the loss is a mean over samples, and X holds no sample")
        if is_host_array(y):
            check_labels(y, self.num_classes)
        y = self._on_device(y)
        if not self.backend.xp.isdtype(y.dtype, "integral"):
            raise InputError(f"y must hold integer labels; got dtype {y.dtype}: cast them to int64")
        return y

    def _on_device(self, x: Array) -> Array:
        """Return a host array on the net's device, and an array of its own library as it is."""
        if is_host_array(x):
            return self.backend.asarray(x)
        array_namespace(x, next(iter(self.params.values())))
        return x


def is_own_net(model: Any) -> bool:
    """Return whether a stretch of `model` may be taken by its pure functions.

    Not where somebody has written another `loss` over ours.
    """
    return isinstance(model, Net) and type(model).loss is Net.loss and "loss" not in vars(model)
