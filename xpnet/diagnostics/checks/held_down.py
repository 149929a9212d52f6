"""Whether regularisation or dropout leaves anything to be learnt.

Only where no learning rate mends it, as regularisation at far too high a rate is not the cause.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from xpnet.diagnostics import thresholds as limits
from xpnet.diagnostics.evidence import NO_DROPOUT, NO_REG, Evidence
from xpnet.diagnostics.stacks import Change
from xpnet.diagnostics.trial import Trial
from xpnet.diagnostics.verdict import Verdict

__all__ = ["check_dropout", "check_held_down"]

_REG, _DROPOUT = "regularisation strength", "dropout"
_WEAKER = (0.1, 0.01, 1e-3)


def check_held_down(evidence: Evidence) -> Verdict:
    """Compare the training with one that has no regularisation; find one that leaves room."""
    if NO_REG not in evidence.trials:
        return Verdict(_REG, "not looked at", "reg is 0, or not known", "")
    found, at = _compared(evidence, _REG, "regularisation", NO_REG)
    if not found.is_bad:
        return _fast_decay(evidence) or found
    case = evidence.case
    reg = 0.0 if case.net is None else float(case.net.reg)
    strong = [
        f"{name} {value:g}"
        for name, value in (("reg", reg), ("weight_decay", case.weight_decay))
        if value > 0
    ]
    found = replace(found, found=f"{' or '.join(strong)} is too strong: {found.found}")
    changes = []
    if reg > 0:
        changes += [replace(at, reg_factor=f, decay_factor=1.0) for f in (*_WEAKER, 0.0)]
    if case.weight_decay > 0:
        changes += [replace(at, reg_factor=1.0, decay_factor=f) for f in (*_WEAKER, 0.0)]
    changes.append(at)
    works = _first_that_works(evidence, changes)
    said = []
    if works.reg_factor != 1.0 and reg > 0:
        said.append(f"reg to {reg * works.reg_factor:.2g}")
    if works.decay_factor != 1.0 and case.weight_decay > 0:
        said.append(f"weight_decay to {case.weight_decay * works.decay_factor:.2g}")
    return replace(found, remedy=_remedy(evidence, works, said))


def _fast_decay(evidence: Evidence) -> Verdict | None:
    """Look whether weight decay forgets what a step has learnt before an epoch is over."""
    case = evidence.case
    share = (case.rate or 0.0) * case.weight_decay
    if share <= limits.DECAY_A_STEP:
        return None
    usual = limits.DECAY_USUAL * limits.DECAY_A_STEP / share
    [trial] = evidence.tried([Change(decay_factor=usual)])
    return Verdict(
        _REG,
        "warning",
        f"weight_decay {case.weight_decay:g} takes {share:.2g} of every weight at each step: "
        f"half of it is gone in {np.log(0.5) / np.log1p(-min(share, 0.99)):.0f}",
        f"less than {limits.DECAY_A_STEP:g} a step",
        f"Set weight_decay to {case.weight_decay * usual:.2g}: train/val {case.metric.short} "
        f"{_said(trial)} then, and {_said(evidence.own)} as it is.",
    )


def check_dropout(evidence: Evidence) -> Verdict:
    """Look at the share of units that is kept, and compare with a training without dropout."""
    case, net = evidence.case, evidence.case.net
    if net is None or not net.has_dropout:
        return Verdict(_DROPOUT, "not looked at", "there is none, or it is the model's own", "")
    ratio = float(net.dropout_keep_ratio)
    said = f"a step keeps {ratio:.0%} of the hidden units"
    expected = f"{limits.KEEP_RATIO_LEAST:.0%} or more"
    few = ratio < limits.KEEP_RATIO_LEAST
    if NO_DROPOUT not in evidence.trials:
        remedy = "Set dropout_keep_ratio to 0.5 or more." if few else ""
        return Verdict(_DROPOUT, "warning" if few else "fine", said, expected, remedy)
    most = limits.HELD_DOWN if ratio < 0.5 else limits.HELD_DOWN_USUAL
    found, at = _compared(evidence, _DROPOUT, "dropout", NO_DROPOUT, most)
    if not found.is_bad and not few:
        return found
    changes = [replace(at, keep_ratio=kept) for kept in (0.5, 0.8, 1.0) if kept > ratio]
    works = _first_that_works(evidence, changes)
    remedy = _remedy(evidence, works, [f"dropout_keep_ratio to {works.keep_ratio:g}"])
    if found.is_bad:
        said = f"{said}, which is too few: {found.found}"
        return replace(found, found=said, remedy=remedy)
    return Verdict(
        _DROPOUT, "warning", f"{said}: {case.metric.short} " + _said(evidence.own), expected, remedy
    )


def _compared(
    evidence: Evidence, name: str, what: str, lacking: Change, most: float = limits.HELD_DOWN
) -> tuple[Verdict, Change]:
    """Compare the training with one that lacks something, and return what to begin from then."""
    own, without = evidence.own, evidence.trials[lacking]
    by_rate = evidence.by_rate
    learns = any(map(evidence.learns, (without, *by_rate.values())))
    if not learns and evidence.stacks:  # neither alone helps
        lacking = _best_rate(evidence, lacking)
        without = evidence.trials[lacking]
    metric = evidence.case.metric.short
    rate = evidence.case.rate
    at = (
        ""
        if lacking.rate_factor == 1.0 or rate is None
        else (f" at the learning rate {rate * lacking.rate_factor:.2g}")
    )
    found = f"train/val {metric} {_said(own)} with {what}, {_said(without)} without{at}"
    expected = f"at most {most:.0%} less on both"
    if not evidence.learns(without) and not evidence.learns(own):
        return Verdict(name, "not looked at", f"{found}, no more than chance", ""), lacking
    if not _is_less(evidence, own, without, most):
        return Verdict(name, "fine", found, expected), lacking
    # Weight decay is of the rate's size, so that a lower rate mends it without being the cause.
    others = by_rate if evidence.case.weight_decay == 0 or without.grew else {}
    for factor, trial in others.items():
        if rate is not None and not _is_less(evidence, trial, without, most):
            found += f", and {_said(trial)} with it at the learning rate {rate * factor:.2g}"
            return Verdict(name, "fine", found, expected), lacking
    much = _is_less(evidence, own, without, limits.HELD_DOWN_MUCH)
    return Verdict(name, "fault" if much else "warning", found, expected), lacking


def _best_rate(evidence: Evidence, lacking: Change) -> Change:
    """Return the learning rate at which a training that lacks something learns most."""
    changes = [replace(lacking, rate_factor=factor) for factor in evidence.by_rate]
    trials = evidence.tried(changes)
    ways = [min(evidence.way(t), evidence.way(t, on_val=True)) for t in trials]
    return changes[int(np.argmax(ways))]


def _is_less(evidence: Evidence, one: Trial, other: Trial, share: float) -> bool:
    """Return whether a trial loses more than this share of the way, on both parts."""
    ways = [
        (evidence.way(one, on_val=on_val), evidence.way(other, on_val=on_val))
        for on_val in (False, True)
    ]
    return all(more > limits.NOTHING_LEARNT and more - less > share * more for less, more in ways)


def _first_that_works(evidence: Evidence, changes: Sequence[Change]) -> Change:
    """Return the first change that comes near the best of all of these on validation, trained."""
    ways = [evidence.way(trial, on_val=True) for trial in evidence.tried(changes)]
    least = (1.0 - limits.HELD_DOWN) * max(ways)
    return next(change for change, way in zip(changes, ways, strict=True) if way >= least)


def _remedy(evidence: Evidence, works: Change, said: list[str]) -> str:
    """Return what to set, with what it came to in a trial."""
    case, [trial] = evidence.case, evidence.tried([works])
    if works.rate_factor != 1.0 and case.rate is not None:
        said = [*said, f"learning_rate to {case.rate * works.rate_factor:.2g}"]
    return f"Set {' and '.join(said)}: train/val {case.metric.short} {_said(trial)} then."


def _said(trial: Trial) -> str:
    return f"{trial.train_acc[-1]:.3f}/{trial.val_acc[-1]:.3f}"
