"""What a trained net says of new inputs: `python -m xpnet.predict MODEL INPUT...`."""

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import xpnet
from xpnet.command_line import exit_status
from xpnet.data.array_checks import check_inputs
from xpnet.errors import BackendError, CheckpointWarning, InputError
from xpnet.metrics import RSquared
from xpnet.nets import FullyConnectedNet
from xpnet.nets.prediction import raw_scores
from xpnet.npy_arrays import read_npy
from xpnet.npz_arrays import read_npz
from xpnet.options import OneLineParser
from xpnet.pictures import read_picture

__all__ = ["main"]

_SHOWN = 3  # classes of a line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, or 2 for input that was refused."""
    parser = OneLineParser(
        prog="python -m xpnet.predict",
        description="Print the class that a trained net gives to each input, and how probable the "
        "likeliest classes are.",
        epilog="exit status: 0, or 2 where something was refused",
        allow_abbrev=False,
    )
    parser.add_argument(
        "model", metavar="MODEL", help="the folder of a run, a checkpoint, or a file of xpnet.save"
    )
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="pictures (PNG and others, with Pillow), an .npy file of samples, or an .npz file "
        "with X, or X_test, and perhaps y to compare with; samples are raw, as in training",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with every probability")
    parser.add_argument(
        "--resize", action="store_true", help="scale pictures of another size to the net's"
    )
    parser.add_argument(
        "--member", type=int, metavar="K", help="which net of a stack, from 0 (default: none)"
    )
    parser.add_argument(
        "--device", default="cpu", help="as of python -m xpnet.train (default: cpu)"
    )
    options = parser.parse_args(arguments)
    return exit_status("xpnet.predict", lambda: _predict(options))


def _predict(options: argparse.Namespace) -> int:
    """Print what the net says."""
    net = _load(options)
    rows = [row for path in options.inputs for row in _rows(net, Path(path), options.resize)]
    print(json.dumps(rows, indent=2) if options.json else "\n".join(_lines(rows)), flush=True)
    return 0


def _load(options: argparse.Namespace) -> FullyConnectedNet:
    """Return the net, or the member of a stack."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CheckpointWarning)
        net = xpnet.load(options.model, device=options.device)
    for warning in caught:
        print(f"xpnet.predict: {warning.message}", file=sys.stderr)
    if net.members is None and options.member is not None:
        raise InputError(f"{options.model} is a single net: leave --member out")
    if net.members is None:
        return net
    if options.member is None or not 0 <= options.member < net.members:
        raise InputError(
            f"{options.model} is a stack of {net.members} nets: choose one by --member 0 to "
            f"{net.members - 1}"
        )
    return net.member(options.member)


def _rows(net: FullyConnectedNet, path: Path, resize: bool) -> Iterator[dict[str, Any]]:
    """Yield what the net says of each sample of a file."""
    try:
        X, y = _read(net, path, resize)
        scores = _finite_scores(net, X)
        names = _class_names(net)
        if y is not None and net.is_regression:
            _check_targets(y, (len(X), net.num_classes))
        right = None if y is None or net.is_regression else _numbers(y, len(X), names)
    except BackendError:
        raise
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if right is not None and y is not None:
        _say_unknown(path, y, right, names)
    for i, predicted in enumerate(net.predict(X)):
        row: dict[str, Any] = {"input": str(path), "row": i}
        if net.is_regression:
            row["prediction"] = np.asarray(predicted).tolist()
            row |= {} if y is None else {"target": y[i].tolist()}
        else:
            row |= {"class": int(predicted), "label": names[predicted]}
        if net.loss_name == "softmax":
            row["probabilities"] = dict(zip(names, scores[i].tolist(), strict=True))
        if right is not None:
            row["right"] = bool(right[i] == predicted)
        yield row


def _class_names(net: FullyConnectedNet) -> tuple[str, ...]:
    """Return a name for each class, told apart by its number where two have the same."""
    names = net.class_names or tuple(map(str, range(net.num_classes)))
    if len(set(names)) < len(names):
        return tuple(f"{name} ({k})" for k, name in enumerate(names))
    return names


def _finite_scores(net: FullyConnectedNet, X: np.ndarray) -> np.ndarray:
    """Return probabilities where the net has them, otherwise its scores; all finite."""
    scores = net.predict_proba(X) if net.loss_name == "softmax" else raw_scores(net, X)
    bad = np.flatnonzero(~np.isfinite(scores).all(axis=-1))
    if len(bad):
        raise InputError(
            f"the net overflows on sample {bad[0]}, whose numbers are as large as "
            f"{float(np.abs(X[bad[0]]).max()):.2g}: give inputs like those of its training"
        )
    return scores


def _read(net: FullyConnectedNet, path: Path, resize: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the samples of a file in the shape that the net takes, and labels if it has them."""
    kind, y = path.suffix.lower(), None
    if kind == ".npy":
        X = read_npy(path)
    elif kind == ".npz":
        X, y = _of_npz(path)
    elif net.picture is None:
        raise InputError(
            "this net was not trained on pictures: give its inputs as an .npz or .npy file"
        )
    else:
        X = read_picture(path, net.picture, resize=resize)[None]
    X = X.view(np.uint8) if X.dtype == np.bool_ else X  # flags are bytes, as in training
    check_inputs(X, "X")
    shape = getattr(net.preprocess, "sample_shape", None) or X.shape[1:]
    can_flatten = X.ndim == 2 or len(shape) == 1  # otherwise channels might be mixed with rows
    fits = can_flatten and math.prod(shape) == X[0].size
    return (X.reshape(len(X), *shape) if fits else X), y


