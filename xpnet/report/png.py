"""PNG files, written without a library.

Reference: the PNG specification, https://www.w3.org/TR/png-3/, sections 5 (chunks), 9 (no filter)
and 11.2 (header).
"""

import base64
import struct
import zlib

import numpy as np

__all__ = ["data_uri", "png_bytes"]

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by channels: grey, grey and alpha, RGB, RGB and alpha


def png_bytes(pixels: np.ndarray) -> bytes:
    """Return the content of a PNG file of 8 bits a channel.

    Args:
        pixels: uint8 of shape (height, width) for grey, or (height, width, channels): grey and
            alpha, red, green and blue, or these and alpha.

    """
    rows = pixels if pixels.ndim == 3 else pixels[..., None]
    height, width, channels = rows.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    # Each row begins with the number of its filter, 0 for none.
    filtered = np.zeros((height, 1 + width * channels), dtype=np.uint8)
    filtered[:, 1:] = rows.reshape(height, width * channels)
    parts = [
        _chunk(b"IHDR", header),
        _chunk(b"IDAT", zlib.compress(filtered.tobytes(), 9)),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def data_uri(pixels: np.ndarray) -> str:
    """Return a picture as an address that holds all of it."""
    return "data:image/png;base64," + base64.b64encode(png_bytes(pixels)).decode("ascii")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
