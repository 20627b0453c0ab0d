"""Worked examples: what is told of a ticket, with its times, ids and figures."""

from collections import Counter

import pytest

from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.policy import Policy, Target
from monitor.sla.ticket import Kind, Telling, Ticket
from monitor.sla.views import Book
from tests.unit.sla.strategies import CHANNELS, PLAIN, START
from tests.unit.sla.watching import Keeper, backlogs, net, views

CHAT, PHONE, EMAIL = range(3)


def at(seconds):
    return START + seconds * SECOND


def created(ticket_id="T1", channel="chat", seconds=0, team="", priority=""):
    return TicketCreated(ticket_id, channel, at(seconds), team, priority)


def replied(seconds, ticket_id="T1", *, automated=False):
    return AgentReplied(ticket_id, at(seconds), automated)


def closed(seconds, ticket_id="T1"):
    return TicketClosed(ticket_id, at(seconds))


def engine(*events, policy=PLAIN, clock=0, **options):
    one = Engine(policy, **options)
    one.advance(at(clock))
    assert one.apply(events) == []
    return one


def seconds(us):
    found = (us - START) / SECOND
    return int(found) if found == int(found) else found


def brief(effects):
    """Tell kind, when it was true, and the number of its telling."""
    return [(effect.kind.name, seconds(effect.at), effect.revision) for effect in effects]


def booked(one, group=CHAT):
    return {what.name: count for what, count in net(one)[group].items() if count}


# -- as it happens


def test_a_ticket_is_at_risk_then_breached_then_answered_late():
    one = engine(created(team="billing", priority="high"))
    assert one.advance(at(90)) == []
    (at_risk,) = one.advance(at(90) + 1)
    assert at_risk._asdict() == {
        "ticket_id": "T1",
        "kind": Kind.AT_RISK,
        "at": at(90),
        "revision": 1,
        "channel": "chat",
        "team": "billing",
        "priority": "high",
        "created": at(0),
        "due_at": at(120),
        "waited": 90 * SECOND,
        "threshold": 90 * SECOND,
        "replied": None,
        "closed": None,
        "retracts": (),
        "tier": "",
        "clock": "first_response",
        "number": 0,
    }
    assert one.advance(at(120)) == []
    (breached,) = one.advance(at(120) + 1)
    assert (breached.kind, breached.at, breached.waited, breached.threshold) == (
        Kind.BREACHED,
        at(120),
        120 * SECOND,
        120 * SECOND,
    )
    one.advance(at(300))
    (answered,) = one.apply([replied(300)])
    assert (answered.kind, answered.at, answered.waited, answered.replied) == (
        Kind.ANSWERED,
        at(300),
        300 * SECOND,
        at(300),
    )
    assert booked(one) == {"CREATED": 1, "AT_RISK": 1, "MISSED": 1, "ANSWERED": 1, "LATE": 1}


def test_a_reply_before_the_at_risk_threshold_is_not_told():
    one = engine(created(), replied(89))
    assert one.advance(at(1000)) == []
    assert booked(one) == {"CREATED": 1, "ANSWERED": 1, "MET": 1}


def test_a_reply_exactly_at_the_at_risk_threshold_is_not_told():
    assert engine(created(), replied(90)).advance(at(1000)) == []


def test_a_reply_exactly_at_the_limit_is_met():
    one = engine(created(), replied(120))
    assert brief(one.advance(at(1000))) == [("AT_RISK", 90, 1), ("ANSWERED", 120, 1)]
    assert booked(one) == {"CREATED": 1, "AT_RISK": 1, "ANSWERED": 1, "MET": 1}


def test_a_reply_a_microsecond_after_the_limit_is_late():
    one = engine(created(), AgentReplied("T1", at(120) + 1))
    told = brief(one.advance(at(1000)))
    assert told == [("AT_RISK", 90, 1), ("BREACHED", 120, 1), ("ANSWERED", 120.000001, 1)]
    assert booked(one)["LATE"] == 1


def test_an_automated_reply_stops_no_clock():
    one = engine(created(), replied(10, automated=True))
    assert brief(one.advance(at(100))) == [("AT_RISK", 90, 1)]


def test_an_automated_reply_to_an_unknown_ticket_is_not_kept():
    one = engine(replied(10, automated=True))
    assert (one.tickets, one.changed) == ({}, {})


