"""A heap of moments, with what no longer counts left in it until it comes up.

Flink's timer service does the same: one heap, one armed timer, restored with the state.
"""

import heapq
from collections.abc import Callable, Iterator


class Deadlines:
    """Moments with the key that each is for, earliest first.

    `is_live(at, key)` says whether an entry still counts. Entries are never searched for: a dead
    one is dropped when it reaches the top, or when the dead outnumber the living.
    """

    def __init__(self, is_live: Callable[[int, str], bool]) -> None:
        self._is_live = is_live
        self._heap: list[tuple[int, str]] = []
        self._compact_at = 1024

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, at: int, key: str) -> None:
        """Add a moment."""
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > self._compact_at:
            self._compact()

    def peek(self) -> tuple[int, str] | None:
        """Return the earliest living entry."""
        heap = self._heap
        while heap:
            if self._is_live(*heap[0]):
                return heap[0]
            heapq.heappop(heap)
        return None

    def pop_until(self, now: int) -> tuple[int, str] | None:
        """Remove and return the earliest living entry if its moment is at or before `now`."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            entry = heapq.heappop(heap)
            if self._is_live(*entry):
                return entry
        return None

    def earliest(self, count: int) -> list[tuple[int, str]]:
        """Return the `count` earliest living entries, without emptying the heap."""
        return list(self._in_order(count))

    def _in_order(self, count: int) -> Iterator[tuple[int, str]]:
        """Walk the heap's tree best first: only about `count` nodes are touched."""
        heap = self._heap
        frontier = [(heap[0], 0)] if heap else []
        seen: set[tuple[int, str]] = set()
        while frontier and count:
            entry, index = heapq.heappop(frontier)
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heapq.heappush(frontier, (heap[child], child))
            if entry not in seen and self._is_live(*entry):
                seen.add(entry)
                count -= 1
                yield entry

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if self._is_live(*entry)]
        heapq.heapify(self._heap)
        self._compact_at = max(1024, 2 * len(self._heap))
