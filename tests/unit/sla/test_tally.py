"""The figures of a whole history are those of the oracle."""

import pytest
from hypothesis import given

from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.policy import Formula, Policy
from monitor.sla.tally import Tally
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CHANNELS, PLAIN, START, histories, policies, runs

WITHIN = ("first_response_p50_seconds", "first_response_p90_seconds")
END = START + 70 * DAY


def tallied(events, policy=PLAIN):
    """Return the figures of a history."""
    return tally_of(events, policy).figures()


def tally_of(events, policy=PLAIN):
    """Run a history in time order until every deadline is decided."""
    tally = Tally(policy)
    engine = Engine(policy, views=(tally,))
    for instant in sorted({event.at for event in events}):
        engine.advance(instant - 1)
        engine.apply(event for event in events if event.at == instant)
        engine.advance(instant)
    engine.advance(END)
    return tally


def hold_against(found, expected, *, without=()):
    assert list(found) == list(expected)
    for channel, figures in expected.items():
        assert list(found[channel]) == list(figures)
        for name, value in figures.items():
            seen = found[channel][name]
            if name in without:
                continue
            if value is None or isinstance(value, int):
                assert seen == value, (channel, name)
            else:
                off = 0.01 if name in WITHIN else 0
                assert seen == pytest.approx(value, rel=off, abs=0.0006), (channel, name)


@given(histories())
def test_of_a_history_in_time_order_every_figure_is_exact(events):
    hold_against(tallied(events), oracle.tally(events, PLAIN, END))


@given(histories())
def test_teams_add_up_to_their_channel(events):
    teams = Policy(CHANNELS, teams=("billing", "sales"))
    hold_against(tallied(events, teams), oracle.tally(events, PLAIN, END))


@given(runs())
def test_of_a_history_in_any_order_all_but_the_greatest_is_exact(steps):
    tally = Tally(PLAIN)
    engine = Engine(PLAIN, views=(tally,))
    for step in steps:
        engine.apply(step.events)
        engine.advance(step.now)
    engine.advance(END)
    read = [event for step in steps for event in step.events]
    expected = oracle.tally(read, PLAIN, END)
    found = {name: figures for name, figures in tally.figures().items() if figures["created"]}
    hold_against(found, expected, without=("first_response_max_seconds", "max_waiting"))


def test_a_history_of_one_ticket_of_each_fate():
    events = [
        *(
            TicketCreated(name, "chat", START)
            for name in ("met", "late", "left", "never", "gave up")
        ),
        AgentReplied("met", START + 60 * SECOND),
        AgentReplied("late", START + 121 * SECOND),
        TicketClosed("left", START + 30 * SECOND),
        TicketClosed("gave up", START + 300 * SECOND),
    ]
    assert tallied(events) == {
        "chat": {
            "created": 5,
            "answered": 2,
            "abandoned": 2,
            "expired": 1,
            "first_response_sum_seconds": 181.0,
            "first_response_mean_seconds": 90.5,
            "first_response_p50_seconds": pytest.approx(60, rel=0.01),
            "first_response_p90_seconds": pytest.approx(121, rel=0.01),
            "first_response_max_seconds": 121.0,
            "answered_within_limit": 1,
            "passed_at_risk": 3,
            "breached": 3,
            "service_level_ratio": 0.25,
            "max_waiting": 5,
        }
    }


def worked_example():
    """Return 100 calls: 70 answered in time, 10 late, 20 gone, 8 of them in time, 5 at once."""
    ended = [(AgentReplied, 60)] * 70 + [(AgentReplied, 300)] * 10
    ended += [(TicketClosed, 5)] * 5 + [(TicketClosed, 6)] * 3 + [(TicketClosed, 241)] * 12
    events = []
    for number, (how, seconds) in enumerate(ended):
        events.append(TicketCreated(f"{number}", "phone", START))
        events.append(how(f"{number}", START + seconds * SECOND))
    return events


def test_the_service_level_by_every_formula_of_one_day_of_calls():
    levels = tally_of(worked_example()).service_levels()
    assert levels == {
        "phone": {
            "answered_only": 0.875,  # 70 / 80
            "abandon_negative": 0.7,  # 70 / (80 + 20)
            "abandon_ignored": 0.76087,  # 70 / (80 + 20 - 8)
            "abandon_positive": 0.78,  # (70 + 8) / (80 + 20)
            "short_excluded": 0.736842,  # 70 / (80 + 20 - 5)
        }
    }


def test_how_short_a_short_abandon_is_says_the_policy():
    longer = Policy(CHANNELS, short_abandon=6 * SECOND)
    levels = tally_of(worked_example(), longer).service_levels()["phone"]
    assert levels["short_excluded"] == round(70 / (80 + 20 - 8), 6)
    beyond_the_limit = Policy(CHANNELS, short_abandon=DAY)
    levels = tally_of(worked_example(), beyond_the_limit).service_levels()["phone"]
    assert levels["short_excluded"] == levels["abandon_ignored"]


@given(runs(), policies)
def test_the_policys_formula_is_the_one_among_all_that_is_shown(steps, policy):
    tally = tally_of([event for step in steps for event in step.events], policy)
    for channel, figures in tally.figures().items():
        levels = tally.service_levels()[channel]
        assert set(levels) == set(Formula)
        assert levels[policy.formula] == figures["service_level_ratio"]


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_one_leaving_as_another_comes_is_one_waiting_whatever_they_are_called(ids):
    first, second = ids
    events = [
        TicketCreated(first, "chat", START),
        AgentReplied(first, START + SECOND),
        TicketCreated(second, "chat", START + SECOND),
    ]
    assert tallied(events)["chat"]["max_waiting"] == 1


def test_a_channel_that_had_no_ticket_is_left_out():
    assert tallied([AgentReplied("a", START)]) == {}