def _of_npz(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Return X and y, or X_test and y_test."""
    keys = ("X", "y", "X_test", "y_test")
    arrays = read_npz(path, lambda names: [name for name in names if name in keys])
    for X, y in (keys[:2], keys[2:]):
        if X in arrays:
            labels = arrays.get(y)
            if labels is not None and labels.dtype.kind == "S":
                labels = np.char.decode(labels, "utf-8", "replace")
            return arrays[X], labels
    raise InputError("it has neither X nor X_test: write it by numpy.savez(path, X=X)")


def _check_targets(y: np.ndarray, shape: tuple[int, int]) -> None:
    """Raise InputError unless real targets have the shape of the predictions, and are finite."""
    if y.dtype.kind not in "iuf" or y.shape not in (shape, shape[:1]) or y.size != math.prod(shape):
        raise InputError(
            f"y must hold numbers of shape {shape}, as the net predicts; got {y.dtype} {y.shape}"
        )
    if not np.isfinite(y).all():
        raise InputError("y holds NaN or infinity: drop such rows")


def _numbers(y: np.ndarray, num_rows: int, names: tuple[str, ...]) -> np.ndarray:
    """Return labels as class numbers, -1 for names that the net does not know."""
    if y.shape != (num_rows,):
        raise InputError(
            f"the labels must be one for each of {num_rows} samples, shape ({num_rows},); got "
            f"shape {y.shape}"
        )
    if y.dtype.kind == "U":
        return np.asarray([names.index(name) if name in names else -1 for name in y.tolist()])
    if y.dtype.kind not in "iu":
        raise InputError(
            f"the labels must be class numbers or names; got {y.dtype}: give integers, or leave "
            "them out"
        )
    return y


def _say_unknown(path: Path, y: np.ndarray, codes: np.ndarray, names: tuple[str, ...]) -> None:
    """Note on standard error which labels are no class of the net, and so count as wrong."""
    unknown = np.unique(y[(codes < 0) | (codes >= len(names))])
    if len(unknown):
        shown = ", ".join(map(str, unknown[:5].tolist())) + (", ..." if len(unknown) > 5 else "")
        print(f"xpnet.predict: {path}: no class of this net: {shown}", file=sys.stderr)


def _lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a line for each row, and the accuracy where labels came along."""
    several = {row["input"] for row in rows if row["row"] > 0}
    heads = [
        f"{row['input']}[{row['row']}]" if row["input"] in several else row["input"] for row in rows
    ]
    width = max(map(len, heads))
    for head, row in zip(heads, rows, strict=True):
        yield f"{head.ljust(width)}  {_answer(row)}"
    if targets := [row["target"] for row in rows if "target" in row]:
        found = [row["prediction"] for row in rows if "target" in row]
        value = _r_squared(np.asarray(found), np.asarray(targets))
        yield f"R squared {value:.4f} on {len(found):,} samples"
    judged = [row["right"] for row in rows if "right" in row]
    if judged:
        yield f"accuracy {sum(judged) / len(judged):.4f} on {len(judged):,} samples"


def _r_squared(predicted: np.ndarray, y: np.ndarray) -> float:
    """Return the R squared of predictions (N,) or (N, C)."""
    y, metric = y.reshape(predicted.shape).reshape(len(y), -1), RSquared()
    return float(metric.value(metric.sums(predicted.reshape(y.shape), y, np), y))


def _answer(row: dict[str, Any]) -> str:
    if "prediction" in row:
        return str(row["prediction"])
    if "probabilities" not in row:
        return str(row["label"])
    likeliest = sorted(row["probabilities"].items(), key=lambda item: -item[1])[:_SHOWN]
    return "  ".join(f"{name} {share:.4f}" for name, share in likeliest)


if __name__ == "__main__":
    sys.exit(main())
