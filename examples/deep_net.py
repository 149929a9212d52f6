"""A five-layer net with batch normalisation and dropout, by Adam with a warm-up and a cosine.

python examples/deep_net.py DIR     # DIR holds cifar-10-batches-py/
python examples/deep_net.py         # without the files: on the digits
"""

import sys

import xpnet


def main() -> None:
    """Train, predict, save and load."""
    data = xpnet.data.load("cifar10", data_dir=sys.argv[1]) if sys.argv[1:] else None
    data = data or xpnet.data.load("digits")
    net = xpnet.FullyConnectedNet(
        [200, 100, 100, 50],
        data.input_dim,
        data.num_classes,
        activation="relu",
        normalization="batchnorm",
        dropout_keep_ratio=0.9,
    )
    print(net.summary())
    solver = xpnet.Solver(
        net,
        data,
        update_rule="adam",
        optim_config={"learning_rate": 1e-3},
        num_epochs=20,
        lr_schedule="warmup:1+cosine",
        patience=8,
        label_smoothing=0.05,
        print_every=1000,
        preprocess="standard",
    )
    solver.train()
    print(f"Best validation accuracy: {solver.best_val_acc:.3f}")
    print(f"Test set accuracy: {solver.check_accuracy(data.X_test, data.y_test):.3f}")

    xpnet.save(net, "deep_net.safetensors")
    loaded = xpnet.load("deep_net.safetensors")  # takes raw inputs: the preprocessing came along
    classes = [data.class_names[k] for k in loaded.predict(data.X_test[:5])]
    print(f"The first test samples are taken for: {', '.join(classes)}")


if __name__ == "__main__":
    main()
