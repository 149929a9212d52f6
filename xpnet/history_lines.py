"""The lines that the Solver prints, as in the notes."""

import numpy as np

__all__ = ["epoch_line", "iteration_line", "number"]

_RUN_AWAY = 1e6


def iteration_line(step: int, num_steps: int, loss: float | np.ndarray) -> str:
    """Return the line for a training loss; of a stack, the median and the range."""
    return f"(Iteration {step} / {num_steps}) loss: {_spread(loss)}"


def epoch_line(
    epoch: int, num_epochs: int, train_acc: float | np.ndarray, val_acc: float | np.ndarray
) -> str:
    """Return the line for the accuracies; of a stack, the median and the range."""
    return (
        f"(Epoch {epoch} / {num_epochs}) "
        f"train acc: {_spread(train_acc)}; val_acc: {_spread(val_acc)}"
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
