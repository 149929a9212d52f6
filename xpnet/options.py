"""The options that the command lines share."""

import argparse
from typing import NoReturn

from xpnet.backends import DEVICE_CHOICES, PRECISIONS
from xpnet.errors import InputError, did_you_mean
from xpnet.hyperparameters import RULE_OPTIONS
from xpnet.initializers import INITIALIZERS
from xpnet.layers import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.nets.hidden import NORMALIZATIONS
from xpnet.nets.storage import NARROW
from xpnet.optim import RULES
from xpnet.preprocessing import forms, get_preprocessor
from xpnet.presets import COMMON, PRESETS, preset
from xpnet.schedules import get_schedule

__all__ = ["WATCHED_BY_TIME", "OneLineParser", "add_options"]

WATCHED_BY_TIME = "auto"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for data, net, training, machine and output, in groups."""
    _add_data(parser.add_argument_group("data"))
    _add_net(parser.add_argument_group("net"))
    _add_training(parser.add_argument_group("training"))
    _add_machine(parser.add_argument_group("machine"))
    _add_output(parser.add_argument_group("output"))


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, as all others, with the option that was meant.

    Attributes:
        where: What an error begins with: the file that the arguments are from.

    """

    where = ""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong and exit with status 2."""
        unknown = [word for word in message.split() if word.startswith("--")]
        if message.startswith("unrecognized arguments") and unknown:
            names = [option.lstrip("-") for option in self._option_string_actions]
            message += did_you_mean(unknown[0].lstrip("-"), names, "--")
        name = self.prog.removeprefix("python -m ")
        self.exit(2, f"{name}: error: {self.where}{message}; --help has all options\n")


def _default(name: str) -> str:
    """Return the text of an option's defaults: one, or one for each data set."""
    if name in COMMON:
        return f"(default: {COMMON[name]})"
    texts = [f"{dataset} {_text(preset(dataset)[name])}" for dataset in PRESETS]
    return f"(default: {', '.join(texts)}, your own {_text(preset('')[name])})"


def _text(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--dataset",
        default="digits",
        metavar="NAME|FILE.npz|DIR",
        help="digits, cifar10, or your own file with X_train, y_train, X_val, y_val, or with X and "
        "y to be split, or a folder with X_train.npy and so on, which may exceed the memory "
        "(default: digits)",
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


def _sizes(text: str) -> list[int]:
    """Return the units of each hidden layer."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected units of each hidden layer, such as 100 or 200,100; got {text!r}"
        ) from error


def _schedule(text: str) -> str:
    """Return the text of a schedule, after a look whether there is such a one."""
    try:
        get_schedule(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _watch(text: str) -> int | str:
    """Return the steps from one look to the next, or the word that leaves them to the time."""
    if text == WATCHED_BY_TIME:
        return text
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"expected steps from one look to the next, such as 100, or {WATCHED_BY_TIME}; got {text!r}"
    )


def _add_net(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--hidden-dim",
        "--hidden-dims",
        dest="hidden_dims",
        type=_sizes,
        metavar="H[,H...]",
        help=f"units of each hidden layer, such as 100 or 200,100 {_default('hidden_dims')}",
    )
    group.add_argument(
        "--activation",
        choices=[*ACTIVATIONS, "maxout"],
        help="what a hidden unit makes of its sum (default: relu)",
    )
    group.add_argument(
        "--normalization",
        choices=["none", *NORMALIZATIONS],
        help="before each activation (default: none)",
    )
    group.add_argument(
        "--dropout-keep-ratio",
        type=float,
        metavar="P",
        help="share of hidden units that a training step keeps; 1 is no dropout (default: 1)",
    )
    group.add_argument(
        "--loss",
        choices=list(LOSSES),
        help="squared is for real targets (default: softmax, or squared where y holds floats)",
    )
    group.add_argument(
        "--initializer",
        choices=list(INITIALIZERS),
        help=f"how weights start {_default('initializer')}; kaiming becomes xavier for sigmoid, "
        "tanh, maxout and identity",
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
        choices=["float32", "float64", *NARROW],
        default="float32",
        help="of parameters and batches; float16 and bfloat16 are for keeping them, and all is "
        "computed in float32 (default: float32)",
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
        "--schedule",
        dest="lr_schedule",
        type=_schedule,
        metavar="NAME[:NUMBER...]",
        help="what multiplies the learning rate besides --lr-decay: exponential:0.95, step:10:0.1, "
        "cosine, cosine:0.01, warmup:5, warmup:5+cosine (default: constant)",
    )
    group.add_argument(
        "--early-stopping",
        dest="patience",
        type=int,
        metavar="N",
        help="stop after N epochs without a better validation (default: never)",
    )
    group.add_argument(
        "--grad-clip",
        dest="clip_norm",
        type=float,
        metavar="L",
        help="scale gradients to this joint norm where they are longer (default: never)",
    )
    group.add_argument(
        "--class-weights",
        choices=["none", "balanced"],
        help="balanced: samples of rare classes weigh more (default: none)",
    )
    group.add_argument(
        "--label-smoothing",
        type=float,
        metavar="E",
        help="share of each label that is spread over all classes (default: 0)",
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
    for name, text in RULE_OPTIONS.items():
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
        help="compile the steps on torch devices, a minute or two first; JAX always does",
    )
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of matrix products in training; tf32 keeps 11 of float32's 24 bits, on NVIDIA GPUs "
        "from Ampere on (default: float32)",
    )
    group.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="threads of the matrix products; 1 is best where other programs share the cores "
        "(default: 1 for small nets on NumPy, otherwise as the library has them)",
    )


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--out",
        metavar="DIR",
        help="write config.toml, history.csv, checkpoints, and at the end summary.json, "
        "best.safetensors and pictures into this folder; one that holds a run is refused",
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace the run that --out DIR holds"
    )
    group.add_argument(
        "--resume",
        metavar="DIR",
        help="go on with the run in this folder, from its newest checkpoint, to the same bits as "
        "if it had not been stopped; may be on another --device",
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        help="take options from this file, such as DIR/config.toml, which makes the run of DIR "
        "again; those on the command line go before",
    )
    group.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="epochs from one checkpoint to the next (default: the end of an epoch that comes ten "
        "seconds or more after the last one, and every minute within one); Ctrl-C and SIGTERM "
        "write one too",
    )
    group.add_argument(
        "--checkpoints-kept",
        type=int,
        default=2,
        metavar="N",
        help="how many of the newest checkpoints stay (default: 2)",
    )
    group.add_argument(
        "--print-every",
        type=int,
        default=10,
        metavar="N",
        help="steps from one look at the loss to the next: the bar, the search for divergence and "
        "Ctrl-C wait for it (default: 10)",
    )
    group.add_argument(
        "--profile",
        nargs="?",
        type=int,
        const=200,
        metavar="STEPS",
        help="after the training, show where the time of its steps goes, by layer and by phase, "
        "measured on so many more that are then forgotten (default: off, and 200 STEPS)",
    )
    group.add_argument(
        "--watch",
        nargs="?",
        type=_watch,
        const=WATCHED_BY_TIME,
        metavar="STEPS",
        help="look at the layers while training, and say once what is wrong: dead or saturated "
        "units, gradients that vanish or explode, updates too large or too small, overfitting; "
        "--out gets watch.safetensors (default: off, and as often as takes 2%% of the time)",
    )
    group.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")
