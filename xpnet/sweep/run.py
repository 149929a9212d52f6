"""The sweep: stacks of configurations, and what became of them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from xpnet.checks import check_count, check_count_or_none
from xpnet.data import Dataset
from xpnet.errors import InputError
from xpnet.host_arrays import host_split
from xpnet.net_records import check_savable
from xpnet.optim import UpdateRule, get_rule
from xpnet.sweep.folds import check_folds
from xpnet.sweep.halving import rungs
from xpnet.sweep.jobs import News
from xpnet.sweep.plan import check_names
from xpnet.sweep.refine import at_the_edge, refined
from xpnet.sweep.result import SweepResult
from xpnet.sweep.space import Distribution, configurations
from xpnet.sweep.study import Setting, Study
from xpnet.sweep.values import check_values, plain_value

__all__ = ["sweep"]


def sweep(
    data: Mapping[str, Any] | Dataset,
    space: Mapping[str, Sequence[Any] | Distribution],
    *,
    num_samples: int | None = None,
    refine: int | None = None,
    coarse_epochs: int | None = None,
    halving: bool = False,
    folds: int | None = None,
    seeds: int = 1,
    seed: int = 0,
    stack_size: int | None = None,
    fill_up: bool = True,
    watch: bool | int = False,
    processes: int | None = 1,
    device: str = "cpu",
    state: str | Path | None = None,
    callback: Callable[[SweepResult], None] | None = None,
    tell: Callable[[News], None] | None = None,
    begin: Callable[[], None] | None = None,
    **fixed: Any,
) -> SweepResult:
    """Train a net for each configuration of a space, many at once, and return what became of them.

    Configurations that differ in numbers alone, such as learning rate and regularisation, train as
    members of a stack; on NumPy each ends with the bits that it would have had alone. Others, such
    as activations, batch sizes and most hidden sizes (see `fill_up`), split them into stacks.

    Args:
        data: As in `xpnet.Solver`.
        space: By the name of a hyperparameter, of `FullyConnectedNet`, `Solver` or the update rule,
            a list of values or a distribution: `{"learning_rate": [1e-3, 1e-2], "reg": [0, 0.1]}`
            are four configurations.
        num_samples: Draw so many configurations instead of all combinations; distributions, such as
            `LogUniform(1e-5, 1e-2)`, need it.
        refine: Draw so many more afterwards, around the best: ranges a third as wide, and of lists
            the values of the best quarter.
        coarse_epochs: The epochs of those before, the notes' coarse stage; None for `num_epochs`.
        halving: Let the better half go on after an eighth, a quarter and a half of the epochs. A
            configuration that goes on has the bits of one that trained alone.
        folds: Cut the training part into so many folds, and train each configuration once for each
            as its validation part. The best by the mean then trains once more, on the whole
            training part, and validates on the validation part.
        seeds: Train each configuration so many times, with seeds from `seed` on; the best is that
            of the highest mean.
        seed: Of weights, batches and draws.
        stack_size: The most members of a stack; None finds the size that trains fastest.
        fill_up: Let small nets of different hidden sizes share stacks, filled up with units of
            zeros to the next multiple of eight, where that is faster; they are then what they would
            be alone to rounding. False trains each size apart, to the bit.
        watch: Watch the layers of all nets (see `xpnet.diagnostics.Watch`), as often as takes 2% of
            the time or, with an integer, every so many steps; what is wrong with which stands in
            `notices`. Nothing is then filled up, as units of zeros count as dead.
        processes: Train so many stacks at a time, each in a process of its own with one thread;
            None takes as many as there are cores where that is worth their start, and there is no
            GPU. A script that asks for more than one needs `if __name__ == "__main__":`.
        device: As in `xpnet.get_backend`.
        state: A file to keep what is known in while the sweep goes on. If it is there already, the
            sweep goes on from it, to the same rows and the same best net.
        callback: Called after each stack with what is known until then.
        tell: Called at ends of epochs with how far a stack is.
        begin: Called once, when all that can be refused before the first step was not. What is in
            `state` is then another sweep's, and is not read.
        **fixed: Hyperparameters of all configurations, such as `num_epochs=20`.

    Returns:
        The rows, the curves, and the best net.

    Raises:
        InputError: A name is unknown, the space is empty, or a value is out of range, before the
            first step of the stack that has it; or the state is of another sweep.

    """
    host_split(data, "train")  # says what data are to be
    check_names(space, "the space")
    check_names(fixed, "sweep")
    if twice := sorted(set(space) & set(fixed)):
        raise InputError(f"{', '.join(twice)} is both in the space and fixed: leave one out")
    check_count("seeds", seeds)
    check_count_or_none("stack_size", stack_size)
    check_count_or_none("processes", processes)
    check_count_or_none("num_samples", num_samples)
    _check_stages(space, refine, coarse_epochs, num_samples)
    if seeds > 1 and "seed" in space:
        raise InputError("seeds repeats each configuration, and seed is in the space already")
    if check_count_or_none("folds", folds) is not None:
        check_folds(folds or 0, data)
    fixed = {"hidden_dims": [100], "num_epochs": 10, "seed": seed, **fixed}
    fixed = {name: plain_value(value) for name, value in fixed.items()}
    found = configurations(space, num_samples, seed)
    for one in found:
        check_values({**fixed, **one})
    setting = Setting(
        data,
        device,
        fixed,
        folds,
        seed,
        seeds,
        stack_size,
        processes,
        halving,
        fill_up and watch is False,
        watch,
    )
    if halving:
        _check_halving(space, fixed, found)
    if state is not None and not isinstance(fixed.get("preprocess"), str):
        check_savable(fixed.get("preprocess"))
    plan = {"found": found, "refine": refine, "coarse_epochs": coarse_epochs}
    study = Study(setting, plan, None if state is None else Path(state), callback, tell, begin)
    coarse = {} if coarse_epochs is None else {"num_epochs": coarse_epochs}
    study.train([one | coarse for one in found])
    spaces = [space]
    if refine is not None:
        finer = refined(space, study.result.top(len(study.result.rows)))
        spaces.append(finer)
        fine = {} if coarse_epochs is None else {"num_epochs": fixed["num_epochs"]}
        more = configurations(finer, refine, seed + 1)
        study.train([one | fine for one in more])
    result = study.finish()
    if result.best_model is not None:
        result.at_the_edge = at_the_edge(spaces, result.best)
    return result


def _check_stages(
    space: Mapping[str, Any], refine: int | None, coarse_epochs: int | None, num_samples: int | None
) -> None:
    """Raise InputError unless there can be a coarse and a fine stage, where they are asked for."""
    check_count_or_none("coarse_epochs", coarse_epochs)
    if check_count_or_none("refine", refine) is None:
        if coarse_epochs is not None:
            raise InputError("coarse_epochs is for the stage before refine: give refine too")
        return
    if num_samples is None:
        raise InputError(
            "refine draws around the best of what was drawn before: say how many (num_samples, "
            "--random N)"
        )
    if coarse_epochs is not None and "num_epochs" in space:
        raise InputError("num_epochs is in the space: leave it out, or leave coarse_epochs out")


def _check_halving(
    space: Mapping[str, Any], fixed: Mapping[str, Any], found: list[dict[str, Any]]
) -> None:
    """Raise InputError unless configurations can be held against each other on the way."""
    if "num_epochs" in space:
        raise InputError(
            "halving ranks configurations after equal epochs, and num_epochs is in the space: "
            "leave one of them out"
        )
    for one in found:
        rule = {**fixed, **one}.get("update_rule", "sgd")
        if not isinstance(get_rule(rule), UpdateRule):
            raise InputError(
                f"halving goes on from what the update rule keeps, which is not known of {rule!r}: "
                "leave halving out, or give the name of a rule"
            )
    rungs(fixed["num_epochs"], len(found))
