"""A training: data, a net and the Solver's options; and the same with something changed."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import xpnet
from planted.data import Arrays
from planted.models import OwnNet
from xpnet.preprocessing import get_preprocessor

__all__ = ["Case", "Run", "own", "run"]


@dataclass(frozen=True, eq=False)
class Run:
    """A training, made anew each time.

    Attributes:
        name: What it is called in the table.
        data: Makes the arrays.
        hidden: Units of each hidden layer.
        net: Options of FullyConnectedNet; or of OwnNet where `is_own`.
        options: Of the Solver.
        is_own: Whether the net is one that knows nothing of xpnet.
        spoil: What is done to the model before it is handed over.
        own_model: Makes a model in the place of these, or None.

    """

    name: str
    data: Callable[[], Arrays]
    hidden: tuple[int, ...]
    net: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    is_own: bool = False
    spoil: Callable[[Any], None] | None = None
    own_model: Callable[[], Any] | None = None

    def make(self) -> tuple[Any, Arrays, dict[str, Any]]:
        """Return model, data and options."""
        data = self.data()
        X, y = data["X_train"], data["y_train"]
        features = int(np.prod(X.shape[1:]))
        preprocess = get_preprocessor(self.options.get("preprocess"))
        if preprocess is not None:
            fitted = preprocess if preprocess.fitted else preprocess.fit(np.nan_to_num(X))
            features = fitted.output_dim(features)
        net = dict(self.net)
        if y.dtype.kind == "f":
            net.setdefault("loss", "squared")
            outputs = int(np.prod(y.shape[1:]))
        else:
            outputs = 1 + int(max(y.max(), data["y_val"].max()))
        outputs = net.pop("num_classes", outputs)
        model: Any
        if self.own_model is not None:
            model = self.own_model()
        elif self.is_own:
            model = OwnNet(features, self.hidden[0], outputs, **net)
        else:
            model = xpnet.FullyConnectedNet(list(self.hidden), features, outputs, **net)
        if self.spoil is not None:
            self.spoil(model)
        return model, data, dict(self.options)

    def but(
        self,
        *,
        data: Callable[[Arrays], Arrays] | None = None,
        hidden: tuple[int, ...] | None = None,
        net: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        rate: float | None = None,
        spoil: Callable[[Any], None] | None = None,
        own_model: Callable[[], Any] | None = None,
    ) -> "Run":
        """Return the run with something changed; `rate` multiplies the learning rate."""
        changed = {**self.options, **(options or {})}
        if rate is not None:
            config = dict(changed["optim_config"])
            changed["optim_config"] = {**config, "learning_rate": config["learning_rate"] * rate}
        source = self.data
        return dataclasses.replace(
            self,
            data=source if data is None else lambda: data(source()),
            hidden=self.hidden if hidden is None else hidden,
            net={**self.net, **(net or {})},
            options={name: v for name, v in changed.items() if v is not None},
            spoil=self.spoil if spoil is None else spoil,
            own_model=self.own_model if own_model is None else own_model,
        )


@dataclass(frozen=True, eq=False)
class Case:
    """A run, what was planted in it, and which verdicts name that; none for a healthy run."""

    run: Run
    planted: str = ""
    names: tuple[str, ...] = ()


def run(
    name: str,
    data: Callable[[], Arrays],
    hidden: tuple[int, ...],
    rule: str,
    rate: float,
    **rest: Any,
) -> Run:
    """Return a healthy run of a net of xpnet; `rest` may have `net` and the Solver's options."""
    net = rest.pop("net", {})
    options = {"update_rule": rule, "optim_config": {"learning_rate": rate}, **rest}
    return Run(name, data, hidden, net, options)


def own(
    name: str, data: Callable[[], Arrays], hidden: int, rule: Any, rate: float, **rest: Any
) -> Run:
    """Return a healthy run of a model that knows nothing of xpnet."""
    made = run(name, data, (hidden,), rule, rate, **rest)
    return dataclasses.replace(made, is_own=True)
