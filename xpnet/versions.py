"""The version of xpnet, and those of the libraries that a run depends on."""

import platform

import numpy as np

from xpnet.backends import Backend

__all__ = ["__version__", "versions"]

__version__ = "0.1.0"


def versions(backend: Backend) -> dict[str, str]:
    """Return the versions by name, that of the backend's library among them."""
    return {
        "xpnet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        backend.name: backend.version,
    }
