"""Training of our own nets: data on their device, a stretch of pure steps at a time."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from xpnet.backends import Array
from xpnet.backends.base import Advance
from xpnet.data.batches import Split
from xpnet.data.mapped import MappedRows, is_mapped
from xpnet.errors import InputError
from xpnet.metrics import Metric
from xpnet.model_variables import copied
from xpnet.net_scores import NetScores, Scores
from xpnet.nets import Net, Variables
from xpnet.nets.storage import check_range, in_dtype
from xpnet.optim import UpdateRule
from xpnet.own_classes import are_ours
from xpnet.preprocessing import Preprocessor, transformed
from xpnet.streamed_rows import StreamedRows, advice_to_map, pieces
from xpnet.training_state import (
    host_arrays,
    host_variables,
    in_place_of,
    variables_in_place_of,
)
from xpnet.training_step import make_step

__all__ = ["NetTrainer"]

_LARGEST_AHEAD = 2**24  # numbers of parameters, state and slots
_SMALL = 2**24  # bytes of inputs that are worth keeping as floats


class NetTrainer:
    """Takes stretches of steps with one of our nets and one of our rules.

    Of a net in 16 bits the steps move a float32 copy of the parameters and `variables` rounds it,
    so that what is measured and kept is what the net will hold. Rounding at every step would lose
    the updates below half a unit in the last place, in bfloat16 up to 1/256 of a weight: on the
    digits 0.959 instead of 0.981, at a tenth of the learning rate 0.49 instead of 0.89 (rounding
    at random does not lose them, for a draw per weight and step). And it would save nothing, as a
    step needs float32 values of all parameters beside their gradients in any case. What shrinks
    is the data, the net and the copy of the best.

    Args:
        net: The net.
        rule: The update rule.
        hyper: The rule's hyperparameters, floats or arrays of the member shape.
        metric: What `evaluate` takes.
        preprocess: What batches go through first.
        terms: Options of the loss function, on the host: `class_weights`, `label_smoothing`.
        clip_norm: The largest global norm of the gradients, or None.
        compiled: Whether the steps are compiled, where the library leaves the choice.

    """

    def __init__(
        self,
        net: Net,
        rule: UpdateRule,
        hyper: Mapping[str, Any],
        metric: Metric,
        preprocess: Preprocessor | None,
        *,
        terms: Mapping[str, Any] | None = None,
        clip_norm: Any = None,
        compiled: bool = False,
    ) -> None:
        self.net = net
        self.rule = rule
        self.hyper = hyper
        self.metric = metric
        self.preprocess = preprocess
        self.terms = dict(terms or {})
        self.clip_norm = clip_norm
        self.compiled = compiled
        self._is_ours = are_ours(net, rule, preprocess)
        self.backend = net.backend
        self._dtype = net.compute_dtype
        self._kept_dtype = net.dtype
        self._is_narrow = bool(self._kept_dtype != self._dtype)
        self._variables = Variables(net.params, net.state)
        self._slots: dict[str, dict[str, Array]] = {}
        self._goes_on = False
        self._begun: Any = None  # the newest variables and slots, where a stretch was begun ahead
        self._data: dict[str, Any] = {}
        self._train: Any = None
        self._constants: list[Any] | None = None
        numbers = {} if preprocess is None else preprocess.numbers()
        self._numbers = {
            name: self.backend.asarray(value, dtype=self._dtype) for name, value in numbers.items()
        }
        self._scores = NetScores(net, metric, preprocess, self._numbers)

    @property
    def variables(self) -> Variables:
        """Parameters and state now. A stretch consumes them: copy what you keep."""
        return self._kept(self._variables)

    @property
    def stretches_ahead(self) -> int:
        """How many stretches may be begun before the losses of the one before are read.

        It is 0 with a net, a rule or a preprocessor of others, whose code may go by what was
        written down so far; where inputs are streamed, which are read ahead already; and with a
        large net, as each stretch that is begun holds parameters and slots of its own.
        """
        is_streamed = isinstance(self._train, StreamedRows)
        if is_streamed or not self._is_ours or self._num_carried() > _LARGEST_AHEAD:
            return 0
        return self.backend.stretches_ahead

    def _num_carried(self) -> int:
        """Return how many numbers a step changes: parameters, state and slots."""
        carried = [*self._variables, *self._slots.values()]
        return sum(math.prod(x.shape) for arrays in carried for x in arrays.values())

    def snapshot(self) -> tuple[Any, dict[str, np.ndarray]]:
        """Return what the steps change, on the host: nothing for JSON, and arrays."""
        arrays = host_variables(self._variables)
        for name, slots in self._slots.items():
            arrays |= host_arrays(slots, f"slots.{name}.")
        return None, arrays

    def saved_state(
        self, saved: Mapping[str, np.ndarray], _record: Any, gone: np.ndarray | None
    ) -> tuple[Variables, dict[str, dict[str, Array]]]:
        """Return what `go_on_from` takes, from what `snapshot` returned.

        Args:
            saved: The arrays, and others beside them.
            gone: Which members may hold NaN.

        Raises:
            InputError: They do not fit the net and the rule.

        """
        now = Variables(in_dtype(self.net.params, self._dtype, self.backend.xp), self.net.state)
        found = variables_in_place_of(now, saved, gone=gone)
        slots = {
            name: in_place_of(dict.fromkeys(self.rule.slots, w), saved, f"slots.{name}.", gone)
            for name, w in now.params.items()
        }
        return found, slots

    def go_on_from(self, state: tuple[Variables, dict[str, dict[str, Array]]]) -> None:
        """Let the next `begin` start from this, and not from the net."""
        self._variables, self._slots = state
        self._goes_on = True

    def place(self, X: np.ndarray, y: np.ndarray) -> Split:
        """Return a part of the data on the net's device, the samples flattened.

        Small inputs are preprocessed now, and not again at each step. Of others, bytes stay bytes
        until a batch is made; floats get the net's dtype now. Where it has 16 bits they are
        preprocessed before: of temperatures around 300 K rounding would leave too little.
        Memory-mapped inputs stay on the host.

        Raises:
            InputError: The device has too little memory, or the inputs hold numbers beyond the
                largest of 16 bits.

        """
        if is_mapped(X):
            return Split(StreamedRows(MappedRows(X), self._placed), self._placed(y))
        if self._is_narrow and X.dtype.kind == "f":
            X = transformed(self.preprocess, X)
            check_range(X, self._kept_dtype, self.backend.xp)
            flat = self.backend.asarray(X.reshape(len(X), -1), self._kept_dtype)
            return Split(flat, self._placed(y), is_preprocessed=True)
        preprocess, xp = self.preprocess, self.backend.xp
        if preprocess is not None and self._is_small(X):
            x = xp.astype(self._placed(X.reshape(len(X), -1)), self._dtype, copy=True)
            ready = preprocess.apply(x, self._numbers, xp)
            return Split(ready, self._placed(y), is_preprocessed=True)
        with advice_to_map(self.backend, X.nbytes):
            return Split(self._placed(X.reshape(len(X), -1)), self._placed(y))

    def subset(self, split: Split, rows: np.ndarray) -> Split:
        """Return the given rows of a part."""
        return self._scores.subset(split, rows)

    def some(self, split: Split, rows: np.ndarray) -> Split:
        """Return what `evaluate` takes for the given rows of a part."""
        return split._replace(rows=rows)

    def begin(self, train: Split, sample_weights: np.ndarray | None = None) -> None:
        """Start from the net's parameters: copies of them, because steps write into theirs.

        Raises:
            InputError: They are of another library, device or dtype than when this was made.

        """
        self.net.check()
        backend, xp = self.net.backend, self.backend.xp
        now = backend.xp, backend.device, self.net.dtype
        if now != (xp, self.backend.device, self._kept_dtype):
            raise InputError(
                f"the net's parameters are now {self.net.dtype} of {backend.description}, but were "
                f"{self._kept_dtype} of {self.backend.description} when the Solver was made: "
                "make a new Solver"
            )
        if not self._goes_on:
            self._variables = copied(Variables(self.net.params, self.net.state))
            if self._is_narrow:
                params, state = self._variables
                self._variables = Variables(in_dtype(params, self._dtype, xp), state)
        self._goes_on, self._begun = False, None
        if not self._slots:
            self._slots = {
                name: {slot: xp.zeros_like(w) for slot in self.rule.slots}
                for name, w in self._variables.params.items()
            }
        self._lay_out()
        self._data = {"y": train.y, "numbers": self._numbers}
        if not isinstance(train.X, StreamedRows):
            self._data["X"] = train.X
        self._train = train.X
        if sample_weights is not None:
            self._data["weights"] = backend.asarray(sample_weights, self._dtype)
        fixed, self._data["terms"] = self._split_terms()
        constants = [*fixed.items(), self._left(train)]
        is_new = constants != self._constants  # if not, what was compiled is good here too
        if is_new:
            self._stretch = self._make_stretch(fixed, self._left(train))
        if is_new or "reg" not in fixed:  # a stack's are arrays
            self._scores.forget()
        self._constants = constants

    def _lay_out(self) -> None:
        """Put parameters and slots into the order in memory that the steps want."""
        params, laid_out = self._variables.params, self.net.laid_out
        self._variables = self._variables._replace(params=laid_out(params))
        for slot in self.rule.slots:
            ordered = laid_out({name: slots[slot] for name, slots in self._slots.items()})
            for name, x in ordered.items():
                self._slots[name][slot] = x

    def advance(
        self, rows: np.ndarray, rate_scales: np.ndarray, first: int, following: np.ndarray
    ) -> np.ndarray:
        """Take a step for each row of `rows` and return the losses, on the host.

        Args:
            rows: Training rows (steps, B), or (steps, members, B).
            rate_scales: What the learning rate is multiplied by, (steps,) or (steps, members).
            first: The number of the first of these steps, from 1.
            following: The rows of the next call, as far as they are known, to be read meanwhile
                where inputs are streamed.

        """
        carry = (self._variables, self._slots)
        self._slots = {}  # consumed: if the stretch is broken off, no later one may find them
        (self._variables, self._slots), losses = self._stretched(
            carry, rows, rate_scales, first, following
        )
        return self.backend.to_numpy(losses)[: len(rows)]

    def begin_stretch(
        self, rows: np.ndarray, rate_scales: np.ndarray, first: int, following: np.ndarray
    ) -> tuple[Variables, Callable[[], np.ndarray]]:
        """Begin what `advance` does, after all that was begun before, on a backend that runs ahead.

        Returns:
            The variables at its end, and what waits for the losses. Called, it makes the stretch
            the one that this trainer stands at; stretches that are not called so never were.

        """
        begun = self._begun or (self._variables, self._slots)
        self._begun, losses = self._stretched(begun, rows, rate_scales, first, following)
        carry = self._begun

        def finish() -> np.ndarray:
            self._variables, self._slots = carry
            return self.backend.to_numpy(losses)[: len(rows)]

        return self._kept(carry[0]), finish

    def _stretched(
        self,
        carry: Any,
        rows: np.ndarray,
        rate_scales: np.ndarray,
        first: int,
        following: np.ndarray,
    ) -> tuple[Any, Array]:
        """Return the carry after the steps, and their losses on the device, perhaps with more."""
        losses = []
        for piece, inputs in pieces(self._train, rows, following):
            steps = len(rows[piece])
            length = steps if inputs else self.backend.padded_steps(steps)
            draws = self._draws(rows[piece], rate_scales[piece], first + piece.start, length)
            carry, found = self._stretch(carry, self._data, draws | inputs)
            losses.append(found)
        return carry, losses[0] if len(losses) == 1 else self.backend.xp.concat(losses)

    def _draws(
        self, rows: np.ndarray, rate_scales: np.ndarray, first: int, length: int
    ) -> dict[str, Any]:
        """Return what changes from step to step, on the device, filled up to a length."""
        scales = rate_scales
        is_constant = self._is_ours and not self.rule.counts_steps
        if is_constant and (scales == scales[:1]).all():
            scales = scales[:1]  # the numbers of all steps are those of the first
        steps = [self._coefficients(scale, first + i) for i, scale in enumerate(scales)]
        steps *= len(rows) // len(steps)
        samples = [self.net.draws(first - 1, rows.shape[-1])]
        if samples[0]:
            others = range(first, first + len(rows) - 1)
            samples += [self.net.draws(step, rows.shape[-1]) for step in others]
        place, missing = self.backend.as_argument, length - len(rows)
        if missing:  # with copies of the last, which nobody takes
            steps += steps[-1:] * missing
            samples += samples[-1:] * missing
            rows = np.concatenate([rows, np.broadcast_to(rows[-1:], (missing, *rows.shape[1:]))])
        draws: dict[str, Any] = {
            "rows": place(rows),
            "coefficients": {
                name: place(np.asarray([step[name] for step in steps]), self._dtype)
                for name in steps[0]
            },
            "net": {name: place(np.stack([draw[name] for draw in samples])) for name in samples[0]},
        }
        is_padded = not isinstance(self._train, StreamedRows) and self.backend.padded_steps(1) > 1
        return draws | {"steps": length - missing} if is_padded else draws

    def _coefficients(self, scale: Any, t: int) -> dict[str, Any]:
        """Return the rule's numbers at step `t`, at the learning rate times `scale`."""
        rate = self.hyper.get("learning_rate")
        hyper = self.hyper if rate is None else {**self.hyper, "learning_rate": rate * scale}
        return self.rule.coefficients(hyper, t)

    def evaluate(
        self,
        variables: Variables,
        splits: list[Split],
        targets: list[np.ndarray],
        batch_size: int | None = None,
    ) -> Scores:
        """Return metric, loss and whether it is finite on each part, with one transfer."""
        return self._scores.begin(variables, splits, targets, batch_size)()

    def begin_evaluation(
        self, variables: Variables, splits: list[Split], targets: list[np.ndarray]
    ) -> Callable[[], Scores]:
        """Begin to evaluate, and return what waits for what `evaluate` returns."""
        return self._scores.begin(variables, splits, targets, None)

    def wait_for_begun(self) -> None:
        """Wait until the device has taken all stretches that were begun."""
        if self._begun is not None:
            self.backend.wait_for(self._begun)

    def forget_begun(self) -> None:
        """Let go of the stretches that were begun and that nobody waits for."""
        self._begun = None

    def _kept(self, variables: Variables) -> Variables:
        """Return the variables as the net holds them."""
        if not self._is_narrow:
            return variables
        params, state = variables
        return Variables(in_dtype(params, self._kept_dtype, self.backend.xp), state)

    def _placed(self, x: np.ndarray) -> Array:
        """Return an array on the device, floats in the dtype of the arithmetic."""
        # From an array with gaps, or in Fortran order, each of NumPy's takes would copy the whole.
        whole = np.ascontiguousarray(x)
        return self.backend.asarray(whole, self._dtype if x.dtype.kind == "f" else None)

    def _left(self, split: Split) -> Preprocessor | None:
        """Return the preprocessing that is left to do to batches of a part."""
        return None if split.is_preprocessed else self.preprocess

    def _is_small(self, X: np.ndarray) -> bool:
        """Return whether inputs are few enough to be preprocessed all at once, and kept as floats.

        By a preprocessor of xpnet's own: another might make each batch anew, by chance.
        """
        num_bytes = X.size * np.dtype(np.float64).itemsize
        return are_ours(self.preprocess) and not self._is_narrow and num_bytes <= _SMALL

    def _make_stretch(self, fixed: Mapping[str, Any], preprocess: Preprocessor | None) -> Advance:
        """Return what takes a stretch of steps.

        Args:
            fixed: The terms of the loss that are numbers.
            preprocess: What is left to do to the inputs.

        """
        backend, net, rule = self.net.backend, self.net, self.rule
        step = make_step(net, rule, preprocess, fixed=fixed, dtype=self._dtype, xp=backend.step_xp)
        is_pure = are_ours(net, rule, preprocess)
        return backend.stretch(step, compiled=self.compiled, is_pure=is_pure)

    def _split_terms(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return the terms that are constants of the compiled step, and those that are arrays."""
        place = self.backend.asarray
        terms = self.net.constants() | {
            name: place(value, self._dtype) if isinstance(value, np.ndarray) else value
            for name, value in (*self.terms.items(), ("clip_norm", self.clip_norm))
        }
        fixed = {name: v for name, v in terms.items() if v is None or isinstance(v, int | float)}
        return fixed, {name: v for name, v in terms.items() if name not in fixed}
