"""Whether something was learnt: luck is not called so, and what is learnt is."""

from types import SimpleNamespace

import numpy as np
import pytest

from xpnet.report.baseline import baseline_of
from xpnet.report.outcome import outcome_verdicts

TRIALS, CHECKS = 200, 20


def run_of(scores, y_val, *, y_train=None, names=(), has_data=True):
    """A run that was checked so often, on these validation samples."""
    data = SimpleNamespace(y_val=y_val, y_train=y_val if y_train is None else y_train)
    scores = np.atleast_1d(scores)
    return SimpleNamespace(
        is_regression=y_val.dtype.kind == "f",
        metric="R squared" if y_val.dtype.kind == "f" else "accuracy",
        class_names=names,
        data=data if has_data else None,
        net=None,
        history=SimpleNamespace(val=scores, best=int(np.argmax(scores))),
        summary={},
        chosen={"learning_rate": 0.1},
    )


def status_of(run):
    [verdict] = outcome_verdicts(run, baseline_of(run))
    assert verdict.name == "learning"
    return verdict.status


def test_guesses_are_rarely_called_learning():
    """The best of twenty checks of nets that guess, which is above chance nearly always."""
    rng, y = np.random.default_rng(0), np.arange(180) % 10
    found, above = [], 0
    for _ in range(TRIALS):
        scores = (rng.integers(10, size=(CHECKS, 180)) == y).mean(axis=1)
        above += scores.max() > 0.1
        found.append(status_of(run_of(scores, y, names=tuple("0123456789"))))
    assert above > 0.95 * TRIALS
    assert found.count("fine") < 0.1 * TRIALS


@pytest.mark.parametrize(("score", "status"), [(0.3, "fine"), (0.2, "fine"), (0.12, "warning")])
def test_what_is_learnt(score, status):
    assert status_of(run_of(score, np.arange(180) % 10, names=tuple("0123456789"))) == status


def test_always_the_largest_class_is_nothing_learnt():
    """Also where the classes are nearly of one size, so that chance is the line of the chart."""
    y = np.repeat(np.arange(2), [1400, 1000])
    run = run_of(1400 / 2400, y, names=("a", "b"))
    assert baseline_of(run).value == 0.5
    assert status_of(run) == "warning"
    assert status_of(run_of(0.65, y, names=("a", "b"))) == "fine"


def test_numbers_that_have_nothing_to_do_with_the_targets():
    """The best multiple of them, which knows the targets, has an R squared above 0 always."""
    rng, found = np.random.default_rng(0), []
    for _ in range(TRIALS):
        y, x = rng.standard_normal((2, 100))
        y, x = y - y.mean(), x - x.mean()
        best = (x @ y) ** 2 / (x @ x) / (y @ y)
        assert best > 0
        found.append(status_of(run_of(best, y[:, None])))
    assert found.count("fine") < 0.02 * TRIALS
    assert status_of(run_of(0.2, y[:, None])) == "fine"


def test_what_is_expected_is_said():
    y = np.arange(180) % 10
    run = run_of(0.15, y, names=tuple("0123456789"))
    [verdict] = outcome_verdicts(run, baseline_of(run))
    known = 0.1 + 3 * np.sqrt(0.1 * 0.9 / 180)
    assert verdict.expected == (
        f"more than {known:.4g}: what chance scores, 0.1, and three standard errors for luck"
    )
    without = run_of(0.15, y, names=tuple("0123456789"), has_data=False)
    [verdict] = outcome_verdicts(without, baseline_of(without))
    assert (verdict.status, verdict.expected) == ("fine", "more than 0.1, what chance scores")
