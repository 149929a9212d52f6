"""Looks at the net that a Solver trains: the statistics of its layers now, with one transfer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from xpnet.backends import Array
from xpnet.data.batches import sample_rows
from xpnet.diagnostics.histogram import BINS, EDGES
from xpnet.diagnostics.layer_outputs import (
    Tap,
    check_layers,
    layer_names,
    tapped,
    weight_names,
)
from xpnet.diagnostics.layer_statistics import STATISTICS, layer_statistics, nonfinite_shares
from xpnet.diagnostics.validation_statistics import activity, over_batches
from xpnet.errors import InputError
from xpnet.evaluation import CHECK_BATCH, measured_batches
from xpnet.net_trainer import NetTrainer
from xpnet.nets import FullyConnectedNet, Params, Variables
from xpnet.nets.regularisation import add_penalty_gradients, is_regularised
from xpnet.nets.storage import in_dtype
from xpnet.optim import clip_by_global_norm
from xpnet.training_step import updated

if TYPE_CHECKING:
    from xpnet.solver import Solver

__all__ = ["Looks"]


class Looks:
    """Takes looks, and leaves the training as it is: what a step would write into is copied.

    Args:
        solver: Whose net it is, between two stretches of its steps.

    Raises:
        InputError: The net or the update rule is none of xpnet's.

    """

    def __init__(self, solver: "Solver") -> None:
        trainer = solver._loop.trainer
        if not isinstance(trainer, NetTrainer):
            raise InputError(
                "only a net and an update rule of xpnet's own can be watched; got "
                f"{type(solver.model).__name__} by {solver.update_rule!r}: leave Watch out"
            )
        self.net: FullyConnectedNet = check_layers(trainer.net)
        self.layers = layer_names(self.net)
        self._solver, self._trainer, self._backend = solver, trainer, trainer.backend
        self._loop = solver._loop
        self._tap = tapped(self.net)
        self._fixed, _ = trainer._split_terms()
        self._preprocess = trainer._left(self._loop.parts.train)
        self._val_preprocess = trainer._left(self._loop.parts._val)
        # Not replayed, although it is pure: so rare are looks that the recording, and the memory
        # that it keeps, would not pay.
        self._measure = self._backend.repeated(self._measured)
        self._activity = self._backend.repeated(self._active)

    def look(self, live: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return the statistics and histograms of a batch, by name, on the host.

        The batch is drawn from the training part by the number of the step alone.
        """
        rows = sample_rows(self._solver.num_train, self._solver.batch_size, self._loop.step)
        return self.statistics(live, rows)

    def now(self) -> dict[str, Any]:
        """Return the arrays that the training moves, not copied."""
        return self.live(self._trainer._variables, self._trainer._slots)

    def wait_for_steps(self) -> None:
        """Wait for the steps that were begun ahead, which are no part of a look's time."""
        self._trainer.wait_for_begun()

    def at_start(self) -> dict[str, Any] | None:
        """Return those from before the first step; None once the training has been checked.

        Until then they are the best that there were.
        """
        if self._loop.step != 1 or self._solver.check_steps:
            return None
        params, state = self._solver._best.variables
        params, xp = in_dtype(params, self.net.compute_dtype, self._backend.xp), self._backend.xp
        slots = {
            name: {slot: xp.zeros_like(params[name]) for slot in own}
            for name, own in self._trainer._slots.items()
        }
        return self.live(Variables(params, state), slots)

    def live(self, variables: Variables, slots: dict[str, Any]) -> dict[str, Any]:
        """Return what a look is at."""
        own = {"numbers": self._trainer._numbers, "terms": self._trainer._data["terms"]}
        return {"variables": variables, "slots": slots, **own}

    def statistics(self, live: Mapping[str, Any], rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return what `layer_statistics` finds on training rows, (B,) or (members, B)."""
        batch = self._batch(rows) | {"coefficients": self._coefficients()}
        return self._by_name(self._backend.to_numpy(self._measure(live, batch)))

    def _by_name(self, host: np.ndarray) -> dict[str, np.ndarray]:
        """Return what `_measured` has in a row."""
        count = self.net.num_layers
        found = {name: host[..., i * count : (i + 1) * count] for i, name in enumerate(STATISTICS)}
        start = count * len(STATISTICS)
        for name in EDGES:
            own = host[..., start : start + count * BINS]
            found[name] = own.reshape(*host.shape[:-1], count, BINS)
            start += count * BINS
        return found

    def nonfinite_shares(self, twin: NetTrainer, rows: np.ndarray) -> np.ndarray:
        """Return which share of each layer's outputs is NaN or infinite, and no more.

        Args:
            twin: Takes the steps of the training, or of some of its members.
            rows: Training rows, (B,) or (those members, B).

        """
        batch, live = self._batch(rows), {"numbers": twin._numbers}
        x, xp = self._x(batch, live, self._preprocess), self._backend.xp
        terms = {**self._fixed, **twin._data["terms"]}
        found = nonfinite_shares(check_layers(twin.net), twin._variables, x, batch["y"], terms, xp)
        return self._backend.to_numpy(found)

    def dead_on_validation(self, live: Mapping[str, Any]) -> np.ndarray:
        """Return which share of each layer's units is 0 on the whole validation part.

        Of shape (layers,), or (members, layers).
        """
        part = self._loop.parts._val
        found = list(measured_batches(self._activity, live, part, CHECK_BATCH))
        dead = over_batches(self.net, found, self._backend.xp)["dead_share"]
        return self._backend.to_numpy(dead)

    def rate_scale(self, step: int | None = None) -> np.ndarray:
        """Return what the learning rate was multiplied by at a step, () or (members,).

        Args:
            step: From 1; None for the last one.

        """
        loop, per_epoch = self._loop, self._solver.steps_per_epoch
        at = loop.rates.at((step or loop.step) - 1, 1, per_epoch * loop.last_epoch, loop.last_epoch)
        return np.asarray(at[-1])

    def _batch(self, rows: np.ndarray) -> dict[str, Array]:
        """Return training rows, (B,) or (members, B), on the device."""
        flat = rows.reshape(-1)
        part = self._trainer.subset(self._loop.parts.train, flat)
        X, y = part.X[0 : len(flat), ...], part.y
        if rows.ndim > 1:
            xp = self._backend.xp
            X = xp.reshape(X, (*rows.shape, *X.shape[1:]))
            y = xp.reshape(y, (*rows.shape, *y.shape[1:]))
        return {"X": X, "y": y}

    def _coefficients(self, step: int | None = None) -> dict[str, Array]:
        """Return the numbers of the update rule, as at a step, or the last one."""
        hyper = dict(self._trainer.hyper)
        if "learning_rate" in hyper:
            hyper["learning_rate"] = hyper["learning_rate"] * self.rate_scale(step)
        found = self._trainer.rule.coefficients(hyper, step or self._loop.step)
        dtype = self.net.compute_dtype
        return {name: self._backend.asarray(x, dtype) for name, x in found.items()}

    def _measured(
        self, live: Mapping[str, Any], batch: Mapping[str, Any], tap: Tap | None = None
    ) -> Array:
        """Return all that `layer_statistics` does, as one array (..., numbers); pure."""
        backend, xp, tap = self._backend, self._backend.xp, self._tap if tap is None else tap
        member_axes = 0 if tap.net.members is None else 1
        terms = {**self._fixed, **live["terms"]}
        found = layer_statistics(
            tap.net,
            live["variables"],
            self._x(batch, live, self._preprocess),
            batch["y"],
            terms | {"reg": 0.0},
            update=lambda params, grads: self._step(params, grads, terms, live, batch, member_axes),
            xp=backend.xp,
            tap=tap,
        )
        flat = [found[name] for name in STATISTICS]
        lead = flat[0].shape[:-1]
        flat += [xp.reshape(found[name], (*lead, -1)) for name in EDGES]
        return xp.concat(flat, axis=-1)

    def _x(self, batch: Mapping[str, Any], live: Mapping[str, Any], preprocess: Any) -> Array:
        """Return what goes into the net."""
        xp = self._backend.xp
        x = xp.astype(batch["X"], self.net.compute_dtype, copy=True)
        return x if preprocess is None else preprocess.apply(x, live["numbers"], xp)

    def _step(
        self,
        params: Params,
        grads: Params,
        terms: Mapping[str, Any],
        live: Mapping[str, Any],
        batch: Mapping[str, Any],
        member_axes: int,
    ) -> Params:
        """Return copies of the parameters as a step of the training on this batch would move them.

        The weights of samples are left out.
        """
        xp = self._backend.xp
        if is_regularised(terms["reg"]):
            add_penalty_gradients(grads, params, weight_names(self.net), terms["reg"], xp)
        if terms["clip_norm"] is not None:
            grads = clip_by_global_norm(grads, terms["clip_norm"], member_axes, xp=xp)
        copies = {name: xp.astype(w, w.dtype, copy=True) for name, w in params.items()}
        slots = {
            name: {slot: xp.astype(x, x.dtype, copy=True) for slot, x in own.items()}
            for name, own in live["slots"].items()
        }
        c = batch["coefficients"]
        return updated(self._trainer.rule, copies, grads, slots, c, member_axes, xp)[0]

    def _active(self, live: Mapping[str, Any], batch: Mapping[str, Any]) -> Array:
        """Return what `activity` finds on a batch of the validation part; pure."""
        x = self._x(batch, live, self._val_preprocess)
        return activity(self.net, live["variables"], x, self._backend.xp)
