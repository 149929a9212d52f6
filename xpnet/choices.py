"""What the command lines let one choose from, as text: `python -m xpnet.train --list`."""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from xpnet.backends import DEVICE_CHOICES, get_backend
from xpnet.data import NAMES
from xpnet.errors import BackendError
from xpnet.initializers import INITIALIZERS
from xpnet.layers import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.optim import RULES
from xpnet.preprocessing import PREPROCESSORS
from xpnet.schedules import SCHEDULES

__all__ = ["choices_text"]

_WIDTH = 98
_ACTIVATION_LINES = {
    "relu": "max(x, 0); the gradient vanishes for x <= 0",
    "leaky_relu": "max(0.01 x, x); the gradient vanishes nowhere",
    "elu": "x, or exp(x) - 1 below 0; the gradient vanishes for x far below 0",
    "selu": "1.05 x, or 1.76 (exp(x) - 1) below 0; keeps mean 0 and variance 1 by itself",
    "gelu": "nearly x P(Z < x) for a normal Z; smooth, the gradient vanishes for x far below 0",
    "mish": "x tanh(log(1 + exp(x))); smooth, the gradient vanishes for x far below 0",
    "hardshrink": "x, or 0 for |x| <= 0.5, where the gradient vanishes",
    "sigmoid": "1 / (1 + exp(-x)); the gradient vanishes for large |x|",
    "tanh": "tanh(x); the gradient vanishes for large |x|",
    "identity": "x, so that all layers together are one linear map",
    "maxout": "the larger of two affine pieces, with twice the parameters",
}
_NORMALIZATION_LINES = {
    "none": "hidden layers as they are",
    "batchnorm": "each unit at mean 0 and variance 1 over the batch, then scaled anew",
    "layernorm": "each sample at mean 0 and variance 1 over the units, then scaled anew",
}
# Without those that are other names of these, or choose among them.
_DEVICES = [
    name
    for name in (choice.partition("[")[0] for choice in DEVICE_CHOICES)
    if name not in ("auto", "numpy", "cupy")
]


def choices_text() -> str:
    """Return every choice with a line on each, by option."""
    sections: dict[str, Mapping[str, str]] = {
        "--dataset": {
            **NAMES,
            "FILE.npz": "your own arrays",
            "DIR": "a folder of your own X_train.npy and so on, which may exceed the memory",
        },
        "--preprocess": {kind.form: _first_line(kind) for kind in PREPROCESSORS.values()},
        "--activation": {name: _ACTIVATION_LINES[name] for name in (*ACTIVATIONS, "maxout")},
        "--normalization": _NORMALIZATION_LINES,
        "--initializer": {name: _first_line(f) for name, f in INITIALIZERS.items()},
        "--loss": {name: _first_line(f) for name, f in LOSSES.items()},
        "--update-rule": {name: _rule_line(rule) for name, rule in RULES.items()},
        "--schedule": {name: _first_line(kind) for name, (kind, _) in SCHEDULES.items()},
        "--device": {name: _device_line(name) for name in _DEVICES},
    }
    lines = []
    for option, entries in sections.items():
        width = max(map(len, entries))
        lines += [option, *(_entry(name.ljust(width), text) for name, text in entries.items()), ""]
    return "\n".join([*lines, _wrapped(f"--device takes {', '.join(DEVICE_CHOICES)}", "")])


def _entry(name: str, text: str) -> str:
    return _wrapped(f"  {name}  {text}", " " * (len(name) + 4))


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _first_line(thing: Callable[..., Any]) -> str:
    """Return the first line of a docstring, without what a docstring has to say of shapes."""
    line = (thing.__doc__ or "").strip().splitlines()[0].removeprefix("Return ")
    return line.removesuffix(".").removesuffix(", and its gradient by `x`")


def _rule_line(rule: Any) -> str:
    """Return what a rule does, and its hyperparameters."""
    numbers = ", ".join(f"{name} {value:g}" for name, value in rule.defaults.items())
    return f"{_first_line(type(rule))} ({numbers})"


def _device_line(name: str) -> str:
    """Return what would compute there, or why nothing can."""
    try:
        return get_backend(name).description
    except BackendError as error:
        return f"not here: {error.reason}"
