"""Calls of a model's loss that do not disturb each other: each from the same state and draws."""

import copy
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from xpnet.diagnostics.copies import own_copy
from xpnet.diagnostics.own_loss import call_loss, scores_of, to_host
from xpnet.nets import Net

__all__ = ["Replay", "kept_draws"]


class Replay:
    """A model whose every call begins from the same state, and draws the same numbers.

    Each call is of a copy that shares the parameters alone. Generators that the model holds are
    copied with it; those of its module or class, and the global ones of NumPy and Python, are set
    back after each call.

    Args:
        model: Any that a Solver takes, which is copied.

    Raises:
        InputError: It cannot be copied.

    """

    def __init__(self, model: Any) -> None:
        self.model = own_copy(model)

    def loss(self, X: np.ndarray, y: np.ndarray) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients on the host."""
        with kept_draws(self.model):
            return call_loss(self._sharing(), X, y)

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return the scores (N, C) on the host."""
        with kept_draws(self.model):
            return scores_of(self._sharing(), X)

    def advance(self, X: np.ndarray, y: np.ndarray) -> None:
        """Call the loss once without setting anything back: the next calls draw other numbers."""
        call_loss(self.model, X, y)

    def draws(self, X: np.ndarray, y: np.ndarray) -> bool:
        """Return whether two calls of one copy give two losses."""
        with kept_draws(self.model):
            model = self._sharing()
            first, second = (call_loss(model, X, y)[0] for _ in range(2))
        return bool(np.isfinite([first, second]).all()) and first != second

    def _sharing(self) -> Any:
        if isinstance(self.model, Net):
            made = copy.copy(self.model)
            made.params, made.state = dict(self.model.params), dict(self.model.state)
            return made
        return copy.deepcopy(self.model, {id(w): w for w in self.model.params.values()})

    def writes(self, X: np.ndarray, y: np.ndarray) -> bool:
        """Return whether a call changes the parameters, so that copies cannot share them."""
        with kept_draws(self.model):
            model = own_copy(self.model)
            before = {name: to_host(w).copy() for name, w in model.params.items()}
            call_loss(model, X, y)
            after = {name: to_host(w) for name, w in model.params.items()}
        return any(not np.array_equal(w, after[name]) for name, w in before.items())


@contextmanager
def kept_draws(model: Any) -> Iterator[None]:
    """Set the random numbers of NumPy, Python, and the model's class and module back at the end."""
    own = _generators(model)
    states = [_state_of(generator) for generator in own]
    of_numpy, of_python = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(of_numpy)  # noqa: NPY002
        random.setstate(of_python)
        for generator, state in zip(own, states, strict=True):
            _set_state(generator, state)


def _generators(model: Any) -> list[Any]:
    """Return the generators that a copy of the model would share with it."""
    kinds = (np.random.Generator, np.random.RandomState, random.Random)
    places: list[Mapping[str, Any]] = [vars(kind) for kind in type(model).__mro__]
    places += [
        vars(sys.modules[kind.__module__])
        for kind in type(model).__mro__
        if kind is not object and kind.__module__ in sys.modules
    ]
    found = [
        value for place in places for value in list(place.values()) if isinstance(value, kinds)
    ]
    return list({id(generator): generator for generator in found}.values())


def _state_of(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return copy.deepcopy(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        return generator.get_state()
    return generator.getstate()


def _set_state(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)
