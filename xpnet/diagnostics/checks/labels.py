"""Whether there is something to learn in the targets at all."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.targets_as_classes import classes_in_targets
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_labels_used"]

_NAME = "labels"


def check_labels_used(evidence: Evidence) -> Verdict:
    """Look for targets that are all alike, and for classes that nobody has."""
    case = evidence.case
    y = case.train[1]
    if np.all(y == y[:1]):
        what = "target" if case.is_regression else "label"
        return Verdict(
            _NAME,
            "fault",
            f"every training sample has the {what} {np.ravel(y)[0]}",
            f"{what}s that differ",
            "Look at how y_train is made: there is nothing to learn in it.",
        )
    if (classes := classes_in_targets(evidence)) is not None:
        return Verdict(
            _NAME,
            "warning",
            f"the targets are the {classes} whole numbers from {int(y.min())} to {int(y.max())}, "
            "and neighbours in number are no more alike than others",
            "real targets, whose difference says how far samples are apart",
            "If they number classes, cast y to integers from 0 on, and take a net with loss="
            f"'softmax' and num_classes={classes}.",
        )
    if case.is_regression:
        return Verdict(_NAME, "fine", f"targets from {y.min():.3g} to {y.max():.3g}", "that differ")
    return _nearly_all_different(case) or _of_classes(case)


def _of_classes(case: Case) -> Verdict:
    """Look for classes that no training sample has."""
    y, y_val = case.train[1], case.val[1]
    missing = np.setdiff1d(np.arange(case.num_classes), y)
    expected = f"samples of each of the net's {case.num_classes} classes"
    if missing.size == 0:
        return Verdict(_NAME, "fine", f"{case.num_classes} classes, all in use", expected)
    unseen = np.intersect1d(missing, y_val)
    if unseen.size:
        return Verdict(
            _NAME,
            "fault",
            f"{_listed(unseen)} in the validation part and not in the training part",
            expected,
            "Shuffle the rows before they are split, or bring training samples of these classes.",
        )
    return Verdict(
        _NAME,
        "warning",
        f"no training sample has the class {missing[0]}"
        + (f", nor {missing.size - 1} others" if missing.size > 1 else ""),
        expected,
        f"Number the classes from 0 on, and make the net with num_classes={len(np.unique(y))}.",
    )


def _nearly_all_different(case: Case) -> Verdict | None:
    """Look for so many classes that they are numbers of something, and no classes."""
    y = case.train[1]
    classes = len(np.unique(y))
    if len(y) < case.num_train:
        return None
    if classes < limits.CLASSES_MANY or len(y) >= limits.ROWS_OF_A_CLASS * classes:
        return None
    return Verdict(
        _NAME,
        "warning",  # there are classes of which one has seen few
        f"{len(y):,} training samples have {classes:,} classes",
        f"{limits.ROWS_OF_A_CLASS} samples of each class or more",
        "If y measures something and numbers no classes, cast it to float: loss='squared'.",
    )


def _listed(classes: np.ndarray) -> str:
    """Return classes in words, the first few of many."""
    if len(classes) == 1:
        return f"class {classes[0]} is"
    listed = ", ".join(map(str, classes[:5])) + (", ..." if len(classes) > 5 else "")
    return f"the classes {listed} are"
