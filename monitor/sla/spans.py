"""What the other clocks of a ticket measure: worked out from its times, from scratch.

Only sets of times are kept of a ticket, so order and repeats of events cannot matter here either.
"""

from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from monitor.sla.events import NEVER, AgentReplied, CustomerReplied, Event
from monitor.sla.policy import EXPIRES_AFTER, Clock, Policy
from monitor.sla.ticket import Exchange, Ticket

MOST: Final = 256
"""Of each side the earliest so many times are kept; a ticket talked about longer keeps to them."""


class Span(NamedTuple):
    """One run of a clock, as far as it is known."""

    number: int
    """Counted from 1 where a clock runs more than once, else 0."""
    began: int
    ended: int | None = None
    """When what was promised was done."""
    closed: int | None = None
    """When the ticket was closed without it."""
    pauses: tuple[int, ...] = ()


def note(ticket: Ticket, event: Event) -> bool:
    """Keep the time of a human reply or of what the customer wrote; tell whether it is new."""
    exchange = ticket.exchange or Exchange()
    if type(event) is AgentReplied and not event.automated:
        kept = _with(exchange.replies, event.at)
        exchange = Exchange(kept, exchange.asked)
    elif type(event) is CustomerReplied:
        exchange = Exchange(exchange.replies, _with(exchange.asked, event.at))
    else:
        return False
    if exchange == ticket.exchange:
        return False
    ticket.exchange = exchange
    return True


def _with(times: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Return the earliest of these times and one more: a join, whatever comes first."""
    index = bisect_left(times, at)
    if index < len(times) and times[index] == at:
        return times
    return (*times[:index], at, *times[index:])[:MOST]


def spans(ticket: Ticket | None, policy: Policy) -> dict[str, tuple[Span, ...]]:
    """Return by clock all its runs that are known of a ticket."""
    found: dict[str, tuple[Span, ...]] = {}
    if ticket is None or ticket.created is None:
        return found
    for clock, promises in policy.clocks.items():
        target = promises.channels.get(ticket.channel)
        if target is None:
            continue
        if clock == Clock.NEXT_REPLY:
            found[clock] = _next_replies(ticket, ticket.created)
        else:
            pauses = _pauses(ticket, ticket.created) if target.pauses else ()
            ended = None if ticket.closed is None else max(ticket.closed, ticket.created)
            found[clock] = (Span(0, ticket.created, ended, None, pauses),)
    return found


def _next_replies(ticket: Ticket, created: int) -> tuple[Span, ...]:
    """Return from when to when the customer waited again, after the first response.

    A reply answers all that was written until that very moment. After the close nobody waits, nor
    when the ticket is given up.
    """
    replies, asked = _exchanged(ticket, created)
    closed = created + EXPIRES_AFTER
    if ticket.closed is not None:
        closed = min(closed, ticket.closed)
    found: list[Span] = []
    answered = replies[0] if replies else NEVER
    while answered < NEVER:
        index = bisect_right(asked, answered)
        if index == len(asked) or asked[index] >= closed:
            break
        began = asked[index]
        answered = _first(replies, began)
        ended = None if answered == NEVER else answered
        found.append(Span(len(found) + 1, began, ended, closed))
    return tuple(found)


def _pauses(ticket: Ticket, created: int) -> tuple[int, ...]:
    """Return when the customer had to answer: from a reply to what the customer writes next."""
    replies, asked = _exchanged(ticket, created)
    moments: list[int] = []
    reply = replies[0] if replies else NEVER
    while reply < NEVER:
        moments.append(reply)
        index = bisect_right(asked, reply)
        if index == len(asked):
            break
        moments.append(asked[index])
        reply = _first(replies, asked[index])
    return tuple(moments)


def _exchanged(ticket: Ticket, created: int) -> tuple[list[int], list[int]]:
    """Return both sides' times; what came before the creation counts as come with it."""
    exchange = ticket.exchange or Exchange()
    replies = [max(at, created) for at in exchange.replies]
    return replies, [at for at in exchange.asked if at > created]


def _first(times: list[int], since: int) -> int:
    """Return the first of these times from a moment on, or never."""
    index = bisect_left(times, since)
    return times[index] if index < len(times) else NEVER
