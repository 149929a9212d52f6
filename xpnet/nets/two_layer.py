"""The two-layer net of the notes.

Reference: Stanford CS231n, assignment 1 and 2, the two-layer net with modular layers.
"""

from collections.abc import Sequence

from xpnet.initializers import Initializer
from xpnet.nets.fully_connected import FullyConnectedNet
from xpnet.nets.initial import check_size

__all__ = ["TwoLayerNet"]


class TwoLayerNet(FullyConnectedNet):
    """Affine, ReLU, affine, with the softmax loss: the notes' net, single or as a stack.

    Parameters are `W1` (D, H), `b1` (H,), `W2` (H, C), `b2` (C,), each with a leading axis of
    `members` in a stack. Biases start at zero.

    Args:
        input_dim: D, the number of features of a sample.
        hidden_dim: H, the number of hidden units.
        num_classes: C.
        weight_scale: Standard deviation of the Gaussian initial weights.
        reg: L2 regularisation strength, which enters the loss with the factor 0.5.
        initializer: None or "gaussian" (with `weight_scale`), "xavier", "kaiming", "zeros", or a
            callable `(rng, (fan_in, fan_out)) -> NumPy array`.
        members: K for a stack of K independent nets, trained at once; None for a single net.
        dtype: "float32", "float64", "float16" or "bfloat16", as in `FullyConnectedNet`.
        device: As in `xpnet.get_backend`.
        seed: Of the initial weights, which are the same on every backend.

    `reg`, `weight_scale` and `seed` may be sequences of K values, one a member.

    Raises:
        InputError: A size is not a positive integer, or a value is out of range.
        BackendError: The device or its dtype cannot be used here.

    """

    def __init__(
        self,
        input_dim: int = 3 * 32 * 32,
        hidden_dim: int = 100,
        num_classes: int = 10,
        weight_scale: float | Sequence[float] = 1e-3,
        reg: float | Sequence[float] = 0.0,
        *,
        initializer: str | Initializer | None = None,
        members: int | None = None,
        dtype: str = "float32",
        device: str = "cpu",
        seed: int | Sequence[int] = 0,
    ) -> None:
        super().__init__(
            [check_size("hidden_dim", hidden_dim)],
            input_dim,
            num_classes,
            reg=reg,
            weight_scale=weight_scale,
            initializer="gaussian" if initializer is None else initializer,
            members=members,
            dtype=dtype,
            device=device,
            seed=seed,
        )
