"""The lines that the Solver prints, as in the notes."""

import numpy as np

__all__ = ["epoch_line", "iteration_line", "number", "stop_line"]

_RUN_AWAY = 1e6
_MOST_NAMED = 8


def iteration_line(step: int, num_steps: int, loss: float | np.ndarray) -> str:
    """Return the line for a training loss; of a stack, the median and the range."""
    return f"(Iteration {step} / {num_steps}) loss: {_spread(loss)}"


def epoch_line(
    epoch: int,
    num_epochs: int,
    train_acc: float | np.ndarray,
    val_acc: float | np.ndarray,
    metric: str = "acc",
) -> str:
    """Return the line for the accuracies; of a stack, the median and the range."""
    return (
        f"(Epoch {epoch} / {num_epochs}) "
        f"train {metric}: {_spread(train_acc)}; val_{metric}: {_spread(val_acc)}"
    )


def stop_line(
    epoch: int, num_epochs: int, patience: int | None, stopped: np.ndarray, going: int
) -> str:
    """Return the line for runs that early stopping has just ended.

    Args:
        epoch: Epochs done.
        num_epochs: Epochs that there would have been.
        patience: Epochs without a better validation.
        stopped: Which runs, of the member shape.
        going: How many runs go on.

    """
    who = ""
    if np.ndim(stopped):
        members = [str(k) for k in np.flatnonzero(stopped)]
        named = f"member{'s' * (len(members) > 1)} {', '.join(members)} "
        who = named if len(members) <= _MOST_NAMED else f"{len(members)} members "
    waited = "1 epoch" if patience == 1 else f"{patience} epochs"
    rest = f"; {going} of {np.size(stopped)} go on" if np.ndim(stopped) else ""
    return (
        f"(Epoch {epoch} / {num_epochs}) {who}stopped early: "
        f"no better validation for {waited}{rest}"
    )


def number(value: float) -> str:
    """Return the notes' six decimals, or three digits and the power of a loss that ran away."""
    return f"{value:.6f}" if abs(value) < _RUN_AWAY else f"{value:.2e}"


def _spread(value: float | np.ndarray) -> str:
    if np.ndim(value) == 0:
        return number(float(value))
    finite = np.asarray(value)[np.isfinite(value)]
    if not finite.size:
        return f"nan ({np.size(value)} members)"
    low, high = finite.min(), finite.max()
    middle = number(float(np.median(finite)))
    return f"{middle} ({number(low)} to {number(high)}, {finite.size} members)"
