"""The other clocks of a ticket, as it is explained: when each started, stood, went on and ended.

What a run is, is worked out from the ticket's times before and after each event, as the engine
does; the difference is what the event did.
"""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from monitor.sla.clocked import ClockedEngine
from monitor.sla.events import NEVER
from monitor.sla.life import Life, life, thresholds
from monitor.sla.pauses import elapsed, known
from monitor.sla.policy import Policy, Target
from monitor.sla.span_engine import as_ticket, span_key
from monitor.sla.spans import Span, spans
from monitor.sla.ticket import Phase, Ticket


class Moved(StrEnum):
    """What becomes of a clock."""

    STARTS = "starts"
    STANDS = "stands"
    """The customer has to answer."""
    GOES_ON = "goes_on"
    """The customer has written."""
    ENDS = "ends"
    """What was promised was done."""
    CLOSED = "closed"
    """The ticket was closed without it."""


class Move(NamedTuple):
    """Something that an event did to one run of a clock, or, with a sign of -1, took back."""

    clock: str
    number: int
    what: Moved
    at: int
    sign: int


class Run(NamedTuple):
    """One run of a clock as it is true at a moment; times in microseconds."""

    clock: str
    number: int
    target: Target
    span: Span
    state: Life
    at_risk_after: int
    due_at: int
    """As if a clock that stands went on now."""
    ran: int
    """For how long it has run."""
    stands: bool
    """The customer has to answer, and it has not ended."""


Facts = Counter[tuple[str, int, Moved, int]]
"""By clock and run what is known of it, and when it happens."""


def facts(ticket: Ticket | None, policy: Policy) -> Facts:
    """Return what is known of a ticket's other clocks."""
    return Counter(
        (clock, span.number, what, at)
        for clock, found in spans(ticket, policy).items()
        for span in found
        for what, at in _facts(span, None if ticket is None else ticket.closed)
    )


def _facts(span: Span, closed: int | None) -> Iterator[tuple[Moved, int]]:
    """Yield what is known of a run; the close is none where it only would be given up."""
    yield Moved.STARTS, span.began
    end = min(moment for moment in (span.ended, span.closed, NEVER) if moment is not None)
    for index, moment in enumerate(span.pauses):
        if moment < end:
            yield (Moved.GOES_ON if index % 2 else Moved.STANDS), moment
    if span.ended == end:
        yield Moved.ENDS, end
    elif span.closed == end == closed:
        yield Moved.CLOSED, end


def moves(before: Facts, after: Facts) -> list[Move]:
    """Return what has become of a ticket's clocks: first what was taken back."""
    changed = [Move(*fact, -1) for fact in before - after]
    changed += [Move(*fact, 1) for fact in after - before]
    return sorted(changed, key=lambda move: (move.sign, move.at, move.clock, move.number))


def runs(engine: ClockedEngine, ticket: Ticket) -> Iterator[Run]:
    """Yield the runs of a ticket's clocks that have begun by the engine's clock."""
    clock = engine.clock
    for name, found in spans(ticket, engine.policy).items():
        target = engine.policy.clocks[name].channels[ticket.channel]
        for span in found:
            run = as_ticket(span_key(ticket.ticket_id, span.number), ticket, span)
            state = life(run, target, clock, over_at_reply=True)
            if state.phase is not Phase.UNSEEN:
                yield _run(name, target, span, state, clock)


def _run(name: str, target: Target, span: Span, state: Life, clock: int) -> Run:
    until = clock if state.ended_at is None else state.ended_at
    pauses = known(span.pauses, until)
    at_risk_after, due_at = thresholds(target, span.began, pauses)
    stood = sum(moment <= until for moment in span.pauses)
    return Run(
        name,
        span.number,
        target,
        span,
        state,
        at_risk_after,
        due_at,
        elapsed(target, span.began, until, pauses),
        state.ended_at is None and bool(stood % 2),
    )