def test_a_ticket_closed_before_its_limit_is_abandoned_and_left_out():
    one = engine(created(), closed(100))
    told = one.advance(at(1000))
    assert brief(told) == [("AT_RISK", 90, 1), ("CLOSED", 100, 1)]
    assert (told[1].closed, told[1].waited) == (at(100), 100 * SECOND)
    assert booked(one) == {
        "CREATED": 1,
        "AT_RISK": 1,
        "UNANSWERED": 1,
        "ABANDONED": 1,
        "CLOSED": 1,
    }
    assert one.windows.by_group[CHAT]["1h"].total.figures(PLAIN.formula).service_level_ratio is None


def test_a_ticket_closed_after_its_limit_is_a_miss():
    one = engine(created(), closed(600))
    told = brief(one.advance(at(1000)))
    assert told == [("AT_RISK", 90, 1), ("BREACHED", 120, 1), ("CLOSED", 600, 1)]
    assert one.windows.by_group[CHAT]["1h"].total.figures(PLAIN.formula).service_level_ratio == 0.0
    assert "ABANDONED" not in booked(one)


def test_a_reply_at_the_same_instant_as_the_close_counts_as_answered():
    for events in ([replied(100), closed(100)], [closed(100), replied(100)]):
        one = engine(created(), *events)
        assert brief(one.advance(at(1000))) == [("AT_RISK", 90, 1), ("ANSWERED", 100, 1)]
        assert booked(one)["MET"] == booked(one)["CLOSED"] == 1


def test_a_reply_after_the_close_is_none():
    one = engine(created(), closed(30), replied(40))
    assert one.advance(at(1000)) == []
    assert booked(one) == {"CREATED": 1, "CLOSED": 1, "UNANSWERED": 1, "ABANDONED": 1}


def test_the_close_of_an_answered_ticket_is_booked_and_not_told():
    one = engine(created(), replied(100), closed(200))
    assert brief(one.advance(at(1000))) == [("AT_RISK", 90, 1), ("ANSWERED", 100, 1)]
    assert booked(one)["CLOSED"] == 1
    assert one.backlogs[CHAT].open == 0


def test_after_thirty_days_a_ticket_expires_and_a_later_reply_no_longer_counts():
    one = engine(created())
    one.advance(at(0) + 30 * DAY)
    assert one.backlogs[CHAT].waiting == 1
    (expired,) = one.advance(at(0) + 30 * DAY + 1)
    assert (expired.kind, expired.at, expired.waited) == (Kind.EXPIRED, at(0) + 30 * DAY, 30 * DAY)
    assert one.backlogs[CHAT].waiting == 0
    one.advance(at(0) + 31 * DAY)
    assert one.apply([AgentReplied("T1", at(0) + 30 * DAY + 1)]) == []
    assert booked(one) == {"CREATED": 1, "AT_RISK": 1, "MISSED": 1, "EXPIRED": 1}


def test_a_reply_exactly_thirty_days_after_counts():
    one = engine(created(), AgentReplied("T1", at(0) + 30 * DAY))
    assert one.advance(at(0) + 31 * DAY)[-1].kind is Kind.ANSWERED


def test_a_clock_that_jumps_tells_all_there_was_in_the_order_of_its_time():
    one = engine(
        created("T1"), created("T2", "phone"), created("T3", seconds=15), replied(130, "T3")
    )
    assert [(e.ticket_id, *brief([e])[0][:2]) for e in one.advance(at(500))] == [
        ("T1", "AT_RISK", 90),
        ("T3", "AT_RISK", 105),
        ("T1", "BREACHED", 120),
        ("T2", "AT_RISK", 120),
        ("T3", "ANSWERED", 130),
        ("T2", "BREACHED", 240),
    ]


def test_what_is_read_ahead_of_the_clock_waits_for_its_time():
    one = engine(created(seconds=50), replied(160), closed(170))
    assert views(one) == views(Engine(PLAIN, clock=one.clock))
    assert one.next_due == at(50)
    one.advance(at(50))
    assert booked(one) == {"CREATED": 1}
    one.advance(at(160))
    assert booked(one)["MET"] == 1
    assert one.backlogs[CHAT].open == 1
    one.advance(at(170))
    assert one.backlogs[CHAT].open == 0
    assert one.next_due is None


def test_a_ticket_answered_and_closed_long_after_thirty_days_is_open_for_thirty():
    one = engine(created(), replied(10), TicketClosed("T1", at(0) + 40 * DAY))
    one.advance(at(0) + 30 * DAY)
    assert one.backlogs[CHAT].open == 1
    one.advance(at(0) + 30 * DAY + 1)
    assert one.backlogs[CHAT].open == 0
    one.advance(at(0) + 41 * DAY)
    assert one.backlogs[CHAT].open == 0
    assert booked(one)["CLOSED"] == 1


