"""Histories in which everything collides: few tickets, and times on thresholds or 1 us beside."""

from typing import NamedTuple

from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND, AgentReplied, Event, TicketClosed, TicketCreated
from monitor.sla.policy import Formula, Policy, Target

START = 1_769_860_800 * SECOND
"""2026-01-31T12:00:00Z, on a pane's edge in every window."""

CHAT = Target(at_risk=90 * SECOND, limit=120 * SECOND)
PHONE = Target(at_risk=120 * SECOND, limit=240 * SECOND)
EMAIL = Target(at_risk=69_120 * SECOND, limit=DAY)
CHANNELS = {"chat": CHAT, "phone": PHONE, "email": EMAIL}
PLAIN = Policy(CHANNELS)

_BASES = (0, 0, 0, 30 * SECOND, 600 * SECOND)
_SPANS = (
    *(0, 0, 0, 5 * SECOND),
    *(CHAT.at_risk, CHAT.limit, PHONE.limit, EMAIL.at_risk, EMAIL.limit),
    *(300 * SECOND, 3600 * SECOND, 30 * DAY, 31 * DAY),
)
_JITTERS = (0, 0, 0, -1, 1)

ids = st.sampled_from("abc")
channels = st.sampled_from(("chat", "chat", "phone", "email"))
teams = st.sampled_from(("", "billing", "sales", "night"))
policies = st.sampled_from(
    (
        PLAIN,
        PLAIN,
        Policy(CHANNELS, teams=("billing", "sales")),
        Policy(CHANNELS, Formula.ANSWERED_ONLY),
        Policy(CHANNELS, Formula.SHORT_EXCLUDED, short_abandon=90 * SECOND),
    )
)
moments = st.builds(
    lambda base, span, jitter: START + base + span + jitter,
    st.sampled_from(_BASES),
    st.sampled_from(_SPANS),
    st.sampled_from(_JITTERS),
)


def creations(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[TicketCreated]:
    return st.builds(
        TicketCreated,
        ticket_ids,
        channels,
        st.one_of(st.just(START), moments),
        teams,
        st.sampled_from(("", "high")),
    )


def replies(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[AgentReplied]:
    return st.builds(AgentReplied, ticket_ids, moments, st.sampled_from((False, False, True)))


def closes(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[TicketClosed]:
    return st.builds(TicketClosed, ticket_ids, moments)


def events(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[Event]:
    return st.one_of(creations(ticket_ids), replies(ticket_ids), closes(ticket_ids))


def histories(max_size: int = 12) -> st.SearchStrategy[list[Event]]:
    return st.lists(events(), min_size=1, max_size=max_size)


class Step(NamedTuple):
    """Some events read at once, then the clock moved on (or left where it is)."""

    events: list[Event]
    now: int


def clocks(size: int) -> st.SearchStrategy[list[int]]:
    """Clocks that never run backwards."""
    return st.lists(moments, min_size=size, max_size=size).map(sorted)


@st.composite
def runs(draw, max_steps: int = 8) -> list[Step]:
    """Draw any events at any clock: late, ahead, in any order, in any batches."""
    batches = draw(st.lists(st.lists(events(), max_size=3), min_size=1, max_size=max_steps))
    return [
        Step(batch, now) for batch, now in zip(batches, draw(clocks(len(batches))), strict=True)
    ]


@st.composite
def shuffled(draw, of: list[Event]) -> list[Event]:
    """Draw the same events in another order, some of them twice."""
    return draw(st.permutations([*of, *draw(st.lists(st.sampled_from(of), max_size=4))]))
