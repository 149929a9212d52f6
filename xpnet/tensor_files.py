"""Arrays and a JSON text in one safetensors file, with a digest over both.

The header of such a file is JSON. Beside the arrays its metadata hold two texts: "xpnet", a JSON
object of ours, and "sha256", the digest of that object and of all arrays, so that no bit can change
unseen. Nothing in the file is ever run, and nothing larger than the file is allocated for it.

Reference: the safetensors format, https://huggingface.co/docs/safetensors.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from xpnet.errors import InputError

__all__ = ["FORMAT", "read_tensors", "tensor_bytes"]

FORMAT = 1

_KEY, _DIGEST = "xpnet", "sha256"
_LARGEST_HEADER = 2**24  # bytes; JSON takes up to thirty times its length in memory


def tensor_bytes(arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> bytes:
    """Return the content of a file.

    Args:
        arrays: Numbers by their names, in any memory layout and byte order.
        header: What JSON can hold; NaN and infinity it cannot.

    Raises:
        InputError: The header is longer than `read_tensors` takes, or JSON cannot hold it.

    """
    import safetensors.numpy  # noqa: PLC0415 - 10 ms that a training without files need not wait

    # safetensors writes what it finds in memory, also of a transposed array.
    whole = {name: _in_file_order(x) for name, x in arrays.items()}
    try:
        text = json.dumps(header, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"a file's header cannot hold what was given: {error}") from error
    if len(text) > _LARGEST_HEADER // 2:  # quotes in it will be escaped once more
        raise InputError(
            f"the names and options of a file may have {_LARGEST_HEADER // 2:,} characters; these "
            f"have {len(text):,}"
        )
    metadata = {_KEY: text, _DIGEST: _digest(text, whole)}
    return _in_order(bytes(safetensors.numpy.save(whole, metadata=metadata)))


def read_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the arrays, which cannot be written into, and the header of a file.

    Raises:
        InputError: The file cannot be read, is none of ours, or is damaged.

    """
    try:
        if not path.is_file():
            what = "it is no file" if path.exists() else "there is no such file"
            raise InputError(f"cannot open it ({what}); check the path")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot open it ({error.strerror or error}); check the path") from error
    text, digest = _metadata(content)
    arrays = _arrays(content)
    if digest != _digest(text, arrays):
        raise _damaged("its digest does not fit what it holds")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(type(error).__name__) from error
    if not isinstance(header, dict) or not {"format", "kind", "net"} <= set(header):
        raise InputError("its header is none of xpnet's, although the file is whole")
    if header["format"] != FORMAT or header["format"] is True:
        raise InputError(
            f"it has the format {header['format']!r}, and this xpnet reads {FORMAT}: use the xpnet "
            "that wrote it"
        )
    return arrays, header


def _in_order(content: bytes) -> bytes:
    """Return a file with its header sorted, so that equal nets are equal files.

    safetensors writes the two texts of the metadata in an order that changes from run to run.
    """
    stop = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:stop])
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[stop:]


def _metadata(content: bytes) -> tuple[str, str]:
    """Return our two texts, read from the JSON at the beginning of the file."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        if content[:2] == b"PK":
            raise InputError("this is an .npz or zip file, and no .safetensors file of xpnet's")
        raise _damaged("it ends inside its header, or is no file of xpnet's at all")
    if length > _LARGEST_HEADER:
        raise _damaged(f"its header has {length:,} bytes")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise _damaged(f"its header is no JSON: {type(error).__name__}") from error
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    text, digest = (
        (metadata.get(_KEY), metadata.get(_DIGEST)) if isinstance(metadata, dict) else ("", None)
    )
    if not isinstance(text, str) or not isinstance(digest, str):
        raise InputError(
            "the file holds nothing of xpnet's, as its metadata lack our texts, or is damaged; "
            "write one with xpnet.save, or python -m xpnet.train --out"
        )
    return text, digest


def _arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays; safetensors checks that they fill the file without a gap."""
    import safetensors.numpy  # noqa: PLC0415 - as above

    try:
        arrays = safetensors.numpy.load(content)
    except Exception as error:  # of its own, or NumPy's for dtypes that it does not have
        raise _damaged(str(error)) from error
    return dict(arrays)


def _in_file_order(x: np.ndarray) -> np.ndarray:
    """Return an array as the file holds it: one number after the other, the low byte first."""
    return np.asarray(x, dtype=x.dtype.newbyteorder("<"), order="C")


def _digest(text: str, arrays: Mapping[str, np.ndarray]) -> str:
    """Return the digest of the JSON text and of names, dtypes, shapes and numbers."""
    digest = hashlib.sha256()
    for part in (text, *sorted(arrays)):
        encoded = part.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "little") + encoded)
    for _, x in sorted(arrays.items()):
        digest.update(f"{x.dtype.newbyteorder('<').str}{x.shape}".encode())
        digest.update(_in_file_order(x).data if x.size else b"")
    return digest.hexdigest()


def _damaged(why: str) -> InputError:
    return InputError(f"the file is damaged or truncated ({why})")
