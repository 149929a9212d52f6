"""Fetch one file over the network, with a bound on its size, a checksum and a progress bar."""

import hashlib
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from tqdm import tqdm

from xpnet.errors import InputError

__all__ = ["LARGEST_ARCHIVE", "fetch"]

LARGEST_ARCHIVE = 170_498_071  # bytes: the official archive, and so any copy of it
_CHUNK = 2**18
_TIMEOUT = 30.0  # seconds without a byte


def fetch(url: str, path: Path, *, progress: bool, largest: int = LARGEST_ARCHIVE) -> str:
    """Download `url` to the file `path` and return the SHA-256 of its bytes.

    Raises:
        InputError: The address does not answer, stops early, or sends more than `largest` bytes.

    """
    digest, received = hashlib.sha256(), 0
    with _network_errors(url):
        response = urllib.request.urlopen(url, timeout=_TIMEOUT)  # closed by the next statement
    with response, path.open("wb") as out:
        length = str(response.headers.get("Content-Length", ""))
        expected = int(length) if length.isascii() and length.isdigit() else None
        # None hides the bar where standard error is no terminal.
        hide = None if progress else True
        with tqdm(total=expected, unit="B", unit_scale=True, desc="CIFAR-10", disable=hide) as bar:
            while chunk := _read(response, url):
                received += len(chunk)
                if received > largest:
                    raise InputError(
                        f"{url} sends more than the {largest} bytes that CIFAR-10 has; give the "
                        f"address of the official archive or {_BY_HAND}"
                    )
                digest.update(chunk)
                out.write(chunk)
                bar.update(len(chunk))
    if expected is not None and received < expected:
        raise InputError(
            f"{url} stopped after {received} of {expected} bytes; try again or {_BY_HAND}"
        )
    return digest.hexdigest()


_BY_HAND = "download and unpack it by hand and name the folder by --data-dir"


def _read(response: object, url: str) -> bytes:
    with _network_errors(url):
        chunk: bytes = response.read(_CHUNK)  # type: ignore[attr-defined]
    return chunk


@contextmanager
def _network_errors(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()  # it is an open response too
        raise InputError(
            f"{url} answers {error.code} {error.reason}; check the address and try later, or "
            f"{_BY_HAND}"
        ) from error
    # ValueError: what urllib raises for a text that is no address.
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{url} cannot be downloaded ({reason}); check the network and the address, or "
            f"{_BY_HAND}"
        ) from error
