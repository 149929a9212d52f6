"""The texts that name schedules, as on a command line."""

from typing import Any

from xpnet.errors import InputError, did_you_mean
from xpnet.schedules.curves import Cosine, Exponential, Schedule, StepDecay, Warmup, constant

__all__ = ["SCHEDULES", "get_schedule"]

# What a name stands for, and how many numbers may follow it.
SCHEDULES: dict[str, tuple[Any, int]] = {
    "constant": (constant, 0),
    "exponential": (Exponential, 1),
    "step": (StepDecay, 2),
    "cosine": (Cosine, 1),
    "warmup": (Warmup, 1),
}


def get_schedule(schedule: str | Schedule | None) -> Schedule:
    """Return the schedule that a text names, the callable itself, or a constant one for None.

    Raises:
        InputError: The text names none, a number in it is out of range, or the argument is neither
            a text nor a callable object.

    """
    if schedule is None:
        return constant
    if isinstance(schedule, type):
        raise InputError(
            f"lr_schedule must be an object; got the class {schedule.__name__}: call it"
        )
    if callable(schedule):
        return schedule
    if not isinstance(schedule, str):
        raise InputError(f"lr_schedule must be a text or a callable; got {schedule!r}")
    *first, last = [_named(part, schedule) for part in schedule.split("+")]
    for made in reversed(first):
        if not isinstance(made, Warmup):
            raise InputError(f"only a warmup goes before another schedule; got {schedule!r}")
        last = Warmup(made.epochs, last)
    return last


def _named(text: str, whole: str) -> Schedule:
    """Return the schedule of a text such as "step:10:0.1", a part of `whole`."""
    name, *numbers = text.split(":")
    if name not in SCHEDULES:
        hint = did_you_mean(name, SCHEDULES)
        where = "" if name == whole else f" in {whole!r}"
        raise InputError(
            f"unknown lr_schedule {name!r}{where}{hint}: choose one of {', '.join(SCHEDULES)}"
        )
    kind, most = SCHEDULES[name]
    try:
        values = [float(number) for number in numbers]
    except ValueError:
        values = [0.0] * (most + 1)
    if len(values) > most:
        raise InputError(
            f"lr_schedule {whole!r} has no meaning: {name} takes other numbers, as in "
            "exponential:0.95, step:10:0.1, cosine:0.01, warmup:5+cosine"
        )
    schedule: Schedule = kind(*values) if isinstance(kind, type) else kind
    return schedule
