"""Bring your own model, and your own update rule, to the Solver.

    python examples/own_model.py

A model is any object with a dictionary `params` of arrays, and `loss(X)` -> scores and
`loss(X, y)` -> (loss, gradients). This one is a linear classifier in plain NumPy, which knows
nothing of xpnet. A rule is any callable `(w, dw, config) -> (next_w, config)`.
"""

import numpy as np

import xpnet


class SoftmaxClassifier:
    """Scores that are linear in the inputs, with the cross-entropy of their softmax."""

    def __init__(self, num_features: int, num_classes: int) -> None:
        self.params = {
            "W": np.zeros((num_features, num_classes)),
            "b": np.zeros(num_classes),
        }

    def loss(self, X, y=None):
        """Return scores, or with labels the loss and the gradients."""
        scores = X @ self.params["W"] + self.params["b"]
        if y is None:
            return scores
        scores = scores - scores.max(axis=1, keepdims=True)
        log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        rows = np.arange(len(y))
        dscores = np.exp(log_probabilities)
        dscores[rows, y] -= 1
        dscores /= len(y)
        loss = -log_probabilities[rows, y].mean()
        return float(loss), {"W": X.T @ dscores, "b": dscores.sum(axis=0)}


def sign_descent(w, dw, config=None):
    """Step by the sign of the gradient alone, a learning rate far along each axis."""
    config = {"learning_rate": 1e-3} if config is None else config
    return w - config["learning_rate"] * np.sign(dw), config


def main() -> None:
    """Train the classifier on the digits, by Adam and by the rule above."""
    data = xpnet.data.load("digits")
    for rule in ("adam", sign_descent):
        model = SoftmaxClassifier(data.input_dim, data.num_classes)
        solver = xpnet.Solver(
            model,
            data,
            update_rule=rule,
            optim_config={"learning_rate": 1e-3},
            lr_decay=0.95,
            num_epochs=20,
            preprocess="mean",
            verbose=False,
        )
        solver.train()
        accuracy = solver.check_accuracy(data.X_test, data.y_test)
        print(f"{getattr(rule, '__name__', rule)}: test accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
