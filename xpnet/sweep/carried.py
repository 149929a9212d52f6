"""States of members in files: what they go on from in the next rung."""

from collections.abc import Sequence
from pathlib import Path

from xpnet.member_states import MemberStates, joined, member_states
from xpnet.solver import Solver
from xpnet.sweep.jobs import Carried
from xpnet.tensor_files import FORMAT, read_tensors, tensor_bytes
from xpnet.whole_files import write_whole

__all__ = ["carried_states", "keep_states"]


def keep_states(solver: Solver, path: Path) -> bool:
    """Write what the members can go on from, and return whether there was room for it.

    If there was none, those that go on train from their start, to the same bits.
    """
    states = member_states(solver)
    header = {"format": FORMAT, "kind": "members", "net": None, "counters": list(states.counters)}
    try:
        write_whole(path, tensor_bytes(states.arrays, header))
    except OSError:
        return False
    return True


def carried_states(parts: Sequence[Carried]) -> MemberStates:
    """Return what members go on from, of each file in one piece, in the order of the members."""
    found: list[tuple[MemberStates, list[int]]] = []
    path = None
    for part in parts:
        if part.path != path:
            arrays, header = read_tensors(part.path)
            found.append((MemberStates(arrays, tuple(header["counters"])), []))
            path = part.path
        found[-1][1].append(part.member)
    return joined(found)
