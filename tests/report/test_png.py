"""Our PNG files, as Pillow reads them."""

import base64
import io

import numpy as np
import pytest

from xpnet.report.png import data_uri, png_bytes

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize(
    ("channels", "mode"), [(None, "L"), (1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")]
)
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (70, 200)])
def test_pillow_reads_the_same_pixels(rng, channels, mode, size):
    pixels = rng.integers(0, 256, size=size if channels is None else (*size, channels))
    pixels = pixels.astype(np.uint8)
    with Image.open(io.BytesIO(png_bytes(pixels))) as picture:
        picture.verify()  # the checksums
    with Image.open(io.BytesIO(png_bytes(pixels))) as picture:
        assert picture.mode == mode
        assert picture.size == (size[1], size[0])
        read = np.asarray(picture)
    np.testing.assert_array_equal(read, pixels[..., 0] if channels == 1 else pixels)


def test_an_address_holds_the_file():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    head, _, content = data_uri(pixels).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == png_bytes(pixels)
