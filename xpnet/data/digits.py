"""Handwritten digits, 8 by 8 pixels: a small real data set that comes with the library.

These are the 1,797 pictures of the test file of

    E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits,
    UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0

in the order of that file. Beside them, `digits.npz` says which part each row belongs to: drawn
once, `split_rows(1797, 180, 180, seed=0)`, and then kept, so that results compare across seeds
and NumPy releases.
"""

from pathlib import Path

import numpy as np

from xpnet.data.dataset import Dataset

__all__ = ["load_digits"]


def load_digits() -> Dataset:
    """Return the digits: 1,437 rows to train, 180 to validate, 180 to test, for every seed.

    A row is 64 uint8 values from 0 (paper) to 16 (ink), row by row of the picture.
    """
    with np.load(Path(__file__).with_name("digits.npz"), allow_pickle=False) as archive:
        X, y, part = archive["X"], archive["y"], archive["part"]
    train, val, test = part == 0, part == 1, part == 2
    return Dataset(
        name="digits",
        X_train=X[train],
        y_train=y[train],
        X_val=X[val],
        y_val=y[val],
        X_test=X[test],
        y_test=y[test],
        class_names=tuple("0123456789"),
        picture_shape=(1, 8, 8),
        source=(
            "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak (1998), "
            "UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, CC BY 4.0"
        ),
    )
