"""Picture files as samples of a net: PNG and whatever else Pillow reads.

Needs Pillow: pip install 'xpnet[pictures]'.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from xpnet.errors import InputError

__all__ = ["PictureForm", "read_picture"]


class PictureForm(NamedTuple):
    """What the samples of a net look like where they are pictures."""

    shape: tuple[int, int, int]  # channels, height, width
    white: float  # the number that the training inputs have for white


def read_picture(path: Path, form: PictureForm, *, resize: bool = False) -> np.ndarray:
    """Return a picture as a sample (C * H * W,): grey where C is 1, otherwise red, green, blue.

    Args:
        path: The file.
        form: What the net takes.
        resize: Scale a picture of another size, which is refused otherwise.

    Raises:
        InputError: Pillow is not installed, the file is no picture, or it has another size.

    """
    try:
        from PIL import Image  # noqa: PLC0415 - optional, and 20 ms
    except ImportError as error:
        raise InputError(
            "pictures need Pillow, which is not installed: pip install pillow, or give an .npz file"
        ) from error
    channels, height, width = form.shape
    try:
        with Image.open(path) as file:
            whole = file if not file.mode.startswith("I") else _in_8_bits(file)
            picture = whole.convert("L" if channels == 1 else "RGB")
    except OSError as error:
        reason = error.strerror or "it is no picture, or damaged"
        raise InputError(f"cannot read it ({reason}): check the path") from error
    except Exception as error:  # Pillow's readers raise almost anything for a damaged file
        raise InputError(f"cannot read it ({type(error).__name__}: {error})") from error
    if picture.size != (width, height):
        if not resize:
            raise InputError(
                f"it has {picture.width} x {picture.height} pixels, and the net takes "
                f"{width} x {height}: scale it, or give --resize"
            )
        picture = picture.resize((width, height))
    pixels = np.asarray(picture, dtype=np.float32).reshape(height, width, channels)
    sample = pixels.transpose(2, 0, 1).reshape(-1)
    return sample if form.white == 255 else sample * np.float32(form.white / 255)


def _in_8_bits(picture: Any) -> Any:
    """Return a grey picture of 16 bits in 8: Pillow itself would make white of all above 255.

    It may come as 32 bits, of which the upper ones are nothing that a picture file has.
    """
    from PIL import Image  # noqa: PLC0415 - as above

    levels = np.clip(np.asarray(picture), 0, 2**16 - 1).astype(np.uint16)
    return Image.fromarray((levels >> 8).astype(np.uint8))
