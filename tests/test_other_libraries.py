"""Faults met in other libraries, each with a minimal case.

Every test says what ought to hold. It is expected to fail at the version in which the fault was
seen, and a pass there fails the suite; at another version either is taken, and a pass means that
what we do about the fault may go. Faults that no case here can show:

- CuPy 14.2: `matmul` cannot be captured in a CUDA graph, as cuBLAS refuses to change its stream
  (cupy/cupy#6290). Read in its source, never run here.
- MLX 0.32.4 cannot be a backend: its arrays have no `device`, its creation functions take no
  `device=`, its `astype` no `copy=`. And its float64 `exp` has float32's accuracy:
  `mx.exp(mx.array(1.0, dtype=mx.float64)).item()` gives 2.7182817459, not 2.7182818285
  (ml-explore/mlx#3047).
"""

import subprocess
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np
import pytest


def fault(module, distribution, seen, reason):
    """Return the mark of a case: what fails, and where it was seen."""
    try:
        installed = version(distribution).partition("+")[0]
    except PackageNotFoundError:
        installed = None
    if installed is None or find_spec(module) is None:
        return pytest.mark.skip(reason=f"{distribution} is not installed")
    return pytest.mark.xfail(reason=f"{distribution} {seen}: {reason}", strict=installed == seen)


@fault("jax", "jax", "0.10.2", "float64 becomes float32 without a warning")
def test_jax_says_that_it_drops_float64():
    """JaxBackend.dtype refuses float64 with a sentence."""
    import jax

    if jax.config.jax_enable_x64:
        pytest.skip("float64 is switched on")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kept = jax.numpy.asarray(np.ones(2)).dtype == np.float64
    assert kept or caught


@fault("jax", "jax", "0.10.2", "a traced array has no attribute `device` (jax-ml/jax#26000)")
def test_traced_jax_arrays_have_a_device():
    """Our `device` gives None for what names none."""
    import jax

    assert jax.eval_shape(lambda x: x if hasattr(x, "device") else None, np.ones(2)) is not None


@fault("dask", "dask", "2026.8.0", "the computed shape is not the one that was promised")
def test_dask_maximum_over_an_axis_with_another_one_empty():
    """A batch of no samples is not tried on Dask."""
    import dask.array

    largest = dask.array.max(dask.array.from_array(np.ones((3, 0, 2))), axis=0)
    assert largest.compute().shape == largest.shape


@fault("torch", "torch", "2.13.0", "its compiler imports its own deprecated functions")
def test_torch_compile_warns_of_nothing_in_torch():
    """The test of --compile runs in a process of its own, where warnings are no errors."""
    # A process of its own: what was imported here stays imported.
    code = "from torch._inductor import compile_fx"
    command = [sys.executable, "-W", "error::DeprecationWarning", "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@fault("torch", "torch", "2.13.0", "the old question raises once the new way was used to set it")
def test_torch_tells_its_precision_however_it_was_set():
    """TorchBackend.context asks and sets the new way alone."""
    import torch

    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.backends.cuda.matmul.fp32_precision = before
