"""The base of the nets: what the Solver asks of one, and the notes' form of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, overload

import numpy as np

from xpnet.backends import Array, Backend, array_namespace, backend_of
from xpnet.errors import InputError
from xpnet.members import member_values, not_negative
from xpnet.nets.inputs import net_input, net_targets
from xpnet.nets.prediction import predict, predict_proba
from xpnet.nets.storage import compute_dtype, in_dtype
from xpnet.pictures import PictureForm
from xpnet.preprocessing import Preprocessor

__all__ = ["Net", "Params", "Variables", "is_own_net"]

Params: TypeAlias = dict[str, Array]


class Variables(NamedTuple):
    """What a training changes in a net."""

    params: Params  # what the update rule moves
    state: Params  # what the forward pass in training keeps, such as running means


class Net(ABC):
    """A net whose arithmetic the Solver can put into one compiled stretch.

    A subclass gives the pure functions; `loss` is the notes' form of them.

    Attributes:
        params: The parameters by name. The caller may assign arrays of any library and dtype.
        state: What a layer keeps from one training step to the next, by name; often nothing.
        members: The number of nets in the stack, or None for a single net.
        reg: L2 regularisation strength, a float or an array of shape (members,).
        is_regression: Whether targets are real numbers, and no labels.
        preprocess: What raw inputs go through before `predict`; the Solver puts its own here.
        class_names: The names of the classes, from the data set that the Solver trained on.
        picture: What the samples look like, where the Solver's data set says that they are
            pictures.
        flat_targets: Whether `predict` gives the targets of a regression with one output as (N,).
        num_draws: Training losses taken by `loss(X, y)`: the number of the next random draw. Set
            it to repeat one.

    """

    params: Params
    state: Params
    members: int | None
    reg: float | np.ndarray
    is_regression: bool = False
    preprocess: Preprocessor | None = None
    class_names: tuple[str, ...] = ()
    flat_targets: bool = True
    picture: PictureForm | None = None
    num_draws: int = 0

    @property
    def takes_samples_alone(self) -> bool:
        """Whether the training loss is the mean of its samples', so that batches have parts."""
        return False

    @property
    @abstractmethod
    def input_dim(self) -> int:
        """The number of features of a sample."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """The number of scores of a sample."""

    @abstractmethod
    def scores(self, params: Params, state: Params, x: Array, xp: Any) -> Array:
        """Return scores (..., N, C) for inputs (N, D) or (..., N, D), as in testing; pure."""

    @abstractmethod
    def loss_and_gradients(
        self, variables: Variables, x: Array, y: Array, terms: Mapping[str, Any], xp: Any
    ) -> tuple[Array, Params, Params]:
        """Return the training loss, its gradient by each parameter, and the next state; pure.

        Args:
            variables: Parameters and state.
            x: Inputs (N, D) or (..., N, D).
            y: Labels or targets.
            terms: What else the loss depends on: all of `constants()` and `draws()`, and any of
                the options of the loss function (`class_weights`, `sample_weights`,
                `label_smoothing`).
            xp: The namespace.

        Returns:
            The loss, of the member shape, the gradients, and the next state.

        """

    @abstractmethod
    def objective(self, params: Params, scores: Array, y: Array, reg: Array, xp: Any) -> Array:
        """Return the loss alone, of the member shape, from scores; pure."""

    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes that fit together, of one net, by parameter."""

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the state that fit the parameters, of one net."""
        return {}

    def constants(self) -> dict[str, Any]:
        """Return what the loss depends on and no step changes.

        Python numbers, or arrays of the member shape on the net's device.
        """
        return {"reg": self.device_values("reg", self.reg)}

    def draws(self, step: int, num_samples: int) -> dict[str, np.ndarray]:
        """Return the random numbers of training step `step` (from 0) on so many samples."""
        return {}

    def laid_out(self, params: Params) -> Params:
        """Return the parameters as the steps of a training want them in memory."""
        return params

    def check(self) -> None:
        """Raise InputError unless parameters and state fit together, whoever assigned them."""
        stack = () if self.members is None else (self.members,)
        for given, what, expected in (
            (self.params, "params", self.shapes()),
            (self.state, "state", self.state_shapes()),
        ):
            for name, shape in expected.items():
                if name not in given:
                    raise InputError(f"{what} has no {name!r}; it has {', '.join(given)}")
                found = tuple(given[name].shape)
                if found != (*stack, *shape):
                    raise InputError(f"{name} must have the shape {(*stack, *shape)}; got {found}")
            for name in given:
                if name not in expected:
                    raise InputError(
                        f"{what} has {name!r}, which no layer of the net takes: "
                        f"they take {', '.join(expected) or 'none'}"
                    )
        arrays = {**self.params, **self.state}
        xp = array_namespace(*arrays.values())
        fit = xp.isdtype(self.dtype, "real floating")
        fit = fit and all(w.dtype == self.dtype for w in self.params.values())
        if not fit or any(w.dtype != self.compute_dtype for w in self.state.values()):
            listed = ", ".join(f"{name} {w.dtype}" for name, w in arrays.items())
            raise InputError(
                "the parameters must all be of one real floating dtype, and so the state, which is "
                f"of float32 beside 16 bits; got {listed}"
            )
        not_negative("reg", member_values("reg", self.reg, self.members))

    @property
    def backend(self) -> Backend:
        """The backend of the parameters, whoever assigned them."""
        return backend_of(next(iter(self.params.values())))

    @property
    def dtype(self) -> Any:
        """The dtype of the parameters, in their library's terms."""
        return next(iter(self.params.values())).dtype

    @property
    def compute_dtype(self) -> Any:
        """The dtype to compute in: that of the parameters, or float32 where they have 16 bits."""
        return compute_dtype(self.dtype, self.backend.xp)

    def device_values(self, name: str, value: Any) -> Array:
        """Return a hyperparameter as a float, or on the net's device where each member has one."""
        values = member_values(name, value, self.members)
        if isinstance(values, float):
            return values
        return self.backend.asarray(values, self.compute_dtype)

    @overload
    def loss(self, X: Any, y: None = None) -> Array: ...
    @overload
    def loss(self, X: Any, y: Any) -> tuple[Array, Params]: ...
    def loss(self, X: Any, y: Any = None) -> Array | tuple[Array, Params]:
        """Return scores of `X`, or with labels the loss and the gradients.

        The loss is the mean over the batch, plus 0.5 * reg * (the sum of the squared weights). With
        labels the net is in training: dropout draws its masks, and `state` becomes the next one.

        Args:
            X: Inputs (N, d1, ..., dk), of any number type, on the host or on the net's device; for
                a stack shared by all members, or (members, N, D). They are not preprocessed.
            y: Labels (N,), or (members, N), integers of 0 to num_classes - 1; for the squared loss
                real targets (N, C), or (N,) for one output; or None.

        Returns:
            Scores of shape (N, C), or (members, N, C) from a stack, if `y` is None. Otherwise the
            loss, of shape () or (members,), and a dictionary of gradients with the keys of
            `params`. Arrays have the parameters' library and device, and `compute_dtype`.

        Raises:
            InputError: `X` or `y` does not fit the net; the message gives both shapes.

        """
        self.check()
        backend = self.backend
        with backend.context():
            x = net_input(self, X)
            params = in_dtype(self.params, self.compute_dtype, backend.xp)
            if y is None:
                return self.scores(params, self.state, x, backend.xp)
            targets = net_targets(self, y, x)
            draws = self.draws(self.num_draws, int(x.shape[-2]))
            terms = self.constants() | {name: backend.asarray(d) for name, d in draws.items()}
            loss, grads, self.state = self.loss_and_gradients(
                Variables(params, self.state), x, targets, terms, backend.xp
            )
            self.num_draws += 1
            return loss, grads

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of every sample of raw inputs, or the targets of a regression.

        Raw: `preprocess` is applied first, unlike in `loss`.

        Args:
            X: Inputs (N, d1, ..., dk), on the host or on the net's device.

        Returns:
            On the host, class numbers (N,), or (members, N) from a stack; of a regression floats
            (N, C), or (members, N, C), without the last axis where there is one output and the
            targets had none.

        Raises:
            InputError: `X` does not fit the net or its preprocessing.

        """
        return predict(self, X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of every class for raw inputs, softmax(scores).

        Returns:
            On the host, floats (N, C), or (members, N, C) from a stack; rows sum to 1.

        Raises:
            InputError: `X` does not fit, or the net has another loss than softmax.

        """
        return predict_proba(self, X)


def is_own_net(model: Any) -> bool:
    """Return whether a stretch of `model` may be taken by its pure functions.

    Not where somebody has written another `loss` over ours.
    """
    return isinstance(model, Net) and type(model).loss is Net.loss and "loss" not in vars(model)
