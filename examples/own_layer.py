"""Write a layer of your own, find the mistake in its gradient, and mend it.

    python examples/own_layer.py

A layer is a pair of functions, `forward(...) -> (out, cache)` and `backward(dout, cache)`, which
returns the gradient by each input. `xpnet.gradient_check` holds it against central differences.
"""

import numpy as np

import xpnet


def scaled_tanh_forward(x, scale):
    """Return scale * tanh(x), with one scale for each feature, for x (N, D) and scale (D,)."""
    bent = np.tanh(x)
    return scale * bent, (bent, scale)


def scaled_tanh_backward(dout, cache):
    """Return the gradients by x and scale, with a mistake: the derivative of tanh is 1 - tanh^2."""
    bent, scale = cache
    return dout * scale * (1 - bent), np.sum(dout * bent, axis=0)


def mended_backward(dout, cache):
    """Return the gradients by x and scale."""
    bent, scale = cache
    return dout * scale * (1 - bent**2), np.sum(dout * bent, axis=0)


def main() -> None:
    """Check the layer, before and after."""
    rng = np.random.default_rng(0)
    inputs = {"x": rng.standard_normal((4, 3)), "scale": rng.standard_normal(3)}
    print("As it was written:")
    print(xpnet.gradient_check(scaled_tanh_forward, scaled_tanh_backward, inputs))
    print("\nMended:")
    report = xpnet.gradient_check(scaled_tanh_forward, mended_backward, inputs)
    print(report)
    report.raise_if_wrong()  # in a test, this line is enough


if __name__ == "__main__":
    main()
