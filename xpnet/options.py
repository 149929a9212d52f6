"""The options that the command lines share."""

import argparse
import difflib
from typing import Any, NoReturn

from xpnet.backends import DEVICE_CHOICES
from xpnet.errors import InputError
from xpnet.initializers import INITIALIZERS
from xpnet.optim import RULES
from xpnet.preprocessing import forms, get_preprocessor
from xpnet.presets import COMMON, PRESETS, preset

__all__ = ["OneLineParser", "add_options", "hyperparameters", "optim_config"]

_RULE_OPTIONS = {
    "momentum": "share of the last step that is kept (sgd_momentum, nesterov_momentum)",
    "decay_rate": "decay of the running mean square (rmsprop)",
    "beta1": "decay of the running mean of the gradient (adam, adamw)",
    "beta2": "decay of the running mean of its square (adam, adamw)",
    "epsilon": "added to the root, against division by 0 (rmsprop, adam, adamw)",
    "weight_decay": "decoupled weight decay (adamw)",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for data, net, training, machine and output, in groups."""
    _add_data(parser.add_argument_group("data"))
    _add_net(parser.add_argument_group("net"))
    _add_training(parser.add_argument_group("training"))
    _add_machine(parser.add_argument_group("machine"))
    _add_output(parser.add_argument_group("output"))


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others, with the option that was meant."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with status 2."""
        unknown = [word for word in message.split() if word.startswith("--")]
        if message.startswith("unrecognized arguments") and unknown:
            names = [option.lstrip("-") for option in self._option_string_actions]
            close = difflib.get_close_matches(unknown[0].lstrip("-"), names, n=1)
            message += f" (did you mean --{close[0]}?)" if close else ""
        name = self.prog.removeprefix("python -m ")
        self.exit(2, f"{name}: error: {message}; --help has all options\n")


def hyperparameters(options: argparse.Namespace, num_train: int) -> dict[str, Any]:
    """Return every hyperparameter of a run: what was given, and the data set's defaults.

    The default batch is no larger than the training set.

    Raises:
        InputError: An option was given that the others leave without a meaning.

    """
    defaults = preset(options.dataset, options.update_rule)
    chosen = {
        name: default if getattr(options, name) is None else getattr(options, name)
        for name, default in defaults.items()
    }
    if options.batch_size is None:
        chosen["batch_size"] = min(chosen["batch_size"], num_train)
    if chosen["initializer"] != "gaussian":
        del chosen["weight_scale"]
    if options.weight_scale is not None and chosen["initializer"] != "gaussian":
        raise InputError(
            f"--weight-scale {options.weight_scale} has no meaning for {chosen['initializer']}, "
            "which has a scale of its own: leave it out or choose --initializer gaussian"
        )
    for name in ("seed", "dtype", "sampling", "preprocess"):
        chosen[name] = getattr(options, name)
    return {**chosen, **optim_config(options, chosen)}


def optim_config(options: argparse.Namespace, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return the hyperparameters of the chosen update rule, its own defaults included.

    Raises:
        InputError: An option was given that belongs to another rule.

    """
    rule = RULES[chosen["update_rule"]]
    config = {"learning_rate": chosen["learning_rate"]}
    for name in _RULE_OPTIONS:
        given = getattr(options, name)
        if given is not None and name not in rule.defaults:
            raise InputError(
                f"--{name.replace('_', '-')} {given} has no meaning for {rule.name}, which has "
                f"{', '.join(rule.defaults)}: leave it out or choose another --update-rule"
            )
        if name in rule.defaults:
            config[name] = rule.defaults[name] if given is None else given
    return config


def _default(name: str) -> str:
    """Return the text of an option's defaults: one, or one for each data set."""
    if name in COMMON:
        return f"(default: {COMMON[name]})"
    texts = [f"{dataset} {preset(dataset)[name]}" for dataset in PRESETS]
    return f"(default: {', '.join(texts)}, your own {preset('')[name]})"


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|FILE.npz",
        help="digits, cifar10, or your own file with X_train, y_train, X_val, y_val, or with X and "
        "y to be split (default: digits)",
    )
    group.add_argument(
        "--data-dir",
        metavar="DIR",
        help="the folder of the CIFAR-10 files (default: $XPNET_DATA_DIR, then ~/.cache/xpnet)",
    )
    group.add_argument(
        "--download", action="store_true", help="fetch CIFAR-10 (170 MB) if it is not there"
    )
    group.add_argument(
        "--preprocess",
        type=_preprocess,
        default="mean",
        metavar="NAME[:PARAMETER][+...]",
        help=f"{forms()}; or several joined by +, applied in that order, such as "
        "standard+pca:0.95; N components, or the fewest with that SHARE of the variance; fitted on "
        "the training part (default: mean)",
    )


def _preprocess(text: str) -> str:
    """Return the text of a preprocessor, as the library writes it."""
    try:
        preprocess = get_preprocessor(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return "none" if preprocess is None else preprocess.text


def _add_net(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden-dim", type=int, metavar="H", help=f"hidden units {_default('hidden_dim')}"
    )
    group.add_argument(
        "--initializer",
        choices=list(INITIALIZERS),
        help=f"how weights start {_default('initializer')}",
    )
    group.add_argument(
        "--weight-scale",
        type=float,
        metavar="S",
        help=f"standard deviation of the gaussian initializer {_default('weight_scale')}",
    )
    group.add_argument(
        "--reg", type=float, metavar="R", help=f"L2 regularisation strength {_default('reg')}"
    )
    group.add_argument(
        "--dtype",
        choices=["float32", "float64"],
        default="float32",
        help="of parameters and batches (default: float32)",
    )


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--update-rule",
        choices=list(RULES),
        help=f"how parameters move along the gradient {_default('update_rule')}",
    )
    group.add_argument(
        "--learning-rate",
        type=float,
        metavar="LR",
        help=f"of the first epoch {_default('learning_rate')}; depends on the rule",
    )
    group.add_argument(
        "--lr-decay",
        type=float,
        metavar="F",
        help=f"the learning rate is multiplied by it after each epoch {_default('lr_decay')}",
    )
    group.add_argument(
        "--num-epochs", type=int, metavar="N", help=f"passes over the data {_default('num_epochs')}"
    )
    group.add_argument(
        "--batch-size", type=int, metavar="N", help=f"samples a step {_default('batch_size')}"
    )
    group.add_argument(
        "--sampling",
        choices=["shuffle", "replacement"],
        default="shuffle",
        help="how batches are drawn; replacement is the notes' way (default: shuffle)",
    )
    group.add_argument(
        "--seed", type=int, default=0, help="of weights, batches and splits (default: 0)"
    )
    for name, text in _RULE_OPTIONS.items():
        defaults = {rule.defaults[name] for rule in RULES.values() if name in rule.defaults}
        group.add_argument(
            f"--{name.replace('_', '-')}",
            type=float,
            metavar="F",
            help=f"{text} (default: {defaults.pop()})",
        )


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--device",
        default="cpu",
        help=f"{', '.join(DEVICE_CHOICES)}; gpu is CuPy, auto takes a GPU that works "
        "(default: cpu)",
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="compile the steps on torch devices, which takes half a minute first; JAX always does",
    )
    group.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="threads of the matrix products; 1 is best where other programs share the cores "
        "(default: as the library has them)",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out",
        metavar="DIR",
        help="write summary.json, history.csv, best_params.npz and pictures into this folder",
    )
    group.add_argument(
        "--print-every",
        type=int,
        default=10,
        metavar="N",
        help="steps from one look at the loss to the next: the bar, the search for divergence and "
        "Ctrl-C wait for it (default: 10)",
    )
    group.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")
