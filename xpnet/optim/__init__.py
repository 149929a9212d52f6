"""Update rules: how a parameter moves along its gradient.

A rule is an object with two halves. `coefficients(hyper, t)` is host arithmetic in float64, done
once a step for all parameters: bias corrections and the like, which float32 would round.
`apply(w, dw, slots, c)` is array arithmetic and consumes its arrays: the Solver's form.

Called as in the notes, `rule(w, dw, config) -> (next_w, config)`, a rule is pure: it returns new
arrays and a new config, which holds the hyperparameters and the state (`velocity`, `m`, `t`, ...).
A hyperparameter may have the member shape, one value for each net of a stack.

Reference: Stanford CS231n, assignment 2 (`optim.py`) and "Neural Networks Part 3", whose defaults
these are; the papers stand with the rules.
"""

from xpnet.errors import InputError
from xpnet.optim.adaptive import Adam, AdamW, RMSProp
from xpnet.optim.base import Rule, UpdateRule, check_range
from xpnet.optim.clip import clip_by_global_norm
from xpnet.optim.descent import SGD, NesterovMomentum, SGDMomentum

__all__ = [
    "RULES",
    "Rule",
    "UpdateRule",
    "adam",
    "adamw",
    "check_range",
    "clip_by_global_norm",
    "get_rule",
    "nesterov_momentum",
    "rmsprop",
    "sgd",
    "sgd_momentum",
]

sgd = SGD()
sgd_momentum = SGDMomentum()
nesterov_momentum = NesterovMomentum()
rmsprop = RMSProp()
adam = Adam()
adamw = AdamW()

RULES: dict[str, UpdateRule] = {
    rule.name: rule for rule in (sgd, sgd_momentum, nesterov_momentum, rmsprop, adam, adamw)
}


def get_rule(rule: str | Rule) -> Rule:
    """Return the rule of that name, or the callable itself.

    Raises:
        InputError: The name is unknown, or the argument is neither a name nor callable.

    """
    if isinstance(rule, type):
        raise InputError(f"update_rule must be an object; got the class {rule.__name__}: call it")
    if callable(rule):
        return rule
    if not isinstance(rule, str) or rule not in RULES:
        raise InputError(
            f"unknown update_rule {rule!r}: choose one of {', '.join(RULES)}, "
            "or pass a callable (w, dw, config) -> (next_w, config)"
        )
    return RULES[rule]
