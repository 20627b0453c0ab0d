"""The life of a ticket as a table: what is known, at which clock, and what is true then.

Times are seconds after its creation, on the chat channel: at risk after 90, limit 120; `+` is a
microsecond more, `-` one less. Each line can be checked against DESIGN 3.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.life import NOT_THERE, forget_at, life, stages
from monitor.sla.policy import EXPIRES_AFTER, REMEMBERED_FOR
from monitor.sla.ticket import Kind, Phase, Ticket, join
from tests.unit.sla.strategies import CHAT, START, events

MONTH = EXPIRES_AFTER // SECOND
DAYS = DAY // SECOND
UNSEEN, WAITING, AT_RISK, OVERDUE, ANSWERED, ABANDONED, EXPIRED = Phase


def us(moment):
    """Read 90, "90+" or "90-" as microseconds since 1970."""
    if moment is None:
        return None
    if isinstance(moment, str):
        return us(int(moment[:-1])) + {"+": 1, "-": -1}[moment[-1]]
    return START + moment * SECOND


def ticket(*, replied=None, closed=None, created=0):
    return Ticket("T1", us(created), "chat", replied=us(replied), closed=us(closed))


# replied, closed, clock -> phase, waited at risk, passed the limit, ended, open, looked at again
LIFE = [
    # nothing but a creation
    (None, None, "0-", UNSEEN, False, False, None, False, 0),
    (None, None, 0, WAITING, False, False, None, True, "90+"),
    (None, None, 90, WAITING, False, False, None, True, "90+"),
    (None, None, "90+", AT_RISK, True, False, None, True, "120+"),
    (None, None, 120, AT_RISK, True, False, None, True, "120+"),
    (None, None, "120+", OVERDUE, True, True, None, True, f"{MONTH}+"),
    (None, None, MONTH, OVERDUE, True, True, None, True, f"{MONTH}+"),
    (None, None, f"{MONTH}+", EXPIRED, True, True, MONTH, False, None),
    (None, None, 2 * MONTH, EXPIRED, True, True, MONTH, False, None),
    # a reply
    (-60, None, "0-", UNSEEN, False, False, None, False, 0),
    (-60, None, 0, ANSWERED, False, False, 0, True, f"{MONTH}+"),
    (0, None, 0, ANSWERED, False, False, 0, True, f"{MONTH}+"),
    (60, None, "60-", WAITING, False, False, None, True, 60),
    (60, None, 60, ANSWERED, False, False, 60, True, f"{MONTH}+"),
    (60, None, 900, ANSWERED, False, False, 60, True, f"{MONTH}+"),
    (90, None, 900, ANSWERED, False, False, 90, True, f"{MONTH}+"),
    ("90+", None, 90, WAITING, False, False, None, True, "90+"),
    ("90+", None, "90+", ANSWERED, True, False, "90+", True, f"{MONTH}+"),
    (120, None, "120-", AT_RISK, True, False, None, True, 120),
    (120, None, 120, ANSWERED, True, False, 120, True, f"{MONTH}+"),
    (120, None, 900, ANSWERED, True, False, 120, True, f"{MONTH}+"),
    ("120+", None, 120, AT_RISK, True, False, None, True, "120+"),
    ("120+", None, "120+", ANSWERED, True, True, "120+", True, f"{MONTH}+"),
    (900, None, 600, OVERDUE, True, True, None, True, 900),
    (900, None, 900, ANSWERED, True, True, 900, True, f"{MONTH}+"),
    (MONTH, None, f"{MONTH}-", OVERDUE, True, True, None, True, MONTH),
    (MONTH, None, MONTH, ANSWERED, True, True, MONTH, True, f"{MONTH}+"),
    (f"{MONTH}+", None, f"{MONTH}+", EXPIRED, True, True, MONTH, False, None),
    (60, None, MONTH, ANSWERED, False, False, 60, True, f"{MONTH}+"),
    (60, None, f"{MONTH}+", ANSWERED, False, False, 60, False, None),
    # a close
    (None, -60, 0, ABANDONED, False, False, 0, False, None),
    (None, 0, 0, ABANDONED, False, False, 0, False, None),
    (None, 60, "60-", WAITING, False, False, None, True, 60),
    (None, 60, 60, ABANDONED, False, False, 60, False, None),
    (None, "90+", "90+", ABANDONED, True, False, "90+", False, None),
    (None, 120, 900, ABANDONED, True, False, 120, False, None),
    (None, "120+", 900, ABANDONED, True, True, "120+", False, None),
    (None, MONTH, f"{MONTH}+", ABANDONED, True, True, MONTH, False, None),
    (None, f"{MONTH}+", f"{MONTH}+", EXPIRED, True, True, MONTH, False, None),
    (None, 2 * MONTH, f"{MONTH}+", EXPIRED, True, True, MONTH, False, 2 * MONTH),
    (None, 2 * MONTH, 2 * MONTH, EXPIRED, True, True, MONTH, False, None),
    # both
    (60, 100, 60, ANSWERED, False, False, 60, True, 100),
    (60, 100, "100-", ANSWERED, False, False, 60, True, 100),
    (60, 100, 100, ANSWERED, False, False, 60, False, None),
    (60, 60, 60, ANSWERED, False, False, 60, False, None),
    (120, 120, 120, ANSWERED, True, False, 120, False, None),
    ("60+", 60, 60, ABANDONED, False, False, 60, False, None),
    (600, 60, 900, ABANDONED, False, False, 60, False, None),
    (-60, -90, 0, ANSWERED, False, False, 0, False, None),
    (60, -90, 900, ABANDONED, False, False, 0, False, None),
    (60, MONTH, 60, ANSWERED, False, False, 60, True, MONTH),
    (60, 2 * MONTH, 60, ANSWERED, False, False, 60, True, f"{MONTH}+"),
    (60, 2 * MONTH, f"{MONTH}+", ANSWERED, False, False, 60, False, 2 * MONTH),
    (60, 2 * MONTH, 2 * MONTH, ANSWERED, False, False, 60, False, None),
    (2 * MONTH, 3 * MONTH, 3 * MONTH, EXPIRED, True, True, MONTH, False, None),
]


@pytest.mark.parametrize(
    ("replied", "closed", "clock", "phase", "at_risk", "breached", "ended", "is_open", "wake_at"),
    LIFE,
)
def test_what_is_true_of_a_ticket_at_a_clock(
    replied, closed, clock, phase, at_risk, breached, ended, is_open, wake_at
):
    state = life(ticket(replied=replied, closed=closed), CHAT, us(clock))
    assert state.phase is phase
    assert state.at_risk_at == (us(90) if at_risk else None)
    assert state.breached_at == (us(120) if breached else None)
    assert state.ended_at == us(ended)
    assert state.is_open is is_open
    assert state.wake_at == us(wake_at)


@pytest.mark.parametrize("replied", [None, -60, 0, 60, 90, "90+", 120, "120+", 600])
@pytest.mark.parametrize("clock", [0, 60, 90, "90+", 120, "120+", 600, MONTH, f"{MONTH}+"])
def test_where_closes_are_not_reported_a_ticket_is_over_at_its_reply(replied, clock):
    one = ticket(replied=replied)
    usual = life(one, CHAT, us(clock))
    over = life(one, CHAT, us(clock), over_at_reply=True)
    assert over.is_open is (usual.is_open and usual.phase is not ANSWERED)
    assert over[:6] == usual[:6]
    assert (over.wake_at is None) is not over.is_open


@pytest.mark.parametrize("clock", ["0-", 0, 90, MONTH, 2 * MONTH])
def test_of_a_ticket_with_no_creation_or_no_promise_nothing_is_true(clock):
    assert life(Ticket("T1", replied=us(0), closed=us(0)), CHAT, us(clock)) == NOT_THERE
    assert life(ticket(replied=60), None, us(clock)) == NOT_THERE


# replied, closed, clock -> what is told
STAGES = [
    (None, None, 90, []),
    (None, None, "90+", [(Kind.AT_RISK, 90)]),
    (None, None, 120, [(Kind.AT_RISK, 90)]),
    (None, None, "120+", [(Kind.AT_RISK, 90), (Kind.BREACHED, 120)]),
    (None, None, f"{MONTH}+", [(Kind.AT_RISK, 90), (Kind.BREACHED, 120), (Kind.EXPIRED, MONTH)]),
    (60, None, 900, []),
    (90, None, 900, []),
    (100, None, 900, [(Kind.AT_RISK, 90), (Kind.ANSWERED, 100)]),
    (120, None, 900, [(Kind.AT_RISK, 90), (Kind.ANSWERED, 120)]),
    (600, None, 900, [(Kind.AT_RISK, 90), (Kind.BREACHED, 120), (Kind.ANSWERED, 600)]),
    (None, 60, 900, []),
    (None, 100, 900, [(Kind.AT_RISK, 90), (Kind.CLOSED, 100)]),
    (None, 600, 900, [(Kind.AT_RISK, 90), (Kind.BREACHED, 120), (Kind.CLOSED, 600)]),
    (100, 600, 900, [(Kind.AT_RISK, 90), (Kind.ANSWERED, 100)]),
    (100, 100, 900, [(Kind.AT_RISK, 90), (Kind.ANSWERED, 100)]),
    (600, 100, 900, [(Kind.AT_RISK, 90), (Kind.CLOSED, 100)]),
]


@pytest.mark.parametrize(("replied", "closed", "clock", "told"), STAGES)
def test_what_is_told_of_a_ticket_by_a_clock(replied, closed, clock, told):
    state = life(ticket(replied=replied, closed=closed), CHAT, us(clock))
    assert stages(state) == [(kind, us(at)) for kind, at in told]


# replied, closed, clock, last touched -> when it may be forgotten
FORGET = [
    (None, None, 60, 0, None),
    (None, None, 600, 0, None),
    (None, None, MONTH, 0, None),
    (None, None, f"{MONTH}+", 0, MONTH + DAYS),
    (None, None, "0-", 0, None),
    (None, 60, 60, 0, 60 + DAYS),
    (None, 60, 600, 500, 500 + DAYS),
    (None, 600, 60, 0, None),
    (60, None, 60, 0, None),
    (60, None, MONTH, 0, None),
    (60, None, f"{MONTH}+", 60, 60 + DAYS),
    (60, 100, 60, 0, None),
    (60, 100, 100, 0, 100 + DAYS),
    (600, 100, 100, 0, 600 + DAYS),
    (60, 2 * MONTH, f"{MONTH}+", 0, 2 * MONTH + DAYS),
]


@pytest.mark.parametrize(("replied", "closed", "clock", "touched", "expected"), FORGET)
def test_when_a_ticket_may_be_forgotten(replied, closed, clock, touched, expected):
    one = ticket(replied=replied, closed=closed)
    one.touched = us(touched)
    assert forget_at(one, life(one, CHAT, us(clock))) == us(expected)
    assert REMEMBERED_FOR == DAY


@pytest.mark.parametrize("facts", [{"replied": 7}, {"closed": 7}, {"replied": 3, "closed": 7}])
def test_a_reply_or_a_close_with_no_ticket_is_remembered_as_long(facts):
    one = Ticket("T1", touched=us(0), **{name: us(at) for name, at in facts.items()})
    assert forget_at(one, life(one, CHAT, us(10))) == us(7 + DAYS)


# -- the join


def joined(*events_):
    one = Ticket("T1")
    for event in events_:
        join(one, event)
    return one


@given(st.lists(events(st.just("T1")), max_size=6), st.data())
def test_a_ticket_is_the_join_of_its_events_in_any_order(events_, data):
    again = data.draw(st.permutations([*events_, *events_[:2]]))
    assert joined(*events_) == joined(*again)


@given(st.lists(events(st.just("T1")), max_size=6))
def test_an_event_that_taught_something_teaches_nothing_the_second_time(events_):
    one = Ticket("T1")
    for index, event in enumerate(events_):
        learned = join(one, event)
        assert learned is (one != joined(*events_[:index]))
        assert join(one, event) is False


def test_the_least_of_each_time_is_kept():
    one = joined(
        AgentReplied("T1", 7),
        TicketCreated("T1", "chat", 5),
        TicketClosed("T1", 9),
        AgentReplied("T1", 6),
        TicketCreated("T1", "chat", 4),
        TicketClosed("T1", 8),
        TicketCreated("T1", "chat", 6),
    )
    assert (one.created, one.replied, one.closed, one.conflict) == (4, 6, 8, False)


def test_an_automated_reply_is_none():
    one = Ticket("T1")
    assert join(one, AgentReplied("T1", 5, automated=True)) is False
    assert one == Ticket("T1")


@pytest.mark.parametrize("reverse", [False, True])
def test_of_two_channels_the_earliest_creation_wins_and_the_conflict_is_noted(reverse):
    both = [TicketCreated("T1", "chat", 5, "b"), TicketCreated("T1", "email", 4, "a", "high")]
    one = joined(*(reversed(both) if reverse else both))
    assert (one.channel, one.created, one.team, one.priority) == (
        "email",
        4,
        "a",
        "high",
    )
    assert one.conflict


def test_what_is_no_event_is_refused():
    with pytest.raises(TypeError, match="not an event"):
        join(Ticket("T1"), ("T1", 5))
