"""Who is waiting now: counts, the tickets that come first, and when each is due."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from typing import Final, NamedTuple

from monitor.sla.deadlines import Due, Line
from monitor.sla.events import NEVER, SECOND
from monitor.sla.life import Life, thresholds
from monitor.sla.policy import EXPIRES_AFTER, Target
from monitor.sla.ticket import Phase, Ticket

MINUTE: Final = 60 * SECOND

MANY: Final = 10_000
"""Up to so many old tickets of one promise are counted whenever somebody looks."""

# Looked up through its class, a member costs as much as a call until Python 3.12.
_WAITING: Final = Phase.WAITING
_AT_RISK: Final = Phase.AT_RISK
_OVERDUE: Final = Phase.OVERDUE
_UNANSWERED: Final = (_WAITING, _AT_RISK, _OVERDUE)


class Backlog:
    """The open tickets of one promise.

    At risk are all that wait longer than the at-risk threshold, the overdue ones among them.
    All have the same thresholds, so whoever has waited longest is due first: the lines in which
    they stand are their deadlines too.
    """

    def __init__(self, promise: int, target: Target, find: Callable[[str], Ticket | None]) -> None:
        self.open = 0
        self.waiting = 0
        self.at_risk = 0
        self.overdue = 0
        self._target = target
        self._older: list[int] = []
        self._count_again_at = 0
        calendar = target.calendar

        def line(phase: Phase, span: int, deadline: Due | None = None) -> Line:
            span += 1  # thresholds begin strictly after their moment
            return Line(span, lambda t: t.phase is phase and t.promise == promise, find, deadline)

        def due(index: int, span: int) -> Due | None:
            if target.before:
                return lambda created: thresholds(target, created, ())[index]
            return None if calendar is None else calendar.deadline(span)

        self._first_lines = {
            _WAITING: line(_WAITING, target.at_risk, due(0, target.at_risk)),
            _AT_RISK: line(_AT_RISK, target.limit, due(1, target.limit)),
            _OVERDUE: line(_OVERDUE, EXPIRES_AFTER),
        }
        self._open = Line(EXPIRES_AFTER + 1, lambda t: t.is_open and t.promise == promise, find)
        self._waiting = self._first_lines[_WAITING]

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines by which something becomes true of a ticket at a time after its creation."""
        lines = self._first_lines
        return lines[_WAITING], lines[_AT_RISK], self._open

    def due(self, state: Life) -> int:
        """Return when the line in which a ticket stands has it looked at."""
        line = self._first_lines.get(state.phase, self._open)
        return state.created + line.span if line.deadline is None else line.due(state.created)

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
        if state.is_open is not ticket.is_open:
            self.open += 1 if state.is_open else -1
            if state.is_open:
                self._open.join(ticket)
        if state.phase is not ticket.phase:
            self.pass_on(ticket, state.phase)

    def pass_on(self, ticket: Ticket, phase: Phase) -> None:
        """Count a ticket in its new phase, open as before."""
        self._count(ticket.phase, -1)
        self._count(phase, 1)
        if phase in _UNANSWERED:
            self._first_lines[phase].join(ticket)

    def oldest(self) -> int | None:
        """Return the creation of the ticket that has waited longest."""
        first = [line.first() for line in self._first_lines.values()]
        return min((created for created, _ in filter(None, first)), default=None)

    def next_deadline(self) -> int | None:
        """Return the nearest limit that a waiting ticket has not passed yet."""
        first = [self._first_lines[phase].first() for phase in (_WAITING, _AT_RISK)]
        oldest = min((created for created, _ in filter(None, first)), default=None)
        return None if oldest is None else thresholds(self._target, oldest, ())[1]

    def longest_waiting(self, count: int) -> list[tuple[int, str]]:
        """Return creation and id of the tickets that have waited longest, the longest first."""
        found: list[tuple[int, str]] = []
        for phase in (_OVERDUE, _AT_RISK, _WAITING):
            found += self._first_lines[phase].earliest(count - len(found))
        return found

    def older_than(self, ages: Sequence[int], now: int) -> list[int]:
        """Return how many tickets are unresolved for longer than each age.

        Whoever counts them walks over all of them: where they are many, once a minute.
        """
        if now >= self._count_again_at:
            created = self._open.created_before(now - min(ages, default=now))
            self._older = [bisect_left(created, now - age) for age in ages]
            self._count_again_at = now + MINUTE if len(created) > MANY else 0
        return [min(count, self.open) for count in self._older]

    def most_urgent(self, count: int) -> "list[Urgent]":
        """Return those of them that are due first."""
        return [
            Urgent(due_at, created, key, at_risk_at)
            for created, key in self.longest_waiting(count)
            for at_risk_at, due_at in [thresholds(self._target, created, ())]
        ]

    def _count(self, phase: Phase, sign: int) -> None:
        if phase in _UNANSWERED:
            self.waiting += sign
            if phase is not _WAITING:
                self.at_risk += sign
                if phase is _OVERDUE:
                    self.overdue += sign


