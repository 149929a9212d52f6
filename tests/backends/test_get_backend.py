"""The `--device` text: what each one opens, and the sentence that refuses one."""

import importlib.util
import sys
import types

import array_api_compat
import numpy as np
import pytest

from xpnet.backends import DEVICE_CHOICES, get_backend
from xpnet.backends.cupy_backend import CupyBackend
from xpnet.backends.dpnp_backend import DpnpBackend
from xpnet.backends.jax_backend import JaxBackend
from xpnet.backends.numpy_backend import NumpyBackend
from xpnet.backends.strict_backend import StrictBackend
from xpnet.backends.torch_backend import TorchBackend
from xpnet.errors import BackendError, InputError


def need(module: str) -> None:
    """Skip where the library is missing, without importing it."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def refusal(device: object) -> str:
    """Return the sentence that refuses a device, after checking that it is one line."""
    with pytest.raises(BackendError) as caught:
        get_backend(device)
    text = str(caught.value)
    assert "\n" not in text
    return text


def fake_cupy(*, available: bool, count: int = 2) -> types.ModuleType:
    """Return a module that answers like CuPy, with NumPy's arrays."""

    class Device:
        used: int | None = None

        def __init__(self, number: int) -> None:
            self.id = number

        def use(self) -> None:
            type(self).used = self.id

    cupy = types.ModuleType("cupy")
    cupy.__version__ = "14.2.0"
    cupy.is_available = lambda: available
    cupy.float32, cupy.ones, cupy.asnumpy = np.float32, np.ones, np.asarray
    runtime = types.SimpleNamespace(
        getDeviceCount=lambda: count,
        getDeviceProperties=lambda number: {"name": f"Toy GPU {number}".encode()},
    )
    cupy.cuda = types.SimpleNamespace(Device=Device, runtime=runtime)
    return cupy


def fake_sycl(monkeypatch, *filter_strings: str, fp64: bool = True, fp16: bool = True) -> None:
    """Put a dpnp in place that has devices of these names, with NumPy's arrays."""

    class SyclDeviceCreationError(Exception):
        pass

    devices = {
        text: types.SimpleNamespace(
            filter_string=text,
            name=f"Toy {text}",
            is_gpu="gpu" in text,
            is_cpu="cpu" in text,
            has_aspect_fp64=fp64,
            has_aspect_fp16=fp16,
        )
        for text in filter_strings
    }

    def empty(_shape, dtype, device):
        if device is not None and device not in devices:
            raise SyclDeviceCreationError(f"Could not create a SyclDevice from {device}")
        chosen = devices[device or filter_strings[0]]
        return types.SimpleNamespace(device=types.SimpleNamespace(sycl_device=chosen))

    dpnp, dpctl = types.ModuleType("dpnp"), types.ModuleType("dpctl")
    dpnp.__version__, dpnp.empty = "0.20.0", empty
    dpnp.float16, dpnp.float32, dpnp.float64 = np.float16, np.float32, np.float64
    dpctl.get_devices = lambda: list(devices.values())
    dpctl.SyclDeviceCreationError = SyclDeviceCreationError
    monkeypatch.setitem(sys.modules, "dpnp", dpnp)
    monkeypatch.setitem(sys.modules, "dpctl", dpctl)


@pytest.fixture
def no_cupy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)


@pytest.mark.parametrize("text", ["gpu", "auto"])
def test_a_gpu_that_cannot_compute_is_not_chosen(text, toy_gpus, monkeypatch):
    """CuPy lists a card whose CUDA libraries are missing; the first array says so."""

    def fail(*_args, **_kwargs):
        raise RuntimeError("Failed to load\nlibnvrtc.so.12")

    monkeypatch.setattr(toy_gpus, "ones", fail)
    if text == "auto":
        assert type(get_backend("auto")) is NumpyBackend
        assert "cannot compute on it" in get_backend("auto").remark
    else:
        said = refusal("gpu")
        assert "Failed to load libnvrtc.so.12" in said
        assert "pip install 'cupy-cuda12x[ctk]'" in said


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy(available=False))


