"""What the rules are told: three kinds of events, with times as whole microseconds since 1970.

Integers keep the arithmetic exact (a first response exactly at the limit is met) and cheap.
"""

from typing import Final, NamedTuple

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND


class TicketCreated(NamedTuple):
    """A customer asked for help."""

    ticket_id: str
    channel: str
    at: int
    team: str = ""
    priority: str = ""
    customer_id: str = ""


class AgentReplied(NamedTuple):
    """Somebody, or with `automated` something, answered the customer."""

    ticket_id: str
    at: int
    automated: bool = False


class TicketClosed(NamedTuple):
    """The ticket was closed, with or without an answer."""

    ticket_id: str
    at: int


Event = TicketCreated | AgentReplied | TicketClosed
