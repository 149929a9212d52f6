import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seeded():
    """The seed of the course's notebooks."""
    np.random.seed(231)
