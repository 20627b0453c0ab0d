"""Histories in which everything collides: few tickets, and times on thresholds or 1 us beside."""

from dataclasses import replace
from datetime import date
from typing import NamedTuple

from hypothesis import strategies as st

from monitor.sla.calendar import Calendar
from monitor.sla.events import (
    DAY,
    SECOND,
    AgentReplied,
    CustomerReplied,
    Event,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.policy import Formula, Goal, Policy, Rule, Target

START = 1_769_860_800 * SECOND
"""2026-01-31T12:00:00Z, on a pane's edge in every window."""

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND

CHAT = Target(at_risk=90 * SECOND, limit=120 * SECOND)
PHONE = Target(at_risk=120 * SECOND, limit=240 * SECOND)
EMAIL = Target(at_risk=69_120 * SECOND, limit=DAY)
CHANNELS = {"chat": CHAT, "phone": PHONE, "email": EMAIL}
PLAIN = Policy(CHANNELS)

_NOON = (14 * HOUR, 14 * HOUR + 2 * MINUTE)
SHIFTS = Calendar(
    "Europe/Bucharest",
    (
        *(((9 * HOUR, 12 * HOUR), _NOON),) * 5,
        (_NOON, (14 * HOUR + 5 * MINUTE, 16 * HOUR)),
        (),
    ),
    [date(2026, 2, 4)],
    name="shifts",
)
"""Open when histories start, for exactly as long as a chat has, and closed every other while."""
NIGHTS = Calendar("UTC", (*(((20 * HOUR, 36 * HOUR + MINUTE),),) * 7,), name="nights")
"""The shift of a Friday ends a minute after the start."""

GOALS = (Goal(30 * SECOND, 0.5), Goal(90 * SECOND, 0.8), Goal(120 * SECOND, 0.9))
HOURS = Policy(
    {
        "chat": replace(CHAT, calendar=SHIFTS),
        "phone": replace(PHONE, calendar=NIGHTS),
        "email": replace(EMAIL, calendar=SHIFTS),
    },
    calendars={"shifts": SHIFTS, "nights": NIGHTS},
)
LISTS = Policy(
    {
        "chat": replace(CHAT, goals=GOALS),
        "phone": PHONE,
        "email": Target(
            *(EMAIL.at_risk, EMAIL.limit, 1.0),
            (Goal(7200 * SECOND, 0.5), Goal(43_200 * SECOND, 0.8), Goal(EMAIL.limit, 1.0)),
            SHIFTS,
        ),
    },
    calendars={"shifts": SHIFTS},
)
RULES = Policy(
    CHANNELS,
    teams=("billing",),
    calendars={"shifts": SHIFTS},
    rules=(
        Rule({"priority": ("high",)}, limit=60 * SECOND),
        Rule({"channel": ("chat",), "priority": ("high", "urgent")}, *(45 * SECOND, 30 * SECOND)),
        Rule({"channel": ("chat",), "tier": ("gold",)}, *(120 * SECOND, None, 0.9, GOALS)),
        Rule({"team": ("night", "billing")}, hours="shifts"),
        Rule({"team": ("night",), "channel": ("phone",)}, hours="always"),
    ),
)

CLOCKED = Policy(
    CHANNELS,
    calendars={"shifts": SHIFTS},
    clocks={
        "next_reply": Policy({"chat": Target(30 * SECOND, 60 * SECOND), "email": EMAIL}),
        "resolution": Policy(
            {
                "chat": Target(90 * SECOND, 300 * SECOND, pauses=True),
                "phone": Target(90 * SECOND, 120 * SECOND, 0.9, GOALS, SHIFTS, pauses=True),
                "email": Target(300 * SECOND, DAY, calendar=SHIFTS),
            },
            teams=("billing",),
        ),
    },
)

_BASES = (0, 0, 0, 30 * SECOND, 600 * SECOND)
_SPANS = (
    *(0, 0, 0, 5 * SECOND),
    *(CHAT.at_risk, CHAT.limit, PHONE.limit, EMAIL.at_risk, EMAIL.limit),
    *(300 * SECOND, 3600 * SECOND, 30 * DAY, 31 * DAY),
    *(30 * SECOND, 60 * SECOND, 2 * DAY - 5 * HOUR),
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
        HOURS,
        LISTS,
        RULES,
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
        st.sampled_from(("", "", "gold")),
    )


def replies(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[AgentReplied]:
    return st.builds(AgentReplied, ticket_ids, moments, st.sampled_from((False, False, True)))


def closes(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[TicketClosed]:
    return st.builds(TicketClosed, ticket_ids, moments)


def events(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[Event]:
    return st.one_of(creations(ticket_ids), replies(ticket_ids), closes(ticket_ids))


def asks(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[CustomerReplied]:
    return st.builds(CustomerReplied, ticket_ids, moments)


def talks(ticket_ids: st.SearchStrategy[str] = ids) -> st.SearchStrategy[Event]:
    """Draw events of tickets that are much talked about."""
    return st.one_of(
        creations(ticket_ids),
        replies(ticket_ids),
        replies(ticket_ids),
        asks(ticket_ids),
        asks(ticket_ids),
        closes(ticket_ids),
    )


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
def runs(draw, max_steps: int = 8, of: st.SearchStrategy[Event] | None = None) -> list[Step]:
    """Draw any events at any clock: late, ahead, in any order, in any batches."""
    one = events() if of is None else of
    batches = draw(st.lists(st.lists(one, max_size=3), min_size=1, max_size=max_steps))
    return [
        Step(batch, now) for batch, now in zip(batches, draw(clocks(len(batches))), strict=True)
    ]


@st.composite
def shuffled(draw, of: list[Event]) -> list[Event]:
    """Draw the same events in another order, some of them twice."""
    return draw(st.permutations([*of, *draw(st.lists(st.sampled_from(of), max_size=4))]))