# -- what came late


def test_a_late_reply_within_the_limit_takes_back_the_breach_and_tells_the_answer():
    one = engine(created())
    assert brief(one.advance(at(200))) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1)]
    retracted, answered = one.apply([replied(100)])
    assert (retracted.kind, retracted.at, retracted.revision) == (Kind.RETRACTED, at(200), 1)
    assert retracted.retracts == (Telling(Kind.BREACHED, at(120), 1),)
    assert retracted.replied == at(100)
    assert brief([answered]) == [("ANSWERED", 100, 1)]
    assert booked(one) == {"CREATED": 1, "AT_RISK": 1, "ANSWERED": 1, "MET": 1}
    assert one.totals.by_group[CHAT].taken_back[Book.MISSED] == 1


def test_a_late_reply_before_the_threshold_takes_back_all_and_tells_no_more():
    one = engine(created())
    one.advance(at(200))
    (retracted,) = one.apply([replied(60)])
    assert [t.kind for t in retracted.retracts] == [Kind.AT_RISK, Kind.BREACHED]
    assert booked(one) == {"CREATED": 1, "ANSWERED": 1, "MET": 1}


def test_an_earlier_reply_than_the_one_told_takes_that_one_back():
    one = engine(created(), replied(300))
    one.advance(at(400))
    told = one.apply([replied(200)])
    assert brief(told) == [("RETRACTED", 400, 1), ("ANSWERED", 200, 2)]
    assert told[0].retracts == (Telling(Kind.ANSWERED, at(300), 1),)


def test_a_later_reply_than_the_one_told_changes_nothing():
    one = engine(created(), replied(300))
    one.advance(at(400))
    assert one.apply([replied(350), replied(300), created()]) == []


def test_a_reply_before_the_close_that_was_told_takes_that_back():
    one = engine(created(), closed(200))
    one.advance(at(400))
    told = one.apply([replied(150)])
    assert brief(told) == [("RETRACTED", 400, 1), ("ANSWERED", 150, 1)]
    assert told[0].retracts == (Telling(Kind.CLOSED, at(200), 1),)
    assert "UNANSWERED" not in booked(one)


def test_an_earlier_creation_tells_the_stages_anew_with_new_numbers():
    one = engine(created(seconds=50))
    assert brief(one.advance(at(150))) == [("AT_RISK", 140, 1)]
    told = one.apply([created(seconds=0)])
    assert brief(told) == [("RETRACTED", 150, 1), ("AT_RISK", 90, 2), ("BREACHED", 120, 1)]
    assert told[1].created == at(0)
    assert one.backlogs[CHAT].oldest() == at(0)
    assert backlogs(one)[CHAT]["most_urgent"] == ["T1"]


def test_of_two_channels_the_earliest_wins_and_the_conflict_is_counted():
    one = engine(created(channel="chat", seconds=10))
    assert brief(one.advance(at(150))) == [("AT_RISK", 100, 1), ("BREACHED", 130, 1)]
    retracted, at_risk = one.apply([created(channel="phone", seconds=0)])
    assert [t.kind for t in retracted.retracts] == [Kind.AT_RISK, Kind.BREACHED]
    assert (retracted.channel, at_risk.channel, at_risk.at, at_risk.revision) == (
        "phone",
        "phone",
        at(120),
        2,
    )
    assert booked(one, CHAT) == {}
    assert booked(one, PHONE) == {"CREATED": 1, "CHANNEL_CONFLICT": 1, "AT_RISK": 1}
    assert [backlog.waiting for backlog in one.backlogs] == [0, 1, 0]


def test_a_later_creation_in_another_channel_is_counted_and_told_of_nobody():
    one = engine(created())
    one.advance(at(100))
    assert one.apply([created(channel="phone", seconds=10)]) == []
    assert booked(one)["CHANNEL_CONFLICT"] == 1
    assert one.apply([created(channel="phone", seconds=10)]) == []
    assert booked(one)["CHANNEL_CONFLICT"] == 1


