"""Groups of configurations cut into stacks as the sweep goes, by the sizes that trained fastest.

In a stack the calls of a step are shared, and the batch and the checks; in a large one what a step
touches leaves the cache. Where the best size lies depends on the nets and on the machine: at 50
hidden units it was 32 members on the digits and 2 to 4 on CIFAR-10, and 16 on the latter took 1.3
times as long. So the first size is one whose arrays fill the cache, and others are tried beside it
for as long as there are stacks enough to profit. No result depends on it: a member has the same
bits in every stack.
"""

from xpnet.sweep.plan import Group

__all__ = ["Work", "first_size"]

_CACHED = 4 * 2**20  # bytes of a stack's step; the best of 1, 2, 4 and 8 MiB on a CPU
_ON_GPU = 256 * 2**20  # where a step's calls cost most, and there is memory
_LARGEST = 1024
_PAYS = 6  # so many stacks of a size must be left for a trial of it
_WORTH = 0.97  # of the seconds of the present size


def first_size(member_bytes: int, *, is_gpu: bool) -> int:
    """Return the power of two whose stack fills the cache best, from what a member's step takes."""
    room = (_ON_GPU if is_gpu else _CACHED) / max(member_bytes, 1)
    size = 1
    while size < _LARGEST and size * 2**0.5 < room:
        size *= 2
    return size


class Work:
    """What is left to train, and the next stack of it.

    Attributes:
        lanes: Stacks that train at a time.

    Args:
        groups: Configurations that may share stacks.
        costs: For each group, how much a member of it costs, in any unit: the largest come first,
            so that no long one is left for the end.
        sizes: For each group the size to begin with.
        most: For each group the most members that the memory holds.
        is_fixed: Whether the first sizes are to stay.

    """

    def __init__(
        self,
        groups: list[Group],
        costs: list[float],
        sizes: list[int],
        most: list[int],
        *,
        is_fixed: bool = False,
    ) -> None:
        self._queues = [
            _Queue(group, cost, min(size, limit), limit, is_fixed=is_fixed)
            for group, cost, size, limit in zip(groups, costs, sizes, most, strict=True)
        ]
        self.lanes = 1

    @property
    def left(self) -> int:
        """Configurations that no stack has taken yet."""
        return sum(queue.left for queue in self._queues)

    def take(self) -> Group | None:
        """Return the next stack, or None where nothing is left."""
        open_queues = [queue for queue in self._queues if queue.left]
        if not open_queues:
            return None
        queue = max(open_queues, key=lambda queue: queue.left * queue.cost)
        return queue.take(self.lanes, is_last=len(open_queues) == 1)

    def note(self, part: Group, seconds: float) -> None:
        """Learn how long a stack has taken."""
        for queue in self._queues:
            if part.shared is queue.group.shared:
                queue.note(len(part.numbers), seconds)


class _Queue:
    """A group, how far it is cut, and the seconds of a member in stacks of each size."""

    def __init__(self, group: Group, cost: float, size: int, limit: int, *, is_fixed: bool) -> None:
        self.group, self.cost = group, cost
        self._size, self._limit, self._is_fixed = size, limit, is_fixed
        self._start = 0
        self._seconds: dict[int, float] = {}
        self._tried = {size}
        self._share = 0  # of each lane, once the rest is dealt out

    @property
    def left(self) -> int:
        """Configurations not yet taken."""
        return len(self.group.numbers) - self._start

    def take(self, lanes: int, *, is_last: bool) -> Group:
        """Return a stack; where no other group is left, all lanes have a part of the rest."""
        size = self._next_size(lanes)
        if is_last and not self._is_fixed and self.left <= size * lanes and not self._share:
            self._share = -(-self.left // lanes)
        size = min(self._share or size, self.left)
        part = self.group.part(self._start, self._start + size)
        self._start += size
        return part

    def _next_size(self, lanes: int) -> int:
        if self._is_fixed or self._size not in self._seconds:
            return self._size
        for size in (2 * self._size, self._size // 2):
            is_new = size not in self._tried and 1 <= size <= min(self._limit, _LARGEST)
            if is_new and self.left >= _PAYS * size * lanes:
                self._tried.add(size)
                return size
        return self._size

    def note(self, members: int, seconds: float) -> None:
        each = seconds / members
        self._seconds[members] = min(each, self._seconds.get(members, each))
        is_known = members in self._tried and self._size in self._seconds
        if is_known and self._seconds[members] < _WORTH * self._seconds[self._size]:
            self._size = members
