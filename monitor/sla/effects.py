"""What is told to the world of a ticket: the breach events, before anybody encodes them."""

from typing import Final, NamedTuple

from monitor.sla.life import Life, stages, thresholds
from monitor.sla.pauses import elapsed, known
from monitor.sla.policy import Clock, Target
from monitor.sla.ticket import Kind, Telling, Ticket

_NO_REVISIONS: Final = (0,) * len(Kind)

# Looked up through its class, a member costs as much as a call until Python 3.12.
_AT_RISK: Final = Kind.AT_RISK
_BREACHED: Final = Kind.BREACHED
_ANSWERED: Final = Kind.ANSWERED
_CLOSED: Final = Kind.CLOSED
_RETRACTED: Final = Kind.RETRACTED


class Effect(NamedTuple):
    """One event for the breach topic; times are microseconds, spans those that the clock ran."""

    ticket_id: str
    kind: Kind
    at: int
    """When it became true."""
    revision: int
    channel: str
    team: str
    priority: str
    created: int
    due_at: int
    waited: int
    threshold: int
    replied: int | None
    closed: int | None
    retracts: tuple[Telling, ...] = ()
    tier: str = ""
    clock: str = Clock.FIRST_RESPONSE
    number: int = 0
    """Which of the ticket's clocks of this name it is; 0 where there is one only."""


def retell(ticket: Ticket, target: Target, state: Life, clock: int, *, stale: bool) -> list[Effect]:
    """Bring what was told of a ticket in line with its truth; return the events that do it.

    What stands and is still true is left alone, up to the first that is not: that and what was
    told after it is taken back by one event, then the truth is told, so that it is read in order.
    `stale` says that nothing told of it holds, as when its creation changed.
    """
    wanted, told = stages(state), ticket.told
    standing = 0 if stale else _standing(told, wanted)
    if standing == len(told) == len(wanted):
        return []
    effects = []
    if taken_back := told[standing:]:
        ticket.told = told[:standing]
        telling = _next_telling(ticket, _RETRACTED, clock)
        effects.append(_effect(ticket, target, state.ended_at, clock, telling, taken_back))
    for kind, at in wanted[standing:]:
        effects.append(tell(ticket, target, clock, kind, at, state.ended_at))
    return effects


def tell(
    ticket: Ticket, target: Target, clock: int, kind: Kind, at: int, ended_at: int | None = None
) -> Effect:
    """Tell the next stage of a ticket; all that was told of it before stands."""
    telling = _next_telling(ticket, kind, at)
    ticket.told = (*ticket.told, telling)
    return _effect(ticket, target, ended_at, clock, telling)


def _next_telling(ticket: Ticket, kind: Kind, at: int) -> Telling:
    revisions = list(ticket.revisions or _NO_REVISIONS)
    revisions[kind] += 1
    ticket.revisions = tuple(revisions)
    return Telling(kind, at, revisions[kind])


def _standing(told: tuple[Telling, ...], wanted: list[tuple[Kind, int]]) -> int:
    """Return how much of what was told is true, up to the first that is not."""
    count = 0
    for (kind, at, _), stage in zip(told, wanted, strict=False):
        if (kind, at) != stage:
            break
        count += 1
    return count


def _effect(
    ticket: Ticket,
    target: Target,
    ended_at: int | None,
    clock: int,
    telling: Telling,
    retracts: tuple[Telling, ...] = (),
) -> Effect:
    created = ticket.created or 0
    kind = telling.kind
    if kind is _AT_RISK or kind is _BREACHED:
        waited_to = telling.at
    else:
        waited_to = clock if ended_at is None else ended_at
    waited_to = max(created, waited_to)
    pauses = () if ticket.exchange is None else known(ticket.exchange.pauses, waited_to)
    promised = target.at(waited_to)
    return Effect(
        ticket.ticket_id,
        kind,
        telling.at,
        telling.revision,
        ticket.channel,
        ticket.team,
        ticket.priority,
        created,
        thresholds(target, created, pauses)[1],
        elapsed(promised, created, waited_to, pauses),
        promised.at_risk if kind is _AT_RISK else promised.limit,
        ticket.replied if kind in (_ANSWERED, _RETRACTED) else None,
        ticket.closed if kind is _CLOSED else None,
        retracts,
        ticket.tier,
    )
