"""Those who take part in `ci/benchmark.py`, each in a process of its own.

A peer is a class that is made from a `Task` and trains its net:

    train(epochs)   so many epochs of shuffled batches, and returns when they are done
    predict(X)      the classes of pictures as they are in the files
    settle(epochs)  makes `predict` speak for the net after so many epochs from the beginning

Its module imports its library at the top, so that the time of that import can be taken.
"""

from typing import NamedTuple

__all__ = ["PEERS", "Peer"]


class Peer(NamedTuple):
    """How one of them is found and shown."""

    label: str
    place: str  # module:class
    library: str = "numpy"  # the package that must be there
    option: str = ""  # an argument of the class, beside the task
    deep: bool = True  # whether it trains five layers with batch normalisation
    device: str = "cpu"


_TWO_LAYERS = {"deep": False}
_CUDA = {"device": "gpu"}

PEERS = {
    "products": Peer("the matrix products alone", "products:Products"),
    "by-hand": Peer("NumPy by hand", "by_hand:by_hand"),
    "by-hand-plain": Peer("NumPy by hand, plainly", "by_hand_plain:Plain", "numpy", **_TWO_LAYERS),
    "xpnet-numpy": Peer("**xpnet** on NumPy", "with_xpnet:WithXpnet", "numpy", "cpu"),
    "xpnet-torch": Peer("**xpnet** on PyTorch", "with_xpnet:WithXpnet", "torch", "torch:cpu"),
    "xpnet-torch-compiled": Peer(
        "**xpnet** on PyTorch, compiled", "with_xpnet:WithXpnetCompiled", "torch", "torch:cpu"
    ),
    "xpnet-jax": Peer("**xpnet** on JAX", "with_xpnet:WithXpnet", "jax", "jax:cpu"),
    "torch": Peer("PyTorch, eager", "with_torch:Eager", "torch", "cpu"),
    "torch-compiled": Peer("PyTorch, compiled step", "with_torch:Compiled", "torch", "cpu"),
    "jax-jit": Peer("JAX, jitted step", "with_jax:Jitted", "jax", "cpu"),
    "jax-scan": Peer("JAX, scanned epoch", "with_jax:Scanned", "jax", "cpu"),
    "keras": Peer("Keras 3 on JAX", "with_keras:WithKeras", "keras"),
    "sklearn": Peer(
        "scikit-learn MLPClassifier", "with_sklearn:WithSklearn", "sklearn", **_TWO_LAYERS
    ),
    "thinc": Peer("Thinc", "with_thinc:WithThinc", "thinc", **_TWO_LAYERS),
    "notes-float32": Peer(
        "the notes, in float32", "notes:Notes", "numpy", "float32", **_TWO_LAYERS
    ),
    "notes": Peer(
        "the notes as printed, float64", "notes:Notes", "numpy", "float64", **_TWO_LAYERS
    ),
    "torch-cuda": Peer("PyTorch, eager", "with_torch:Eager", "torch", "cuda", **_CUDA),
    "torch-cuda-graph": Peer("PyTorch, CUDA graph", "with_cuda:Graph", "torch", "cuda", **_CUDA),
    "jax-cuda-scan": Peer("JAX, scanned epoch", "with_jax:Scanned", "jax", "gpu", **_CUDA),
    "xpnet-cupy": Peer("**xpnet** on CuPy", "with_xpnet:WithXpnet", "cupy", "gpu", **_CUDA),
    "xpnet-torch-cuda": Peer(
        "**xpnet** on PyTorch", "with_xpnet:WithXpnet", "torch", "torch:cuda", **_CUDA
    ),
    "xpnet-jax-gpu": Peer("**xpnet** on JAX", "with_xpnet:WithXpnet", "jax", "jax:gpu", **_CUDA),
}
