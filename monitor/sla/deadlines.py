"""Moments to come: a line of tickets by their creation, and a heap for whatever is in no line.

Both leave what no longer counts where it is until it comes up. Flink's timer service does the
same: one armed timer, restored with the state.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Final

from monitor.sla.events import NEVER
from monitor.sla.ticket import Ticket

Due = Callable[[int], int]
"""The last moment at which a ticket of this creation is in time; never earlier for a later one."""

_FEW: Final = 1024
"""So many dead entries are not worth looking for."""


class Deadlines:
    """Moments with the key that each is for, earliest first.

    `is_live(at, key)` says whether an entry still counts. Entries are never searched for: a dead
    one is dropped when it reaches the top, or when the dead outnumber the living.
    """

    __slots__ = ("_compact_at", "_heap", "_is_live", "head")

    def __init__(self, is_live: Callable[[int, str], bool]) -> None:
        self.head = NEVER
        """Nothing living is earlier; exact after `first`."""
        self._is_live = is_live
        self._heap: list[tuple[int, str]] = []
        self._compact_at = _FEW

    def __len__(self) -> int:
        return len(self._heap)

    def push(self, at: int, key: str) -> None:
        """Add a moment."""
        self.head = min(self.head, at)
        # Before it is added: whoever adds it may not have said yet that it lives.
        if len(self._heap) >= self._compact_at:
            self._compact()
        heapq.heappush(self._heap, (at, key))

    def first(self) -> tuple[int, str] | None:
        """Return the earliest living entry."""
        heap = self._heap
        while heap:
            if self._is_live(*heap[0]):
                self.head = heap[0][0]
                return heap[0]
            heapq.heappop(heap)
        self.head = NEVER
        return None

    def in_order(self) -> Iterator[tuple[int, str]]:
        """Walk the living best first, without emptying the heap: only what is asked for is touched.

        An entry that was pushed twice comes twice.
        """
        heap = self._heap
        frontier = [(heap[0], 0)] if heap else []
        while frontier:
            entry, index = heapq.heappop(frontier)
            for child in (2 * index + 1, 2 * index + 2):
                if child < len(heap):
                    heapq.heappush(frontier, (heap[child], child))
            if self._is_live(*entry):
                yield entry

    def _compact(self) -> None:
        self._heap = [entry for entry in self._heap if self._is_live(*entry)]
        heapq.heapify(self._heap)
        self._compact_at = max(_FEW, 2 * len(self._heap))


class Line:
    """Tickets that stand in one place, by creation, and when each of them is due.

    `span` after its creation a ticket is due or, where its clock stops with the hours, just after
    its `deadline`: whoever was created first is due first all the same. Nearly all join in the
    order of their creation: a queue then, which costs a pointer a ticket. One that comes late goes
    to a heap beside it, and so does one whose creation changes, for it joins again; what it left
    behind in the queue stands no earlier than it should, so the first of queue and heap is the
    first of all.
    """

    __slots__ = (
        *("_belongs", "_compact_at", "_first", "_last", "_late", "_queue"),
        *("deadline", "head", "span"),
    )

    def __init__(
        self,
        span: int,
        belongs: Callable[[Ticket], bool],
        find: Callable[[str], Ticket | None],
        deadline: Due | None = None,
    ) -> None:
        def is_live(created: int, key: str) -> bool:
            ticket = find(key)
            return ticket is not None and ticket.created == created and belongs(ticket)

        self.head = NEVER
        """No ticket is due earlier; exact after `first`."""
        self.span = span
        self.deadline = deadline
        self._belongs = belongs
        self._queue: deque[Ticket] = deque()
        self._first = NEVER
        """The creation that `head` is for."""
        self._last = -1
        self._late = Deadlines(is_live)
        self._compact_at = _FEW

    def __len__(self) -> int:
        return len(self._queue) + len(self._late)

    def due(self, created: int) -> int:
        """Return the clock at which a ticket of this creation is to be looked at."""
        if self.deadline is None:
            return created + self.span
        return self.deadline(created) + 1

    def join(self, ticket: Ticket) -> None:
        """Add a ticket that stands here from now on."""
        created = ticket.created
        assert created is not None  # noqa: S101 - nothing is due of one without
        if created < self._first:
            self._first, self.head = created, self.due(created)
        if created <= self._last:
            self._late.push(created, ticket.ticket_id)
            return
        # Before it is added: it joins first and is marked as standing here then.
        if len(self._queue) >= self._compact_at:
            self._queue = deque(filter(self._belongs, self._queue))
            self._compact_at = max(_FEW, 2 * len(self._queue))
        self._queue.append(ticket)
        self._last = created

    def first(self) -> tuple[int, str] | None:
        """Return creation and id of the ticket that stands first."""
        queue, belongs = self._queue, self._belongs
        while queue and not belongs(queue[0]):
            queue.popleft()
        found = self._late.first() if self._late else None
        if queue:
            front = _place(queue[0])
            found = front if found is None or front < found else found
        else:
            self._last = -1
        if found is None:
            self._first = self.head = NEVER
        elif found[0] != self._first:
            self._first, self.head = found[0], self.due(found[0])
        return found

    def created_before(self, moment: int) -> list[int]:
        """Return when those who stand here were created, of all before a moment, in order."""
        queued = takewhile(lambda ticket: (ticket.created or 0) < moment, self._queue)
        if not self._late:
            return [ticket.created or 0 for ticket in queued if self._belongs(ticket)]
        late = takewhile(lambda entry: entry[0] < moment, self._late.in_order())
        # One whose creation changed stands in both.
        found = {key: created for created, key in late}
        found |= {ticket.ticket_id: ticket.created or 0 for ticket in filter(self._belongs, queued)}
        return sorted(found.values())

    def earliest(self, count: int) -> list[tuple[int, str]]:
        """Return creation and id of the `count` tickets that stand first."""
        found: dict[str, int] = {}
        queued = (_place(ticket) for ticket in self._queue if self._belongs(ticket))
        for created, key in heapq.merge(self._late.in_order(), queued):
            if len(found) == count:
                break
            found.setdefault(key, created)
        return [(created, key) for key, created in found.items()]


def _place(ticket: Ticket) -> tuple[int, str]:
    return ticket.created or 0, ticket.ticket_id
