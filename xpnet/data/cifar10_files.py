"""CIFAR-10 as its authors publish it: the address, the checksum and the files.

Reference: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.
"""

__all__ = ["FILES", "FOLDER", "SHA256", "URL"]

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
FOLDER = "cifar-10-batches-py"
FILES = (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta")
