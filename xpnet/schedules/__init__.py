"""Learning-rate schedules: what the learning rate is multiplied by at each step.

A schedule is any callable `(moment) -> factor`, where `moment` is a `Moment`. The factor is a
number of 0 or more; of a stack it may be an array of shape (members,). It depends on the moment
alone, which may be asked for more than once. Schedules multiply the rate besides the notes' decay
per epoch, the Solver's `lr_decay`.

As texts: "constant", "exponential:0.95", "step:10:0.1" (every 10 epochs times 0.1), "cosine",
"cosine:0.01" (down to a hundredth), and "warmup:5" (up over 5 epochs), alone or before another one:
"warmup:5+cosine".

Reference: Stanford CS231n, "Neural Networks Part 3", annealing the learning rate.
"""

from xpnet.schedules.curves import (
    Cosine,
    Exponential,
    Moment,
    Schedule,
    StepDecay,
    Warmup,
    constant,
)
from xpnet.schedules.rates import RateScales
from xpnet.schedules.texts import SCHEDULES, get_schedule

__all__ = [
    "SCHEDULES",
    "Cosine",
    "Exponential",
    "Moment",
    "RateScales",
    "Schedule",
    "StepDecay",
    "Warmup",
    "constant",
    "get_schedule",
]