def test_a_reply_before_its_ticket_counts_as_zero_seconds_and_as_clock_skew():
    one = engine(replied(-5), created())
    assert one.advance(at(1000)) == []
    assert booked(one) == {"CREATED": 1, "ANSWERED": 1, "MET": 1, "CLOCK_SKEW": 1}
    assert one.totals.by_group[CHAT].sum_us == 0
    assert one.windows.by_group[CHAT]["1h"].total.figures(PLAIN.formula).p90_us == 0.0


def test_a_reply_at_the_creation_is_no_clock_skew():
    one = engine(created(), replied(0))
    one.advance(at(0))
    assert "CLOCK_SKEW" not in booked(one)


def test_a_ticket_first_heard_of_when_it_is_over_is_told_as_it_would_have_been():
    one = engine(clock=1000)
    told = one.apply([created()]) + one.apply([replied(300)])
    assert brief(told) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1), ("ANSWERED", 300, 1)]


# -- who waits


def test_the_backlog_counts_those_at_risk_with_the_overdue_among_them():
    one = engine(created("a"), created("b", seconds=50), created("c", seconds=140))
    one.advance(at(150))
    assert backlogs(one)[CHAT] == {
        "open": 3,
        "waiting": 3,
        "at_risk": 2,
        "overdue": 1,
        "oldest": at(0),
        "next_deadline": at(170),
        "most_urgent": ["a", "b", "c"],
    }
    assert [urgent.ticket_id for urgent in one.backlogs[CHAT].most_urgent(2)] == ["a", "b"]


def test_a_deadline_is_next_until_it_has_passed():
    one = engine(created())
    one.advance(at(120))
    assert one.backlogs[CHAT].next_deadline() == at(120)
    one.advance(at(120) + 1)
    assert one.backlogs[CHAT].next_deadline() is None
    assert one.backlogs[CHAT].oldest() == at(0)


# -- what is remembered


@pytest.mark.parametrize("over_at_reply", [False, True])
def test_a_closed_ticket_is_remembered_for_a_day_then_leaves_a_tombstone(over_at_reply):
    one = engine(created(), replied(5), closed(10), over_at_reply=over_at_reply)
    one.advance(at(10) + DAY - 1)
    assert one.forget() == 0
    one.changed.clear()
    one.advance(at(10) + DAY)
    assert one.forget() == 1
    assert (one.tickets, one.changed) == ({}, {"T1": None})
    assert booked(one)["CREATED"] == 1


def test_a_ticket_that_waits_is_never_forgotten():
    one = engine(created())
    one.advance(at(0) + 30 * DAY)
    assert one.forget() == 0
    one.advance(at(0) + 31 * DAY)
    assert one.forget() == 1


def test_an_answered_ticket_never_closed_is_forgotten_after_thirty_days():
    one = engine(created(), replied(5))
    one.advance(at(0) + 30 * DAY)
    assert one.forget() == 0
    one.advance(at(0) + 30 * DAY + 1)
    assert one.forget() == 1
    assert one.backlogs[CHAT].open == 0


def test_without_closes_an_answered_ticket_is_forgotten_after_a_day():
    one = engine(created(), replied(5), over_at_reply=True)
    one.advance(at(5))
    assert one.backlogs[CHAT].open == 0
    one.advance(at(5) + DAY)
    assert one.forget() == 1


def test_a_repeat_within_the_memory_does_no_harm():
    one = engine(created(), closed(10))
    one.advance(at(10) + DAY - 1)
    one.forget()
    assert one.apply([created(), closed(10), replied(20)]) == []
    assert booked(one) == {"CREATED": 1, "CLOSED": 1, "UNANSWERED": 1, "ABANDONED": 1}


