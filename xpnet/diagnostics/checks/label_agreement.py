"""Whether the labels belong to their inputs: all of them, or but a part."""

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.chance import standard_error
from xpnet.diagnostics.checks.half_mixed import half_mixed
from xpnet.diagnostics.checks.mixed_classes import mixed_classes
from xpnet.diagnostics.checks.slipped import slipped
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.neighbours import neighbours_recall, neighbours_targets
from xpnet.diagnostics.reference import Reference
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_label_agreement"]

_NAME = "label agreement"
_REMEDY = "Look whether y_train has the order of X_train: was one of them sorted or shuffled alone?"
# Which part it is cannot be told: labels that were all changed alike are learnt as well.
_ONE_PART = (
    "Look at y_train and y_val: {} of one of them are wrong or were changed as a whole, or its "
    "rows are of another kind."
)


def check_label_agreement(evidence: Evidence) -> Verdict:
    """Predict samples that were not learnt from, and look where the labels contradict.

    Labels that are shuffled in part are wrong among the surest predictions as often as among all;
    labels at the border of two classes are not.
    """
    if (moved := slipped(evidence)) is not None:
        return _of_another_row(*moved)
    return _of_targets(evidence) if evidence.case.is_regression else _of_labels(evidence)


def _of_labels(evidence: Evidence) -> Verdict:
    """Look whether labels can be predicted at all, and where they contradict."""
    reference = evidence.reference
    y, n = reference.y, len(reference.y)
    classes = len(np.unique(y))
    if classes < 2:
        return Verdict(_NAME, "not looked at", "there is but one class", "")
    chance = 1.0 / classes
    recall = max(reference.recall, neighbours_recall(evidence.case.look[1], evidence.nearest_rows))
    floor = chance + limits.SURE * standard_error(chance, n)
    val_floor = chance + limits.SURE * standard_error(chance, len(reference.y_val))
    if recall < floor and reference.val_recall < val_floor:
        if floor - chance > limits.ROOM * (1.0 - chance):
            found = f"unseen training samples are told right in {recall:.1%}"
            return Verdict(_NAME, "not looked at", f"{found}; {n} are too few to judge by", "")
        found = f"unseen training samples are told right in {recall:.1%}, as by chance"
        if evidence.learns(evidence.own):  # of tokens a plain net sees but numbers
            said = f"by a plain net {found}, and the model learns more"
            return Verdict(_NAME, "not looked at", said, "")
        expected = f"more than {floor:.1%}, if the labels belonged to the inputs"
        return Verdict(_NAME, "fault", found, expected, _REMEDY)
    if (verdict := _against_validation(reference)) is not None:
        return verdict
    return _of_half(evidence.case) or _by_confidence(reference)


def _of_another_row(where: str, now: float, then: float) -> Verdict:
    """Say whose labels these are."""
    return Verdict(
        _NAME,
        "fault",
        f"the targets are those of {where}: {now:.0%} of the samples agree with their nearest, and "
        f"{then:.0%} do once all targets are moved",
        "each row's own",
        "Look at how X_train and y_train are read: one of them has a row more, or another order.",
    )


def _of_half(case: Case) -> Verdict | None:
    """Look for a class of which a part has the label of another."""
    if (found := half_mixed(case)) is None:
        return None
    a, b, share = found
    return Verdict(
        _NAME,
        "warning",
        f"of the samples like those of class {a} {share:.0%} have the label {b}, and hardly any of "
        f"class {a} is told for sure",
        "classes of which most samples are among their own, as the others are",
        f"Look at some rows of the classes {a} and {b}: a part of class {a} is called {b}.",
    )