@pytest.fixture
def toy_gpus(monkeypatch):
    """Two graphics cards that CuPy can use."""
    cupy = fake_cupy(available=True)
    namespace = types.ModuleType("array_api_compat.cupy")
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setitem(sys.modules, "array_api_compat.cupy", namespace)
    monkeypatch.setattr(array_api_compat, "cupy", namespace, raising=False)
    return cupy


@pytest.mark.parametrize(
    ("text", "module", "kind", "device"),
    [
        ("cpu", "numpy", NumpyBackend, "cpu"),
        ("numpy", "numpy", NumpyBackend, "cpu"),
        ("numpy:cpu", "numpy", NumpyBackend, "cpu"),
        ("torch", "torch", TorchBackend, "cpu"),
        ("torch:cpu", "torch", TorchBackend, "cpu"),
        ("jax:cpu", "jax", JaxBackend, "cpu:0"),
        ("jax:cpu:0", "jax", JaxBackend, "cpu:0"),
        ("array-api-strict", "array_api_strict", StrictBackend, "CPU_DEVICE"),
        ("array-api-strict:device1", "array_api_strict", StrictBackend, "device1"),
        ("array-api-strict:device2", "array_api_strict", StrictBackend, "device2"),
    ],
)
def test_text_opens_its_library_and_device(text, module, kind, device):
    need(module)
    backend = get_backend(text)
    assert type(backend) is kind
    assert device in str(backend.device) or device in repr(backend.device)
    assert backend.is_gpu is False


@pytest.mark.parametrize("text", ["dpnp", "dpnp:cpu", "dpnp:opencl:cpu:0"])
def test_dpnp_opens_the_cpu(text):
    pytest.importorskip("dpnp")
    try:
        backend = get_backend(text)
    except BackendError as error:
        pytest.skip(error.reason)
    assert type(backend) is DpnpBackend
    device = backend.device.sycl_device
    assert device.is_cpu or text == "dpnp"
    assert backend.is_gpu == device.is_gpu


@pytest.mark.parametrize(
    ("text", "device", "description"),
    [
        ("dpnp", "level_zero:gpu:0", "dpnp 0.20.0 on Toy level_zero:gpu:0"),
        ("dpnp:level_zero:gpu:0", "level_zero:gpu:0", "dpnp 0.20.0 on Toy level_zero:gpu:0"),
        ("dpnp:opencl:cpu:0", "opencl:cpu:0", "dpnp 0.20.0 on the CPU"),
    ],
)
def test_dpnp_opens_the_device_that_the_text_names(text, device, description, monkeypatch):
    fake_sycl(monkeypatch, "level_zero:gpu:0", "opencl:cpu:0")
    backend = get_backend(text)
    assert type(backend) is DpnpBackend
    assert backend.is_gpu is ("gpu" in device)
    assert backend.text == f"dpnp:{device}"
    assert backend.description == description


def test_unknown_dpnp_device_lists_those_there(monkeypatch):
    fake_sycl(monkeypatch, "level_zero:gpu:0", "opencl:cpu:0")
    said = refusal("dpnp:gpu:7")
    assert "'gpu:7'" in said
    assert "level_zero:gpu:0, opencl:cpu:0" in said


def test_dpnp_without_a_device_names_the_ways_to_get_one(monkeypatch):
    fake_sycl(monkeypatch)
    for text in ("dpnp", "dpnp:cpu", "dpnp:gpu"):
        said = refusal(text)
        assert "install its driver" in said
        assert "pip install intel-opencl-rt" in said
        assert f"OCL_ICD_FILENAMES={sys.prefix}/lib/libintelocl.so" in said