def test_news_of_an_old_ticket_keeps_it_for_another_day():
    one = engine(created(), closed(10))
    one.advance(at(10) + DAY // 2)
    one.apply([replied(20)])
    one.advance(at(10) + DAY)
    assert one.forget() == 0
    one.advance(at(10) + DAY // 2 + DAY)
    assert one.forget() == 1


# -- teams and policies


def test_teams_have_figures_of_their_own_and_unknown_ones_count_as_other():
    policy = Policy({"chat": CHANNELS["chat"]}, teams=("billing", "sales"))
    one = engine(
        *(created(f"T{n}", team=team) for n, team in enumerate(("billing", "night", "", "other"))),
        policy=policy,
    )
    one.advance(at(0))
    assert [backlog.waiting for backlog in one.backlogs] == [1, 0, 3]
    assert policy.groups == (("chat", "billing"), ("chat", "sales"), ("chat", "other"))


def test_an_earlier_creation_of_another_team_moves_the_ticket_there():
    policy = Policy({"chat": CHANNELS["chat"]}, teams=("billing", "sales"))
    one = engine(created(seconds=5, team="billing"), policy=policy)
    one.advance(at(100))
    told = one.apply([created(seconds=0, team="sales")])
    assert [(effect.kind, effect.team) for effect in told] == [
        (Kind.RETRACTED, "sales"),
        (Kind.AT_RISK, "sales"),
    ]
    assert [backlog.at_risk for backlog in one.backlogs] == [0, 1, 0]
    assert booked(one, 0) == {}


def test_what_was_told_falsely_is_put_right_before_a_threshold_that_passes_at_that_moment():
    kept = Ticket("T1", at(0), "chat", told=(Telling(Kind.AT_RISK, at(60), 1),))
    kept.revisions = (1, 0, 0, 0, 0, 0)
    one = Engine(PLAIN, clock=at(120), tickets=[kept])
    assert brief(one.advance(at(120) + 1)) == [
        ("RETRACTED", 120.000001, 1),
        ("AT_RISK", 90, 2),
        ("BREACHED", 120, 1),
    ]


def after_restart(one, policy):
    keeper = Keeper()
    keeper.keep(one)
    return keeper.begin_again(policy, one.clock)


FEWER = Policy({"phone": CHANNELS["phone"]})


def test_tickets_of_a_channel_that_the_policy_dropped_count_for_nothing():
    one = engine(created("a"), created("b", "phone"))
    one.advance(at(100))
    again = after_restart(one, FEWER)
    assert [backlog.open for backlog in again.backlogs] == [1]
    assert brief(again.apply([replied(100, "a")]) + again.advance(at(300))) == [
        ("AT_RISK", 120, 1),
        ("BREACHED", 240, 1),
    ]
    assert again.apply([closed(200, "a")]) == []


@pytest.mark.parametrize("events", [[], [replied(5)], [closed(10)], [replied(5), closed(10)]])
def test_tickets_of_a_channel_that_the_policy_dropped_are_forgotten(events):
    one = engine(created(), *events)
    one.advance(at(100))
    again = after_restart(one, FEWER)
    again.advance(at(100) + 40 * DAY)
    assert again.forget() == 1
    assert again.tickets == {}


def test_a_channel_that_comes_back_finds_its_tickets():
    one, keeper = engine(created()), Keeper()
    one.advance(at(50))
    keeper.keep(one)
    without = keeper.begin_again(FEWER, one.clock)
    without.advance(at(60))
    keeper.keep(without)
    again = keeper.begin_again(PLAIN, without.clock)
    assert brief(again.advance(at(100))) == [("AT_RISK", 90, 1)]


def test_under_a_new_policy_a_ticket_follows_the_new_limits():
    one = engine(created())
    one.advance(at(50))
    slower = Policy({"chat": Target(200 * SECOND, 300 * SECOND)})
    again = after_restart(one, slower)
    assert again.next_due == at(200) + 1
    assert brief(again.advance(at(400))) == [("AT_RISK", 200, 1), ("BREACHED", 300, 1)]


def test_under_a_new_policy_what_was_told_under_the_old_is_put_right_when_it_is_next_touched():
    one = engine(created())
    assert brief(one.advance(at(130))) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1)]
    again = after_restart(one, Policy({"chat": Target(200 * SECOND, 300 * SECOND)}))
    (retracted,) = again.apply([replied(130)])
    assert [t.kind for t in retracted.retracts] == [Kind.AT_RISK, Kind.BREACHED]


def test_under_a_stricter_policy_what_is_already_late_is_told_at_once():
    slow = Policy({"chat": Target(200 * SECOND, 300 * SECOND)})
    one = engine(created(), policy=slow)
    assert one.advance(at(150)) == []
    again = after_restart(one, PLAIN)
    assert brief(again.advance(at(151))) == [("AT_RISK", 90, 1), ("BREACHED", 120, 1)]


def test_none_of_many_that_stand_in_a_line_is_left_out():
    """More than a line holds before it is cleared of those that have left it."""
    many = 5_000
    one = engine()
    # Ahead of the clock, as are times with microseconds read by records with milliseconds.
    one.apply(TicketCreated(f"T{n}", "chat", START + n + 1) for n in range(many))
    effects = one.advance(at(200))
    told = Counter(effect.kind for effect in effects)
    assert told == {Kind.AT_RISK: many, Kind.BREACHED: many}
    assert one.backlogs[CHAT].overdue == many