class Urgent(NamedTuple):
    """A waiting ticket and its thresholds, in the order in which they are due."""

    due_at: int
    created: int
    ticket_id: str
    at_risk_at: int


class PausedBacklog(Backlog):
    """The open tickets of one promise whose clocks have stopped on the way.

    With those, whoever was created first need not be due first: they stand in no line, and each
    is looked at by an alarm of its own.
    """

    def __init__(self, promise: int, target: Target, find: Callable[[str], Ticket | None]) -> None:
        super().__init__(promise, target, find)
        self._runs: dict[str, tuple[Phase, Urgent]] = {}

    @property
    def lines(self) -> tuple[Line, ...]:
        """None."""
        return ()

    def due(self, state: Life) -> int:
        """Return a moment at which no ticket is looked at."""
        del state
        return NEVER

    def move(self, ticket: Ticket, state: Life) -> None:
        """Count a ticket in its new state, and no more in that in which it was last placed."""
        self.open += state.is_open - ticket.is_open
        self._count(ticket.phase, -1)
        self._count(state.phase, 1)
        if state.phase in _UNANSWERED:
            self._runs[ticket.ticket_id] = state.phase, self._urgent(ticket)
        else:
            self._runs.pop(ticket.ticket_id, None)

    def oldest(self) -> int | None:
        """Return the creation of the ticket that has waited longest."""
        return _least(run.created for _, run in self._runs.values())

    def next_deadline(self) -> int | None:
        """Return the nearest limit that a waiting ticket has not passed yet."""
        ahead = [run.due_at for phase, run in self._runs.values() if phase is not _OVERDUE]
        return min((due_at for due_at in ahead if due_at < NEVER), default=None)

    def older_than(self, ages: Sequence[int], now: int) -> list[int]:
        """Return how many runs have been waiting for longer than each age."""
        begun = [run.created for _, run in self._runs.values()]
        return [sum(at < now - age for at in begun) for age in ages]

    def most_urgent(self, count: int) -> "list[Urgent]":
        """Return those of them that are due first."""
        return nsmallest(count, (run for _, run in self._runs.values()))

    def _urgent(self, ticket: Ticket) -> "Urgent":
        created = ticket.created or 0
        pauses = () if ticket.exchange is None else ticket.exchange.pauses
        at_risk_at, due_at = thresholds(self._target, created, pauses)
        return Urgent(due_at, created, ticket.ticket_id, at_risk_at)


class GroupBacklog:
    """One group's open tickets: the sum of its promises' backlogs."""

    def __init__(self, parts: Sequence[Backlog]) -> None:
        self._parts = parts

    @property
    def open(self) -> int:
        """How many are not over."""
        return sum(part.open for part in self._parts)

    @property
    def waiting(self) -> int:
        """How many have no answer yet."""
        return sum(part.waiting for part in self._parts)

    @property
    def at_risk(self) -> int:
        """How many wait longer than their at-risk threshold, the overdue ones among them."""
        return sum(part.at_risk for part in self._parts)

    @property
    def overdue(self) -> int:
        """How many wait longer than their limit."""
        return sum(part.overdue for part in self._parts)

    def oldest(self) -> int | None:
        """Return the creation of the ticket that has waited longest."""
        return _least(part.oldest() for part in self._parts)

    def next_deadline(self) -> int | None:
        """Return the nearest limit that a waiting ticket has not passed yet."""
        return _least(part.next_deadline() for part in self._parts)

    def older_than(self, ages: Sequence[int], now: int) -> list[int]:
        """Return how many tickets are unresolved for longer than each age."""
        found = [part.older_than(ages, now) for part in self._parts]
        return [sum(counts) for counts in zip(*found, strict=True)]

    def most_urgent(self, count: int) -> list[Urgent]:
        """Return the waiting tickets that are due first; of one promise, those longest here."""
        found = [urgent for part in self._parts for urgent in part.most_urgent(count)]
        return sorted(found)[:count]


def _least(moments: Iterable[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
