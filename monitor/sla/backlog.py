"""Who is waiting now, by group: counts, and the tickets that come first."""

from collections.abc import Callable
from typing import Final

from monitor.sla.deadlines import Deadlines
from monitor.sla.life import Life
from monitor.sla.ticket import Phase, Ticket

ON_TIME: Final = (Phase.WAITING, Phase.AT_RISK)
LATE: Final = (Phase.OVERDUE,)


class Backlog:
    """One group's open tickets.

    At risk are all that wait longer than the at-risk threshold, the overdue ones among them.
    Within a group all have the same limit, so whoever has waited longest is due first.
    """

    def __init__(
        self,
        limit: int,
        is_on_time: Callable[[int, str], bool],
        is_late: Callable[[int, str], bool],
    ) -> None:
        self.open = 0
        self.waiting = 0
        self.at_risk = 0
        self.overdue = 0
        self._limit = limit
        self._on_time = Deadlines(is_on_time)
        self._late = Deadlines(is_late)

    def move(self, ticket: Ticket, state: Life) -> None:
        """Count a ticket in its new state, and no more in that in which it was last placed."""
        was, now = ticket.phase, state.phase
        if state.is_open is not ticket.is_open:
            self.open += 1 if state.is_open else -1
        if was is now:
            return
        self._count(was, -1)
        self._count(now, 1)
        if now is Phase.OVERDUE:
            self._late.push(state.created, ticket.ticket_id)
        elif now in ON_TIME and was not in ON_TIME:
            self._on_time.push(state.created, ticket.ticket_id)

    def oldest(self) -> int | None:
        """Return the creation of the ticket that has waited longest."""
        first = self._late.peek() or self._on_time.peek()
        return first[0] if first else None

    def next_deadline(self) -> int | None:
        """Return the nearest limit that a waiting ticket has not passed yet."""
        first = self._on_time.peek()
        return first[0] + self._limit if first else None

    def longest_waiting(self, count: int) -> list[str]:
        """Return the ids of the tickets that have waited longest, the longest first."""
        late = self._late.earliest(count)
        return [key for _, key in [*late, *self._on_time.earliest(count - len(late))]]

    def _count(self, phase: Phase, sign: int) -> None:
        if phase in ON_TIME or phase is Phase.OVERDUE:
            self.waiting += sign
            if phase is not Phase.WAITING:
                self.at_risk += sign
                if phase is Phase.OVERDUE:
                    self.overdue += sign