def test_dpnp_does_not_change_float64_for_float32_in_silence(monkeypatch):
    """Many of Intel's cards have no float64."""
    fake_sycl(monkeypatch, "level_zero:gpu:0", fp64=False)
    backend = get_backend("dpnp")
    assert backend.dtype("float32") == np.float32
    with pytest.raises(BackendError, match=r"^Toy level_zero:gpu:0 has no float64: use float32$"):
        backend.dtype("float64")


@pytest.mark.parametrize("fp16", [True, False])
def test_dpnp_has_float16_where_its_device_has_it(monkeypatch, fp16):
    fake_sycl(monkeypatch, "level_zero:gpu:0", fp16=fp16)
    backend = get_backend("dpnp")
    if fp16:
        assert backend.dtype("float16") == np.float16
    else:
        with pytest.raises(BackendError, match="gpu:0 has no float16: use float32$"):
            backend.dtype("float16")


def test_cpu_is_the_default():
    backend = get_backend()
    assert type(backend) is NumpyBackend
    assert backend.remark == ""  # the remark is for what nobody named


def test_jax_alone_opens_its_default_device():
    jax = pytest.importorskip("jax")
    assert get_backend("jax").device == jax.devices()[0]


@pytest.mark.parametrize("choice", DEVICE_CHOICES)
def test_every_choice_is_known(choice):
    name = choice.partition("[")[0]
    try:
        backend = get_backend(name)
    except BackendError as error:
        assert "unknown device" not in str(error)  # noqa: PT017 - the library may be missing
    else:
        assert name in {"cpu", "gpu", "auto", backend.name}


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("gpus", "gpu"),
        ("nunpy", "numpy"),
        ("pytorch", "torch"),
        ("cuppy:0", "cupy"),
        ("aut", "auto"),
    ],
)
def test_unknown_text_suggests_the_nearest(text, suggestion):
    said = refusal(text)
    assert repr(text) in said
    assert f"did you mean {suggestion}?" in said


@pytest.mark.parametrize("text", ["quantum", "", "xyz:1", "auto:0"])
def test_unknown_text_lists_every_choice(text):
    said = refusal(text)
    assert repr(text) in said
    for choice in DEVICE_CHOICES:
        assert choice in said


def test_far_from_every_choice_suggests_nothing():
    assert "did you mean" not in refusal("quantum")


@pytest.mark.parametrize("given", [None, 0, b"cpu", ["cpu"], np])
def test_what_is_not_a_text_is_refused(given):
    said = refusal(given)
    assert repr(given) in said
    assert "'cpu'" in said


@pytest.mark.parametrize("text", ["numpy:gpu", "cpu:1"])
def test_numpy_has_the_cpu_alone(text):
    assert text.partition(":")[2] in refusal(text)


def test_unknown_simulated_device_lists_those_there():
    pytest.importorskip("array_api_strict")
    said = refusal("array-api-strict:nodevice")
    for part in ("'nodevice'", "CPU_DEVICE", "device1", "device2"):
        assert part in said


@pytest.mark.parametrize("device", ["nodevice", "7", "-1", "cpu:x"])
def test_unknown_torch_device(device):
    torch = pytest.importorskip("torch")
    said = refusal(f"torch:{device}")
    assert repr(device) in said
    assert torch.__version__ in said
    assert "torch:cpu" in said


def test_torch_cuda_without_cuda():
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("CUDA works here")
    said = refusal("torch:cuda")
    assert "'cuda'" in said
    assert "torch:cpu" in said


def test_torch_device_that_holds_no_values_is_refused():
    """On "meta" a training would die at its first look at a loss."""
    pytest.importorskip("torch")
    assert "'meta'" in refusal("torch:meta")


@pytest.mark.parametrize("device", ["nodevice", "cpu:99", "cpu:x", "cpu:0:1", "1", "cpu:-1"])
def test_unknown_jax_device_lists_those_there(device):
    jax = pytest.importorskip("jax")
    said = refusal(f"jax:{device}")
    assert repr(device) in said
    assert str(jax.devices()[0]) in said


