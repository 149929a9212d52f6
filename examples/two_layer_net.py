"""The notes' run: a two-layer net with 50 hidden units on CIFAR-10, 10 epochs of SGD.

    python examples/two_layer_net.py DIR     # DIR holds cifar-10-batches-py/
    python examples/two_layer_net.py         # without the files: on the digits

The notes reach a validation accuracy of 0.483 on CIFAR-10.
"""

import sys

import xpnet


def main() -> None:
    """Train, and print the accuracies."""
    if len(sys.argv) > 1:
        data, learning_rate = xpnet.data.load("cifar10", data_dir=sys.argv[1]), 1e-3
    else:
        data, learning_rate = xpnet.data.load("digits"), 3e-2
    model = xpnet.TwoLayerNet(data.input_dim, hidden_dim=50, num_classes=data.num_classes)
    solver = xpnet.Solver(
        model,
        data,
        update_rule="sgd",
        optim_config={"learning_rate": learning_rate},
        lr_decay=0.95,
        num_epochs=10,
        batch_size=100,
        print_every=100,
        preprocess="mean",
    )
    solver.train()
    print(f"Best validation accuracy: {solver.best_val_acc:.3f}")
    print(f"Test set accuracy: {solver.check_accuracy(data.X_test, data.y_test):.3f}")


if __name__ == "__main__":
    main()
