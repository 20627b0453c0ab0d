"""What the rules are told: a few kinds of events, with times as whole microseconds since 1970.

Integers keep the arithmetic exact (a first response exactly at the limit is met) and cheap.
"""

from typing import Final

import msgspec

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND

NEVER: Final = 2**63
"""Later than every moment."""


class TicketCreated(msgspec.Struct, frozen=True, gc=False):
    """A customer asked for help."""

    ticket_id: str
    channel: str
    at: int
    team: str = ""
    priority: str = ""
    tier: str = ""
    """The customer's: gold, trial, ..."""
    customer: int = 0
    """A hash of the customer's id, by which customers are counted; 0 for none."""


class AgentReplied(msgspec.Struct, frozen=True, gc=False):
    """Somebody, or with `automated` something, answered the customer."""

    ticket_id: str
    at: int
    automated: bool = False


class TicketClosed(msgspec.Struct, frozen=True, gc=False):
    """The ticket was closed, with or without an answer."""

    ticket_id: str
    at: int


class SurveyAnswered(msgspec.Struct, frozen=True, gc=False):
    """A customer said what a ticket's treatment was worth."""

    survey_id: str
    ticket_id: str
    kind: str
    """`csat` or `nps`."""
    score: float
    at: int
    channel: str = ""
    """The ticket's, for one whose ticket nobody remembers; empty if the survey does not say."""
    team: str = ""


class CustomerChanged(msgspec.Struct, frozen=True, gc=False):
    """Somebody became a customer, or is none any more."""

    customer_id: str
    joined: bool
    at: int


class CustomerReplied(msgspec.Struct, frozen=True, gc=False):
    """The customer wrote again."""

    ticket_id: str
    at: int


Event = TicketCreated | AgentReplied | TicketClosed | CustomerReplied
"""What happens to tickets."""

Told = Event | SurveyAnswered | CustomerChanged
"""All that is read."""