@pytest.mark.parametrize(
    ("text", "module", "command"),
    [
        ("torch", "torch", "pip install torch"),
        ("torch:cuda", "torch", "pip install torch"),
        ("jax", "jax", "pip install jax"),
        ("dpnp:gpu", "dpnp", "pip install dpnp"),
        ("array-api-strict:device1", "array_api_strict", "pip install array-api-strict"),
    ],
)
def test_missing_library_names_its_pip_command(text, module, command, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    assert command in refusal(text)


@pytest.mark.parametrize("text", ["gpu", "cupy", "gpu:0", "cupy:1"])
@pytest.mark.usefixtures("no_cupy")
def test_gpu_without_cupy_names_the_package_and_the_way_out(text):
    said = refusal(text)
    assert "CuPy" in said
    assert "pip install 'cupy-cuda12x[ctk]'" in said
    assert "cupy-cuda13x" in said
    assert "--device cpu" in said


@pytest.mark.parametrize("text", ["gpu", "cupy", "gpu:0"])
@pytest.mark.usefixtures("no_driver")
def test_gpu_without_driver_names_the_driver(text):
    said = refusal(text)
    assert "driver" in said
    assert "nvidia-smi" in said
    assert "14.2.0" in said
    assert "pip install" not in said
    assert "--device cpu" in said


@pytest.fixture
def broken_cupy(monkeypatch, tmp_path):
    """A CuPy whose CUDA libraries are missing, which says so in ten lines between two rules."""
    rule = "=" * 64
    (tmp_path / "cupy.py").write_text(
        f'raise ImportError("""\n{rule}\nFailed to import CuPy.\n\nOriginal error:\n'
        f'  ImportError: libcublas.so.12: cannot open shared object file\n{rule}\n""")\n'
    )
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("broken_cupy")
def test_a_long_import_error_of_cupy_stays_one_line():
    assert "pip install 'cupy-cuda12x[ctk]'" in refusal("gpu")


@pytest.mark.usefixtures("broken_cupy")
def test_auto_with_a_broken_cupy_is_numpy_with_one_line_of_reason():
    backend = get_backend("auto")
    assert type(backend) is NumpyBackend
    assert "\n" not in backend.remark
    assert backend.remark.count("(") == backend.remark.count(")")


@pytest.mark.usefixtures("no_cupy")
def test_auto_without_cupy_is_numpy():
    backend = get_backend("auto")
    assert type(backend) is NumpyBackend
    assert "auto" in backend.remark
    assert "CuPy" in backend.remark


@pytest.mark.usefixtures("no_driver")
def test_auto_without_driver_is_numpy():
    backend = get_backend("auto")
    assert type(backend) is NumpyBackend
    assert "driver" in backend.remark


def test_auto_with_a_gpu_that_works_is_cupy(toy_gpus):
    backend = get_backend("auto")
    assert type(backend) is CupyBackend
    assert backend.is_gpu
    assert backend.device.id == 0
    assert toy_gpus.cuda.Device.used == 0
    assert backend.description == "CuPy 14.2.0 on Toy GPU 0"
    assert "auto" in backend.remark


@pytest.mark.parametrize(
    ("text", "number"), [("gpu", 0), ("cupy", 0), ("gpu:1", 1), ("cupy:1", 1), ("cupy:0", 0)]
)
def test_number_chooses_the_gpu(text, number, toy_gpus):
    backend = get_backend(text)
    assert backend.device.id == number
    assert toy_gpus.cuda.Device.used == number
    assert backend.version == "14.2.0"


@pytest.mark.parametrize("text", ["gpu:2", "cupy:99", "gpu:-1", "gpu:first", "gpu:1.0"])
@pytest.mark.usefixtures("toy_gpus")
def test_gpu_of_no_such_number(text):
    said = refusal(text)
    assert text.partition(":")[2] in said
    assert "0 to 1" in said


def test_refusals_are_input_errors():
    """So that a command line catches one class."""
    assert issubclass(BackendError, InputError)
    assert issubclass(InputError, ValueError)
