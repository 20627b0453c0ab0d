"""Who is waiting now, by group: counts, the tickets that come first, and when each is due."""

from collections.abc import Callable, Sequence
from typing import Final

from monitor.sla.deadlines import Line
from monitor.sla.life import Life
from monitor.sla.policy import EXPIRES_AFTER, Target
from monitor.sla.ticket import Phase, Ticket

_WAITING: Final = (Phase.WAITING, Phase.AT_RISK, Phase.OVERDUE)


class Backlog:
    """One group's open tickets.

    At risk are all that wait longer than the at-risk threshold, the overdue ones among them.
    Within a group all have the same thresholds, so whoever has waited longest is due first: the
    lines in which they stand are their deadlines too.
    """

    def __init__(self, group: int, target: Target, find: Callable[[str], Ticket | None]) -> None:
        self.open = 0
        self.waiting = 0
        self.at_risk = 0
        self.overdue = 0
        self._limit = target.limit

        def line(span: int, *phases: Phase) -> Line:
            return Line(span + 1, lambda t: t.phase in phases and t.group == group, find)

        self._first_lines = {
            Phase.WAITING: line(target.at_risk, Phase.WAITING),
            Phase.AT_RISK: line(target.limit, Phase.AT_RISK),
            Phase.OVERDUE: line(EXPIRES_AFTER, Phase.OVERDUE),
        }
        self._open = Line(EXPIRES_AFTER + 1, lambda t: t.is_open and t.group == group, find)
        self._waiting = self._first_lines[Phase.WAITING]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines by which something becomes true of a ticket at a time after its creation."""
        lines = self._first_lines
        return lines[Phase.WAITING], lines[Phase.AT_RISK], self._open

    def due(self, state: Life) -> int:
        """Return when the line in which a ticket stands has it looked at."""
        line = self._first_lines.get(state.phase, self._open)
        return state.created + line.span

    def enter(self, ticket: Ticket) -> None:
        """Count a ticket never seen before that has begun to wait."""
        self.open += 1
        self.waiting += 1
        self._waiting.join(ticket)
        self._open.join(ticket)

    def answered_in_time(self, *, over: bool) -> None:
        """Count a ticket no more that was answered before it was at risk."""
        self.waiting -= 1
        self.open -= over

    def stay_open(self, ticket: Ticket) -> None:
        """Count a ticket that was answered before it was at risk, and is not closed."""
        self.open += 1
        self._open.join(ticket)

    def move(self, ticket: Ticket, state: Life) -> None:
        """Count a ticket in its new state, and no more in that in which it was last placed."""
        was, now = ticket.phase, state.phase
        if state.is_open is not ticket.is_open:
            self.open += 1 if state.is_open else -1
            if state.is_open:
                self._open.join(ticket)
        if was is now:
            return
        self._count(was, -1)
        self._count(now, 1)
        if now in _WAITING:
            self._first_lines[now].join(ticket)

    def oldest(self) -> int | None:
        """Return the creation of the ticket that has waited longest."""
        first = [line.first() for line in self._first_lines.values()]
        return min((created for created, _ in filter(None, first)), default=None)

    def next_deadline(self) -> int | None:
        """Return the nearest limit that a waiting ticket has not passed yet."""
        first = [self._first_lines[phase].first() for phase in (Phase.WAITING, Phase.AT_RISK)]
        oldest = min((created for created, _ in filter(None, first)), default=None)
        return None if oldest is None else oldest + self._limit

    def longest_waiting(self, count: int) -> list[str]:
        """Return the ids of the tickets that have waited longest, the longest first."""
        found: list[str] = []
        for phase in (Phase.OVERDUE, Phase.AT_RISK, Phase.WAITING):
            left = count - len(found)
            found += [key for _, key in self._first_lines[phase].earliest(left)]
        return found

    def older_than(self, ages: Sequence[int], now: int) -> list[int]:
        """Return how many tickets are unresolved for longer than each age."""
        return [self._open.count_before(now - age) for age in ages]

    def _count(self, phase: Phase, sign: int) -> None:
        if phase in _WAITING:
            self.waiting += sign
            if phase is not Phase.WAITING:
                self.at_risk += sign
                if phase is Phase.OVERDUE:
                    self.overdue += sign
