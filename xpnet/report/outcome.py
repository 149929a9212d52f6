"""What the curves alone say is wrong, of a run that nobody watched."""

from xpnet.diagnostics import Verdict
from xpnet.report.baseline import Baseline
from xpnet.report.numbers import number_text
from xpnet.report.run_record import RunRecord

__all__ = ["outcome_verdicts"]


def outcome_verdicts(run: RunRecord, baseline: Baseline) -> list[Verdict]:
    """Return whether the training diverged, and whether it learnt anything.

    Args:
        run: The run.
        baseline: What a net that has learnt nothing scores on the validation part.

    """
    found = []
    if (step := run.summary.get("diverged_at")) is not None:
        rate = float(run.chosen["learning_rate"])
        found.append(
            Verdict(
                "divergence",
                "fault",
                f"the loss became NaN or infinite at step {step:,}, with learning rate "
                f"{number_text(rate)}",
                "a finite loss at every step",
                f"Take a tenth of the learning rate: --learning-rate {rate / 10:.3g}.",
            )
        )
    best = run.history.best
    if best is None:
        return found
    score = float(run.history.val[best])
    learns = score > baseline.learnt_from
    expected = f"more than {number_text(baseline.value)}, {baseline.why}"
    if baseline.learnt_from > baseline.value:
        expected = (
            f"more than {number_text(baseline.learnt_from)}: {baseline.why}, "
            f"{number_text(baseline.value)}, and three standard errors for luck"
        )
    found.append(
        Verdict(
            "learning",
            "fine" if learns else "warning",
            f"the best validation {run.metric} is {number_text(score)}",
            expected,
            "" if learns else "Ask python -m xpnet.doctor, with the same options, what is wrong.",
        )
    )
    return found
