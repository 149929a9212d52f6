"""Read CIFAR-10's batch files without running what else a pickle may hold.

A pickle is a program for a stack machine, and Python's unpickler calls any function that the file
names. A `find_class` that admits few names is not enough: one instruction makes that unpickler
reserve 2**32 memo slots, and hashing a key of a million nested tuples overflows the C stack. So
this is a machine of its own. It knows the instructions that Python 2 wrote into the official
files, makes dictionaries, lists, tuples, integers, byte strings and uint8 arrays, and calls
nothing.

Reference: the instructions are explained in CPython's Lib/pickletools.py.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from xpnet.data.pickled_array import BatchError, call, find_global, set_state
from xpnet.errors import InputError

__all__ = ["LARGEST_FILE", "load_batch"]

LARGEST_FILE = 64_000_000  # bytes; the official files have 31 million
_MOST_INSTRUCTIONS = 1_000_000  # an official file has some 30,000; each may cost 64 bytes
_LONGEST_NAME = 100  # of a module or a function


def load_batch(path: str | os.PathLike[str]) -> dict[bytes, object]:
    """Return the dictionary that one CIFAR-10 file holds; arrays in it are read-only.

    Raises:
        InputError: The file cannot be read, is damaged or truncated, or is another pickle.

    """
    path = Path(path)
    try:
        return _run(path)
    except BatchError as error:
        raise InputError(
            f"{path} {error}: this is no CIFAR-10 file, or a damaged one; "
            "delete it and download it anew (--download)"
        ) from error
    except (OSError, MemoryError) as error:
        raise InputError(
            f"{path} cannot be read ({error or 'out of memory'}); check that it is a file that "
            "you may read, or download it anew (--download)"
        ) from error


def _run(path: Path) -> dict[bytes, object]:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise BatchError(f"has {size} bytes, over the limit of {LARGEST_FILE}")
    with path.open("rb") as file:
        return _Machine(file, size).run()


class _Machine:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.left = size
        self.stack: list[object] = []
        self.marks: list[int] = []  # how high the stack was at each open mark
        self.memo: dict[int, object] = {}

    def run(self) -> dict[bytes, object]:
        for _ in range(_MOST_INSTRUCTIONS):
            code = self.read(1)
            if code == b".":
                result = self.pop()
                if isinstance(result, dict):
                    return result
                raise BatchError(f"holds a {type(result).__name__}, not a dictionary")
            if code not in _INSTRUCTIONS:
                where = self.size - self.left - 1
                raise BatchError(f"holds the unknown pickle instruction {code!r} at byte {where}")
            _INSTRUCTIONS[code](self)
        raise BatchError(f"goes on after {_MOST_INSTRUCTIONS} pickle instructions")

    def read(self, count: int) -> bytes:
        # A length that the file states is checked first: reading it could reserve gigabytes.
        data = self.file.read(count) if 0 <= count <= self.left else b""
        if len(data) != count:
            raise BatchError(f"is truncated or damaged: its {self.size} bytes end within a value")
        self.left -= count
        return data

    def number(self, count: int, *, signed: bool = False) -> int:
        return int.from_bytes(self.read(count), "little", signed=signed)

    def line(self) -> str:
        text = self.file.readline(_LONGEST_NAME)
        self.left -= len(text)
        if not text.endswith(b"\n"):
            raise BatchError("is truncated or damaged: a name in it has no end")
        return text[:-1].decode("ascii", "backslashreplace")

    def push(self, item: object) -> None:
        self.stack.append(item)

    def pop(self) -> object:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise BatchError("is damaged: one of its instructions lacks a value")
        return self.stack.pop()

    def pop_to_mark(self) -> list[object]:
        if not self.marks:
            raise BatchError("is damaged: a list in it has no beginning")
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def pop_some(self, count: int) -> list[object]:
        return [self.pop() for _ in range(count)][::-1]

    def memoize(self, index: int) -> None:
        self.push(top := self.pop())
        self.memo[index] = top

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise BatchError(f"is damaged: it refers to value {index}, which it never stored")
        self.push(self.memo[index])

    def append(self, items: list[object]) -> None:
        self.push(target := self.pop())
        if not isinstance(target, list):
            raise BatchError(f"is damaged: it appends to a {type(target).__name__}")
        target.extend(items)

    def set_items(self, items: list[object]) -> None:
        self.push(target := self.pop())
        keys, values = items[::2], items[1::2]
        if not isinstance(target, dict) or len(keys) != len(values):
            raise BatchError(f"is damaged: it sets items of a {type(target).__name__}")
        # Byte strings alone: the hash of something that nests can exhaust the stack.
        if not all(isinstance(key, bytes) for key in keys):
            raise BatchError("is damaged: a dictionary key in it is no byte string")
        target.update(zip(keys, values, strict=True))


_INSTRUCTIONS: dict[bytes, Callable[[_Machine], object]] = {
    b"\x80": lambda m: m.number(1),  # the protocol: no instruction depends on it
    b"}": lambda m: m.push({}),
    b"]": lambda m: m.push([]),
    b")": lambda m: m.push(()),
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"K": lambda m: m.push(m.number(1)),
    b"M": lambda m: m.push(m.number(2)),
    b"J": lambda m: m.push(m.number(4, signed=True)),
    b"\x8a": lambda m: m.push(m.number(m.number(1), signed=True)),
    b"U": lambda m: m.push(m.read(m.number(1))),
    b"T": lambda m: m.push(m.read(m.number(4, signed=True))),
    b"(": lambda m: m.marks.append(len(m.stack)),
    b"t": lambda m: m.push(tuple(m.pop_to_mark())),
    b"\x85": lambda m: m.push(tuple(m.pop_some(1))),
    b"\x86": lambda m: m.push(tuple(m.pop_some(2))),
    b"\x87": lambda m: m.push(tuple(m.pop_some(3))),
    b"a": lambda m: m.append(m.pop_some(1)),
    b"e": lambda m: m.append(m.pop_to_mark()),
    b"s": lambda m: m.set_items(m.pop_some(2)),
    b"u": lambda m: m.set_items(m.pop_to_mark()),
    b"q": lambda m: m.memoize(m.number(1)),
    b"r": lambda m: m.memoize(m.number(4)),
    b"h": lambda m: m.recall(m.number(1)),
    b"j": lambda m: m.recall(m.number(4)),
    b"c": lambda m: m.push(find_global(f"{m.line()}.{m.line()}")),
    b"R": lambda m: m.push(call(*m.pop_some(2))),
    b"b": lambda m: m.push(set_state(*m.pop_some(2))),
}
