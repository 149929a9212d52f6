"""The diagnosis of a training: all checks, one after the other, causes before effects."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from xpnet.data import Dataset
from xpnet.diagnostics.case import Case
from xpnet.diagnostics.checks.batch_normalization import check_batch_normalization
from xpnet.diagnostics.checks.capacity import check_capacity
from xpnet.diagnostics.checks.centring import check_centring
from xpnet.diagnostics.checks.class_balance import check_class_balance
from xpnet.diagnostics.checks.evaluation import check_evaluation
from xpnet.diagnostics.checks.feature_scale import check_feature_scale
from xpnet.diagnostics.checks.gap import check_gap
from xpnet.diagnostics.checks.gradients import check_gradients
from xpnet.diagnostics.checks.held_down import check_dropout, check_held_down
from xpnet.diagnostics.checks.initial_loss import check_initial_loss
from xpnet.diagnostics.checks.input_values import check_input_values
from xpnet.diagnostics.checks.inputs_used import check_inputs_used
from xpnet.diagnostics.checks.label_agreement import check_label_agreement
from xpnet.diagnostics.checks.label_smoothing import check_label_smoothing
from xpnet.diagnostics.checks.labels import check_labels_used
from xpnet.diagnostics.checks.layer_flow import check_activations, check_layer_gradients
from xpnet.diagnostics.checks.leak import check_leak
from xpnet.diagnostics.checks.learning_rate import check_learning_rate
from xpnet.diagnostics.checks.loss_and_accuracy import check_loss_and_accuracy
from xpnet.diagnostics.checks.loss_over_samples import check_loss_over_samples
from xpnet.diagnostics.checks.missing_values import check_missing_values
from xpnet.diagnostics.checks.outliers import check_outliers
from xpnet.diagnostics.checks.output_range import check_output_range
from xpnet.diagnostics.checks.overfit_few import check_overfit_few
from xpnet.diagnostics.checks.own_rule import check_own_rule
from xpnet.diagnostics.checks.parts_alike import check_parts_alike
from xpnet.diagnostics.checks.preprocessing_fit import check_preprocessing_fit
from xpnet.diagnostics.checks.regularisation import check_regularisation
from xpnet.diagnostics.checks.repeated_rows import check_repeated_rows
from xpnet.diagnostics.checks.result import check_result
from xpnet.diagnostics.checks.schedule import check_schedule
from xpnet.diagnostics.checks.symmetry import check_symmetry
from xpnet.diagnostics.checks.target_scale import check_target_scale
from xpnet.diagnostics.checks.training_length import check_training_length
from xpnet.diagnostics.checks.units import check_dead_units, check_saturation
from xpnet.diagnostics.checks.update_ratio import check_update_ratio
from xpnet.diagnostics.checks.validation_part import check_validation_part
from xpnet.diagnostics.consequences import with_consequences
from xpnet.diagnostics.diagnosis import Diagnosis
from xpnet.diagnostics.evidence import Evidence
from xpnet.diagnostics.refused import refused
from xpnet.diagnostics.verdict import Verdict

__all__ = ["CHECKS", "Check", "diagnose"]

Check: TypeAlias = Callable[[Evidence], Verdict]

# Causes before effects: the first remedy is the one to begin with.
CHECKS: tuple[Check, ...] = (
    check_input_values,
    check_missing_values,
    check_outliers,
    check_labels_used,
    check_loss_over_samples,
    check_inputs_used,
    check_output_range,
    check_own_rule,
    check_gradients,
    check_evaluation,
    check_regularisation,
    check_symmetry,
    check_repeated_rows,
    check_validation_part,
    check_leak,
    check_preprocessing_fit,
    check_parts_alike,
    check_label_agreement,
    check_class_balance,
    check_feature_scale,
    check_centring,
    check_target_scale,
    check_label_smoothing,
    check_batch_normalization,
    check_initial_loss,
    check_saturation,
    check_activations,
    check_layer_gradients,
    check_dead_units,
    check_loss_and_accuracy,
    check_schedule,
    check_training_length,
    check_held_down,
    check_dropout,
    check_learning_rate,
    check_update_ratio,
    check_overfit_few,
    check_gap,
    check_capacity,
    check_result,
)
# What is a fault by what it does to the training: a warning where that ends well all the same.
_BY_RESULT = (
    *("input scale", "initial loss", "saturation", "activations by layer", "gradients by layer"),
    *("dead units", "learning-rate schedule"),
)
# After a fault of these all others may follow from it.
_OF_THE_DATA: tuple[Check, ...] = (check_input_values, check_labels_used)


def diagnose(
    model: Any,
    data: Mapping[str, Any] | Dataset,
    *,
    progress: Callable[[int, int, Verdict], None] | None = None,
    **solver_options: Any,
) -> Diagnosis:
    """Say what is wrong with a training before it is begun, by the numbers of short trials.

    Neither the model nor the data are changed: all is done on copies. Of large data a part is
    looked at, and trials are shorter than the training; `looked_at` says how much.

    Args:
        model: A net of xpnet with its initial parameters, or any model that `Solver` takes.
        data: As in `Solver`.
        progress: Called after each check with how many are done, of how many, and the verdict.
        **solver_options: What the Solver would be given: `update_rule`, `optim_config`,
            `preprocess`, `num_epochs` and so on.

    Returns:
        The verdicts; `diagnosis.faults`, `diagnosis.warnings`, `print(diagnosis)`.

    Raises:
        InputError: The Solver would refuse this, for a reason that is no verdict; the model is a
            stack; or it cannot be copied.

    Reference: Stanford CS231n, "Neural Networks Part 3: Learning and Evaluation", sanity checks;
    A. Karpathy, "A Recipe for Training Neural Networks", 2019.

    """
    if (hopeless := refused(model, data, solver_options)) is not None:
        return Diagnosis((hopeless,), "looked at nothing else: no training can begin so")
    case = Case(model, data, solver_options)
    evidence = Evidence(case)
    verdicts: list[Verdict] = []
    for done, check in enumerate(CHECKS, start=1):
        verdict = _verdict(check, evidence)
        if verdict not in verdicts:  # a model that raises does so in several checks
            verdicts.append(verdict)
        if progress is not None:
            progress(done, len(CHECKS), verdict)
        if check in _OF_THE_DATA and verdict.status == "fault" and _nothing_differs(case):
            said = "looked at nothing else: there is nothing to learn in such data"
            return Diagnosis(tuple(verdicts), said)
    return Diagnosis(with_consequences(_by_result(verdicts, evidence)), _looked_at(evidence))


def _by_result(verdicts: list[Verdict], evidence: Evidence) -> list[Verdict]:
    """Return the verdicts, with a warning for what is unusual but does no harm to the training."""
    if not evidence.was_trained or not evidence.ends_well:
        return verdicts
    return [
        dataclasses.replace(v, status="warning")
        if v.status == "fault" and v.name in _BY_RESULT
        else v
        for v in verdicts
    ]


def _verdict(check: Check, evidence: Evidence) -> Verdict:
    """Return what a check says, or that a model or rule which is not ours raises an error."""
    case = evidence.case
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # a verdict says what they would
            return check(evidence)
    except Exception as error:  # whatever a user's own code may raise
        if case.net is not None and case.is_own_rule:
            raise
        first = str(error).partition("\n")[0]
        return Verdict(
            "own code",
            "fault",
            f"a short training of the model raises {type(error).__name__}: {first}",
            "a loss and an update rule that run",
            "Run model.loss(X, y) on a few rows, and look at where it stops.",
        )


def _nothing_differs(case: Case) -> bool:
    """Return whether all training samples have one input, or one target."""
    return any(bool(np.all(x == x[:1])) for x in case.train)


def _looked_at(evidence: Evidence) -> str:
    """Return how much of data and training was looked at."""
    case = evidence.case
    rows = f"{len(case.train[0]):,} of {case.num_train:,} training samples"
    taken = min(evidence.steps, case.num_steps)
    if evidence.was_trained:
        taken = len(evidence.own.losses)
    steps = f"{taken:,} of {case.num_steps:,} steps"
    return f"looked at {rows}, and trained {steps} in {evidence.variants} variants"
