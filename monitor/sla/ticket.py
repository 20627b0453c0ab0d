"""One ticket: what is known of it, and how events add to that.

What is known only ever joins (the least of each time, DESIGN 3.1), so order and repeats of events
cannot matter. What follows from it is computed by `life`, never kept.
"""

from enum import IntEnum
from typing import NamedTuple

import msgspec

from monitor.sla.events import AgentReplied, CustomerReplied, Event, TicketClosed, TicketCreated


class Phase(IntEnum):
    """Where a ticket stands.

    | phase     | from                | begins                                             |
    |-----------|---------------------|----------------------------------------------------|
    | UNSEEN    |                     | a reply or a close is known, its creation is not   |
    | WAITING   | UNSEEN              | at created                                         |
    | AT_RISK   | WAITING             | after created + at_risk                            |
    | OVERDUE   | AT_RISK             | after created + limit                              |
    | ANSWERED  | any of the three    | at the first human reply                           |
    | ABANDONED | any of the three    | at the close, with no reply at or before it        |
    | EXPIRED   | OVERDUE             | after created + 30 days                            |
    """

    UNSEEN = 0
    WAITING = 1
    AT_RISK = 2
    OVERDUE = 3
    ANSWERED = 4
    ABANDONED = 5
    EXPIRED = 6


class Kind(IntEnum):
    """What is told of a ticket on the breach topic; the numbers are kept in the changelog."""

    AT_RISK = 0
    BREACHED = 1
    ANSWERED = 2
    CLOSED = 3
    EXPIRED = 4
    RETRACTED = 5


class Telling(NamedTuple):
    """An event that stands: its kind, the moment at which it became true, and which one it is.

    `revision` counts the tellings of this kind for this ticket, so that no id is used twice.
    """

    kind: Kind
    at: int
    revision: int


class Exchange(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Who spoke when: what the clocks beyond the first response need, and only they."""

    replies: tuple[int, ...] = ()
    """The human replies, earliest first, each moment once."""
    asked: tuple[int, ...] = ()
    """What the customer wrote after the creation; likewise."""
    pauses: tuple[int, ...] = ()
    """Of a single clock: when it stopped and went on, in turn; the last stop may be for good."""


class Ticket(msgspec.Struct, gc=False, array_like=True):
    """All that is known of one ticket; times are microseconds since 1970.

    `gc=False`: a ticket holds no cycles, and a million tracked ones make every collection slow.
    """

    ticket_id: str
    created: int | None = None
    channel: str = ""
    team: str = ""
    priority: str = ""
    replied: int | None = None
    closed: int | None = None
    conflict: bool = False
    """Two channels were named for it."""
    touched: int = 0
    """The partition's clock when it was last changed by an event."""
    told: tuple[Telling, ...] = ()
    """The events that stand, in order."""
    revisions: tuple[int, ...] = ()
    """How often each kind was told, by `Kind`; empty before the first."""
    armed: int = 0
    """The moment it is to be looked at again; set anew when it is read back."""
    forgettable: int = 0
    """The moment from which it may be forgotten, 0 if not yet; likewise."""
    promise: int = -1
    """The index of its promise, -1 for none; likewise."""
    phase: Phase = Phase.UNSEEN
    """Where it stood when it was last looked at; likewise."""
    is_open: bool = False
    """Whether it was not over then; likewise."""
    booked: int = 0
    """How much had been booked for it by then; likewise."""
    tier: str = ""
    """The customer's, here because tickets are kept by position."""
    exchange: Exchange | None = None
    """None where the policy asks for no clock that needs it."""
    customer: int = 0
    """A hash of the customer's id, 0 for none; last because tickets are kept by position."""


def join(ticket: Ticket, event: Event) -> bool:
    """Add what an event says; return whether anything new was learned."""
    if isinstance(event, TicketCreated):
        return _join_creation(ticket, event)
    if isinstance(event, AgentReplied):
        if event.automated or (ticket.replied is not None and ticket.replied <= event.at):
            return False
        ticket.replied = event.at
        return True
    if isinstance(event, TicketClosed):
        if ticket.closed is not None and ticket.closed <= event.at:
            return False
        ticket.closed = event.at
        return True
    if isinstance(event, CustomerReplied):
        return False  # no clock of the first response
    raise TypeError(f"not an event: {event!r}")


def _join_creation(ticket: Ticket, event: TicketCreated) -> bool:
    """Keep the earliest creation; of several at one moment the least by its fields.

    The second half only makes the choice independent of the order of arrival.
    """
    new = (
        *(event.at, event.channel, event.team, event.priority),
        *(event.tier, event.customer),
    )
    if ticket.created is not None:
        old = (
            *(ticket.created, ticket.channel, ticket.team, ticket.priority),
            *(ticket.tier, ticket.customer),
        )
        conflict = ticket.conflict or event.channel != ticket.channel
        learned = conflict != ticket.conflict
        ticket.conflict = conflict
        if old <= new:
            return learned
    ticket.created, ticket.channel, ticket.team = event.at, event.channel, event.team
    ticket.priority, ticket.tier, ticket.customer = event.priority, event.tier, event.customer
    return True
