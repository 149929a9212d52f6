"""Trainers that take the same steps as another on copies of all that steps change."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from xpnet.backends import Backend
from xpnet.backends.base import Advance
from xpnet.data.batches import gather
from xpnet.errors import InputError
from xpnet.model_trainer import ModelTrainer
from xpnet.model_variables import copied
from xpnet.net_trainer import NetTrainer
from xpnet.nets import Net, Variables
from xpnet.nets.watched import Watch, piece_of, watched_net, with_watched
from xpnet.optim import UpdateRule, clip_by_global_norm
from xpnet.preprocessing import Preprocessor
from xpnet.trainers import Trainer
from xpnet.training_step import make_step

__all__ = ["make_twin", "own_copy"]

_T = TypeVar("_T")


def make_twin(trainer: Trainer, watch: Watch | None, *, compiled: bool = False) -> Trainer:
    """Return a trainer that goes on from where `trainer` is, and leaves it alone.

    Args:
        trainer: The one of the training.
        watch: What measures the pieces, or None.
        compiled: Whether steps are compiled as in the training; watched steps are not.

    Raises:
        InputError: A model that is not ours cannot be copied.

    """
    if isinstance(trainer, ModelTrainer):
        return _model_twin(trainer, watch)
    return _CompiledTwin(trainer) if compiled else _EagerTwin(trainer, watch)


def own_copy(value: _T, what: str) -> _T:
    """Return a deep copy, so that nobody's own object is changed by being measured.

    Raises:
        InputError: `value` does not let itself be copied.

    """
    try:
        return copy.deepcopy(value)
    except Exception as error:  # whatever a foreign object raises
        raise InputError(
            f"a profile works on a copy of the {what}, and {type(value).__name__} cannot be "
            f"copied ({error}): give it a method __deepcopy__"
        ) from error


class _Twin(NetTrainer):
    """A NetTrainer that begins with copies of another's slots, and takes all in its turn."""

    stretches_ahead = 0

    def __init__(
        self, trainer: NetTrainer, net: Net, rule: UpdateRule, preprocess: Any, **options: Any
    ) -> None:
        super().__init__(
            net,
            rule,
            trainer.hyper,
            trainer.metric,
            preprocess,
            terms=trainer.terms,
            clip_norm=trainer.clip_norm,
            **options,
        )
        self._slots = {
            name: dict(copied(Variables(slots, {})).params)
            for name, slots in trainer._slots.items()
        }


class _CompiledTwin(_Twin):
    """The steps as the training takes them; what it has compiled is used again."""

    def __init__(self, trainer: NetTrainer) -> None:
        net = copy.copy(trainer.net)
        net.params, net.state = dict(net.params), dict(net.state)
        super().__init__(trainer, net, trainer.rule, trainer.preprocess, compiled=trainer.compiled)
        # NumPy's replay writes into arrays of its own, which the training goes on with.
        is_kept = not self.backend.replays
        self._ready: Advance | None = vars(trainer).get("_stretch") if is_kept else None

    def _make_stretch(self, fixed: Mapping[str, Any], preprocess: Preprocessor | None) -> Advance:
        return self._ready or super()._make_stretch(fixed, preprocess)


class _EagerTwin(_Twin):
    """The steps one operation after the other, watched or not."""

    def __init__(self, trainer: NetTrainer, watch: Watch | None) -> None:
        net, rule, preprocess = trainer.net, trainer.rule, trainer.preprocess
        self._functions: dict[str, Callable[..., Any]] = {}
        self._watch = watch
        if watch is None:
            net = copy.copy(net)
            net.params, net.state = dict(net.params), dict(net.state)
        else:
            net, rule = _watched_update(watched_net(net, watch), rule, watch)
            if preprocess is not None:
                name = f"preprocessing ({getattr(preprocess, 'text', preprocess)})"
                preprocess = with_watched(preprocess, watch, apply=("batch", name))
            self._functions = {
                "gather": watch("batch", "rows gathered", gather),
                "clip": watch("update", "clipping", clip_by_global_norm),
            }
        super().__init__(trainer, net, rule, preprocess)
        if watch is not None:
            self.backend = with_watched(
                self.backend,
                watch,
                asarray=("batch", "rows and numbers to the device"),
                to_numpy=("rest", "losses to the host"),
            )
            _with(self, advance=watch("rest", "between steps", self.advance))

    def _make_stretch(self, fixed: Mapping[str, Any], preprocess: Preprocessor | None) -> Advance:
        """Return the loop in Python, also where the library compiles without being asked."""
        step = make_step(
            self.net,
            self.rule,
            preprocess,
            fixed=fixed,
            dtype=self.net.compute_dtype,
            xp=self.net.backend.xp,
            **self._functions,
        )
        if self._watch is not None:
            step = self._watch("rest", "between the pieces of a step", step)
        return Backend.stretch(self.net.backend, step)


def _watched_update(net: Net, rule: UpdateRule, watch: Watch) -> tuple[Net, UpdateRule]:
    """Return net and rule such that each update is charged to its parameter's layer.

    A rule is not told whose parameter it gets, so the net notes whose they are at each step.
    """
    owners: dict[int, str] = {}
    pieces = {name: piece_of(net, name) for name in net.params}
    by_piece = {
        piece: watch("update", piece, rule.apply) for piece in (*pieces.values(), "parameters")
    }
    inner = net.loss_and_gradients

    def loss_and_gradients(variables: Variables, *rest: Any) -> Any:
        owners.clear()
        owners.update((id(w), pieces[name]) for name, w in variables.params.items())
        return inner(variables, *rest)

    def apply(w: Any, *rest: Any) -> Any:
        return by_piece[owners.get(id(w), "parameters")](w, *rest)

    net = _with(net, loss_and_gradients=loss_and_gradients)
    seen = with_watched(rule, watch, coefficients=("update", "learning rates and the like"))
    return net, _with(seen, apply=apply)


def _model_twin(trainer: ModelTrainer, watch: Watch | None) -> ModelTrainer:
    """Return a trainer of copies of the model, the rule and its configs."""
    twin = copy.copy(trainer)
    twin.model = own_copy(trainer.model, "model")
    twin.rule = own_copy(trainer.rule, "update rule")
    twin._configs = own_copy(trainer._configs, "update rule's config")
    if watch is None:
        return twin
    gathered = "rows gathered" if twin.preprocess is None else "rows gathered, preprocessed"
    update = {name: watch("update", name, twin._update) for name in twin.params}
    return _with(
        twin,
        _batch=watch("batch", gathered, twin._batch),
        _loss=watch("gradients", "model.loss(X, y)", twin._loss),
        _host_loss=watch("rest", "losses to the host", twin._host_loss),
        _clipped=watch("update", "clipping", twin._clipped),
        _update=lambda name, grads: update[name](name, grads),
    )


def _with(owner: _T, **methods: Callable[..., Any]) -> _T:
    """Return `owner` with methods of its own."""
    for name, method in methods.items():
        setattr(owner, name, method)
    return owner