def _by_confidence(reference: Reference) -> Verdict:
    """Look at classes that are told apart from all but one, and at errors among the surest."""
    if (pair := mixed_classes(reference)) is not None:
        a, b = pair
        return Verdict(
            _NAME,
            "warning",
            f"classes {a} and {b} are told apart no better than by a coin, and the others are",
            "that every two classes differ",
            f"Look at some rows of the classes {a} and {b}: their labels are mixed up, or one kind "
            "has two names.",
        )
    wrong = np.argmax(reference.scores, axis=1) != reference.y
    order = np.argsort(-reference.scores.max(axis=1), kind="stable")
    surest = wrong[order[: max(1, len(order) // 4)]]
    share, of_all = float(surest.mean()), float(wrong.mean())
    chance = 1.0 - float(np.bincount(reference.y).max() / len(reference.y))
    least = share - 2.0 * standard_error(share, len(surest))
    found = f"of the surest predictions of unseen samples {share:.1%} contradict the label"
    expected = f"less than {limits.CONFIDENTLY_WRONG:.0%}"
    if of_all > limits.TOO_HARD * chance or len(order) < limits.CONFIDENT_LEAST:
        expected = "less; of so few samples, or of classes that overlap so much, no more is told"
        return Verdict(_NAME, "fine", found, expected)
    flat = share > limits.FLAT_ERRORS * of_all
    if share < limits.CONFIDENTLY_WRONG or least < 0.5 * limits.CONFIDENTLY_WRONG or not flat:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "fault" if share > 2.0 * limits.CONFIDENTLY_WRONG else "warning",
        f"{found}, about as often as of all ({of_all:.1%})",
        expected,
        "About so many labels are wrong: look at some of these rows, and at how labels were made.",
    )


def _against_validation(reference: Reference) -> Verdict | None:
    """Compare unseen training samples with validation, which only labels can tell apart."""
    train, val = reference.accuracy, reference.val_accuracy
    error = standard_error((train + val) / 2, len(reference.y), len(reference.y_val))
    chance = float(np.bincount(reference.y).max() / len(reference.y))
    way = max(max(train, val) - chance, 1e-3)
    if abs(val - train) < max(limits.SURE * error, limits.PARTS_DIFFER * way):
        return None
    worse, better = min(train, val), max(train, val)
    return Verdict(
        _NAME,
        "fault" if abs(val - train) > way / 2 else "warning",
        f"a plain net is right on unseen training samples in {train:.1%}, on validation in "
        f"{val:.1%}",
        f"the same on both, as both are new to it: {better - worse:.1%} are too much for chance",
        _ONE_PART.format("labels"),
    )


def _of_targets(evidence: Evidence) -> Verdict:
    """Look whether targets can be predicted at all, and in training as well as in validation."""
    reference = evidence.reference
    found = f"a plain net explains {reference.accuracy:.1%} of the variance of unseen targets"
    expected = "more than 0, if the targets belonged to the inputs"
    errors = _squares(reference.scores, reference.y)
    gain = _squares(np.zeros_like(reference.scores) + reference.y.mean(axis=0), reference.y)
    gain -= errors
    sure = gain.mean() > limits.SURE_OF_TARGETS * gain.std() / np.sqrt(len(gain))
    guesses = [(reference.scores, reference.y), (reference.simple, reference.y)]
    guesses.append(neighbours_targets(evidence.case.look[1], evidence.nearest_rows))
    together = max(guesses, key=lambda pair: _sureness(*pair))
    least = limits.SURE_OF_TARGETS / float(np.sqrt(together[1].size))
    goes = _correlation(*together)
    if not (sure or goes > least or reference.val_accuracy > limits.TARGETS_EXPLAINED):
        found = f"predictions of unseen targets correlate with these by {goes:.2f}"
        if least > limits.ROOM:
            few = f"{found}; {len(reference.y)} samples are too few to judge by"
            return Verdict(_NAME, "not looked at", few, "")
        if evidence.learns(evidence.own):
            return Verdict(_NAME, "not looked at", f"{found}, and the model learns more", "")
        expected = f"more than {least:.2f}, if the targets belonged to the inputs"
        return Verdict(_NAME, "fault", f"{found}, as by chance", expected, _REMEDY)
    on_val = np.mean([_squares(s, reference.y_val) for s in reference.scores_val], axis=0)
    noise = np.sqrt(errors.var() / len(errors) + on_val.var() / len(on_val))
    apart = float(errors.mean() - on_val.mean())
    way = max(reference.accuracy, reference.val_accuracy)
    if abs(apart) < limits.SURE * noise or abs(apart) < 2 * limits.PARTS_DIFFER * way:
        return Verdict(_NAME, "fine", found, expected)
    return Verdict(
        _NAME,
        "warning",
        f"{found}, and {reference.val_accuracy:.1%} on validation",
        "the same on both, as both are new to it",
        _ONE_PART.format("targets"),
    )


def _squares(scores: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the squared distance of each sample, (N,)."""
    return np.asarray(((scores - y.reshape(scores.shape)) ** 2).sum(axis=1))


def _correlation(scores: np.ndarray, y: np.ndarray) -> float:
    """Return how far predictions and targets go together, however poor their scale."""
    a, b = scores.ravel(), y.ravel()
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _sureness(scores: np.ndarray, y: np.ndarray) -> float:
    """Return the correlation in standard deviations of chance."""
    return _correlation(scores, y) * float(np.sqrt(y.size))
