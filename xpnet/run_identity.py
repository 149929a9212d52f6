"""What makes a run this one: where it differs, a checkpoint belongs to another."""

import hashlib
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.errors import InputError
from xpnet.net_records import net_config
from xpnet.net_trainer import NetTrainer
from xpnet.nets import FullyConnectedNet
from xpnet.optim import UpdateRule

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["check_identity", "data_digest", "identity_of"]

_ROWS = 256


def identity_of(solver: "Solver") -> dict[str, Any]:
    """Return what JSON can hold of all that the steps of a training depend on.

    Device and precision are not among it: a run may go on elsewhere. Of callables there is the
    name alone.
    """
    trainer, loop, model = solver._trainer, solver._loop, solver.model
    rule, terms, hyper = solver.update_rule, {}, solver.optim_config
    if isinstance(trainer, NetTrainer):
        terms, hyper = trainer.terms, dict(trainer.hyper)
    rule_name = rule.name if isinstance(rule, UpdateRule) else _for_json(rule)
    is_net = isinstance(model, FullyConnectedNet)
    weights = solver._sample_weights
    found: dict[str, Any] = {
        "model": type(model).__name__,
        "params": {name: list(w.shape) for name, w in model.params.items()},
        **{f"net's {name}": v for name, v in (net_config(model) if is_net else {}).items()},
        "update_rule": rule_name,
        **{f"{rule_name}'s {name}": value for name, value in hyper.items()},
        "lr_decay": loop.rates.lr_decay,
        "lr_schedule": loop.rates.schedule,
        "batch_size": solver.batch_size,
        "num_epochs": solver.num_epochs,
        "seed": solver.seeds,
        "sampling": solver.sampling,
        "preprocess": getattr(solver.preprocess, "text", solver.preprocess),
        "patience": solver.patience,
        "clip_norm": trainer.clip_norm,
        "class_weights": terms.get("class_weights"),
        "label_smoothing": terms.get("label_smoothing", 0.0),
        "sample_weights": None if weights is None else _digest(weights),
        "num_train_samples": solver.num_train_samples,
        "num_val_samples": solver.num_val_samples,
        "data": solver._data_digest,
    }
    return {name: _for_json(value) for name, value in found.items()}


def check_identity(saved: Any, solver: "Solver") -> None:
    """Raise InputError unless a checkpoint's identity is the Solver's."""
    now = identity_of(solver)
    saved = saved if isinstance(saved, Mapping) else {}
    for name in {**now, **saved}:
        if name in saved and name in now and saved[name] == now[name]:
            continue
        if name == "data":
            raise InputError(
                "the checkpoint is of a run on other data: give the Solver the same arrays, in the "
                "same order"
            )
        longer = ""
        if name == "num_epochs":
            longer = ", and to train longer call resume(path, num_epochs=...)"
        raise InputError(
            f"the checkpoint is of another run: {name} was {saved.get(name)!r} and is "
            f"{now.get(name)!r} now: make the model and the Solver as they were{longer}"
        )


def data_digest(*parts: tuple[np.ndarray, np.ndarray]) -> str:
    """Return a digest of inputs and targets: of all targets, and of 256 rows spread over inputs.

    So it is quick on a set that is larger than the memory, and finds another set, another order,
    another split and every other label, but not a change in a few single inputs.
    """
    found = []
    for X, y in parts:
        rows = np.unique(np.linspace(0, len(X) - 1, _ROWS).astype(np.int64))
        found += [f"{X.dtype.str}{X.shape}{y.dtype.str}{y.shape}", _digest(np.asarray(X[rows]))]
        found.append(_digest(y))
    return hashlib.sha256("".join(found).encode()).hexdigest()


def _digest(x: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()


def _for_json(value: Any) -> Any:
    """Return a value as JSON gives it back; of a function its name, of our schedules their repr."""
    if isinstance(value, np.ndarray | np.generic):
        plain = value.tolist()
        return str(plain) if isinstance(plain, np.generic) else _for_json(plain)
    if isinstance(value, Mapping):
        return {str(key): _for_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_for_json(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        is_odd = isinstance(value, float) and not math.isfinite(value)
        return str(value) if is_odd else value  # JSON has no NaN and no infinity
    name = getattr(value, "__qualname__", type(value).__qualname__)
    return repr(value) if type(value).__module__.startswith("xpnet.") else name
