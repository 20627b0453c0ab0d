"""Lists of targets, rules and business hours, as far as anybody sees them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.observability.clock_names import clock_name
from monitor.observability.exposition import exposition
from monitor.observability.figures import longest_waiting, overview
from monitor.observability.measures import MeasuresMetrics
from monitor.observability.snapshot import snapshot
from monitor.sla.clocked import ClockedEngine
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, AgentReplied, CustomerReplied, TicketClosed, TicketCreated
from monitor.sla.policy import Policy, Rule, Target
from tests.unit.observability.test_metrics import health, part, scrape, shown
from tests.unit.sla.strategies import (
    CHANNELS,
    CLOCKED,
    GOALS,
    HOURS,
    LISTS,
    PLAIN,
    RULES,
    SHIFTS,
    START,
)


def at(seconds):
    return START + seconds * SECOND


def engine(policy, *events, now=0):
    one = Engine(policy)
    for event in events:
        one.step(event, event.at)
    one.advance(at(now))
    return one


def test_without_lists_rules_and_hours_nothing_new_is_shown():
    policy = Policy(CHANNELS)
    names = {family.name for family in shown(policy, [Engine(policy)])}
    new = ("sla_goal", "sla_rule", "sla_hours", "sla_next_opening")
    assert not [name for name in names if name.startswith(new)]


def test_each_of_a_list_of_targets_is_counted_met_or_missed():
    one = engine(
        LISTS,
        TicketCreated("a", "chat", at(0)),
        AgentReplied("a", at(30)),
        TicketCreated("b", "chat", at(40)),
        AgentReplied("b", at(71)),
        TicketCreated("c", "chat", at(100)),
        now=195,
    )
    found = scrape(LISTS, [one])
    for within, met, missed in (("30.0", 1, 2), ("90.0", 2, 1), ("120.0", 2, 0)):
        for outcome, count in (("met", met), ("missed", missed)):
            labels = {"channel": "chat", "within": within, "outcome": outcome, "partition": "0"}
            assert found.sum("sla_goal_responses_total", **labels) == count
    assert found.sum("sla_goal_ratio", channel="chat", within="30.0") == 0.5
    assert found.sum("sla_goal_ratio", channel="email", within="86400.0") == 1.0
    assert found.sum("sla_target_seconds", channel="chat", threshold="limit") == 120
    assert found.sum("sla_target_ratio", channel="chat") == 0.9
    edges = found.sum("sla_first_response_seconds_bucket", channel="chat", le="90.0")
    assert edges == 2


def test_a_late_event_takes_a_target_met_or_missed_back():
    one = engine(LISTS, TicketCreated("a", "chat", at(0)), now=40)
    one.apply([AgentReplied("a", at(20))])
    found = scrape(LISTS, [one])
    labels = {"channel": "chat", "within": "30.0"}
    assert found.sum("sla_goal_responses_total", outcome="missed", **labels) == 1
    assert found.sum("sla_goal_retractions_total", outcome="missed", **labels) == 1
    assert found.sum("sla_goal_responses_total", outcome="met", **labels) == 1


def test_what_rules_promise_is_shown_with_whom_they_are_for():
    found = scrape(RULES, [Engine(RULES)])
    any_one = dict.fromkeys(("channel", "team", "priority", "tier"), "")
    assert (
        found.sum("sla_rule_target_seconds", **any_one | {"priority": "high"}, threshold="limit")
        == 60
    )
    chat = any_one | {"channel": "chat", "priority": "high|urgent"}
    assert found.sum("sla_rule_target_seconds", **chat, threshold="limit") == 45
    assert found.sum("sla_rule_target_seconds", **chat, threshold="at_risk") == 30


def test_the_exposition_is_read_by_the_official_parser():
    for policy in (LISTS, RULES, HOURS):
        text = exposition(shown(policy, [Engine(policy), Engine(policy)]))
        assert list(text_string_to_metric_families(text))


def test_a_channel_whose_team_is_away_says_when_it_is_back():
    closed, opens = at(3 * 3600), SHIFTS.next_opening(at(3 * 3600))
    one = engine(HOURS, now=3 * 3600)
    found = scrape(HOURS, [one], now=closed / SECOND)
    assert found.sum("sla_hours_open", channel="chat") == 0
    assert found.sum("sla_next_opening_timestamp_seconds", channel="chat") == opens / SECOND
    view = snapshot(overview(HOURS, [part(0, one)], health(now=closed / SECOND)))
    assert view["channels"][0]["hours"] == {"name": "shifts", "opens_at": opens / SECOND}
    found = scrape(HOURS, [one], now=at(0) / SECOND)
    assert found.sum("sla_hours_open", channel="chat") == 1
    view = snapshot(overview(HOURS, [part(0, one)], health(now=at(0) / SECOND)))
    assert view["channels"][0]["hours"] == {"name": "shifts", "opens_at": None}


def test_a_team_s_hours_are_those_of_its_rule():
    policy = Policy(
        CHANNELS,
        teams=("night",),
        calendars={"shifts": SHIFTS},
        rules=(Rule({"team": ("night",)}, hours="shifts"),),
    )
    view = snapshot(overview(policy, [part(0, Engine(policy))], health(now=at(3 * 3600) / SECOND)))
    closed = {(each["channel"], each["team"]) for each in view["channels"] if each["hours"]}
    assert closed == {(name, "night") for name in CHANNELS}


def test_the_ticket_that_is_due_first_is_shown_first_with_its_own_deadline():
    one = engine(
        RULES,
        TicketCreated("slow", "chat", at(0)),
        TicketCreated("fast", "chat", at(10), "", "high"),
        now=20,
    )
    group = overview(RULES, [part(0, one)], health()).groups[1]
    assert (group.channel, group.team, group.waiting) == ("chat", "other", 2)
    assert [each.ticket_id for each in longest_waiting(group)] == ["fast", "slow"]
    assert [each.due_at for each in longest_waiting(group)] == [at(55), at(120)]
    view = snapshot(overview(RULES, [part(0, one)], health()))
    fast = view["channels"][1]["tickets"][0]
    assert (fast["at_risk_at"], fast["due_at"]) == (at(40) / SECOND, at(55) / SECOND)


def test_counters_of_targets_go_on_where_they_were_kept():
    one = engine(LISTS, TicketCreated("a", "chat", at(0)), AgentReplied("a", at(10)))
    again = Engine(LISTS, clock=one.clock, totals=one.totals.stored())
    assert again.totals.by_group[0].goals == {goal.within: [1, 0, 0, 0] for goal in GOALS}


@pytest.fixture
def clocked():
    """One who waits for the next reply for too long, and one whose ticket was closed in time."""
    one = ClockedEngine(CLOCKED)
    for event in (
        TicketCreated("a", "chat", at(0)),
        AgentReplied("a", at(10)),
        CustomerReplied("a", at(20)),
        AgentReplied("a", at(30)),
        CustomerReplied("a", at(40)),
        TicketCreated("b", "email", at(50)),
        TicketClosed("b", at(60)),
    ):
        one.step(event, event.at)
    one.advance(at(101))
    return one


def test_the_other_clocks_have_the_first_response_s_metrics_under_their_own_name(clocked):
    found = scrape(CLOCKED, [clocked])
    chat = {"channel": "chat"}
    assert found.sum("sla_next_reply_tickets_overdue", **chat) == 1
    assert found.sum("sla_next_replies_total", outcome="met", **chat) == 1
    assert found.sum("sla_next_replies_total", outcome="missed", **chat) == 1
    assert found.sum("sla_next_reply_seconds_sum", **chat) == 10
    assert found.sum("sla_next_reply_seconds_bucket", le="60.0", **chat) == 1
    assert found.sum("sla_next_reply_ticket_events_total", kind="breached", **chat) == 1
    assert found.sum("sla_next_reply_target_seconds", threshold="limit", **chat) == 60
    assert found.sum("sla_window_next_reply_service_level_ratio", window="5m", **chat) == 0.5
    assert found.sum("sla_window_next_reply_seconds_count", window="5m", **chat) == 1
    email = {"channel": "email", "team": "other"}
    assert found.sum("sla_resolutions_total", outcome="met", **email) == 1
    assert found.sum("sla_resolution_tickets_waiting", **email) == 0
    assert found.sum("sla_resolution_tickets_waiting", channel="chat", team="other") == 1
    assert found.sum("sla_first_responses_total", outcome="met", **chat) == 1


TALKS = Policy(
    CHANNELS,
    clocks={
        "next_reply": Policy({"chat": Target(30 * SECOND, 60 * SECOND)}),
        "resolution": Policy({"chat": Target(90 * SECOND, 300 * SECOND, pauses=True)}),
    },
)


def test_what_is_next_to_miss_another_limit_is_in_the_snapshot_with_its_clock():
    one = ClockedEngine(TALKS)
    for event in (
        TicketCreated("a", "chat", at(0)),
        TicketCreated("b", "chat", at(5)),
        AgentReplied("a", at(10)),
        AgentReplied("b", at(15)),
        CustomerReplied("a", at(20)),
    ):
        one.step(event, event.at)
    one.advance(at(101))
    view = snapshot(overview(TALKS, [part(0, one)], health()))
    chat, *others = view["channels"]
    assert chat["channel"] == "chat"
    assert [each["clocks"] for each in others] == [[] for _ in others]
    reply, resolution = chat["clocks"]
    assert (reply["clock"], reply["waiting"], reply["overdue"]) == ("next_reply", 1, 1)
    assert reply["target"] == {"at_risk_seconds": 30, "limit_seconds": 60, "ratio": 0.9}
    (run,) = reply["tickets"]
    assert (run["ticket_id"], run["due_at"]) == ("a", at(80) / SECOND)
    # The one of b stands until its customer has written: it is due at no known time.
    assert (resolution["clock"], resolution["waiting"]) == ("resolution", 2)
    (run,) = resolution["tickets"]
    assert (run["ticket_id"], run["at_risk_at"]) == ("a", at(100) / SECOND)
    assert (run["due_at"], resolution["next_deadline"]) == (at(310) / SECOND, at(310) / SECOND)


def test_a_policy_with_the_first_response_only_has_no_other_clock_to_show():
    view = snapshot(overview(PLAIN, [part(0, Engine(PLAIN))], health()))
    assert [each["clocks"] for each in view["channels"]] == [[]] * len(view["channels"])


def test_each_metric_of_each_clock_is_there_once_and_says_whose_it_is(clocked):
    text = exposition(shown(CLOCKED, [clocked]))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(set(names)) == len(names)
    first = {family.name for family in shown(PLAIN, [Engine(PLAIN)])}
    of_the_monitor = {"sla_records", "sla_detection_delay_seconds", "sla_lag_records"}
    of_the_monitor |= {name for name in first if name.endswith("_info") or "commit" in name}
    of_the_monitor |= {"sla_caught_up", "sla_partitions_unserved"}
    # Only the first response is forecast.
    of_the_monitor |= {name for name in first if "forecast" in name or "warning" in name}
    of_the_monitor |= {"sla_tickets_likely_late"}
    view = overview(PLAIN, [], health())
    of_the_team = {family.name for family in MeasuresMetrics(PLAIN).of(view)}
    for clock in CLOCKED.clocks:
        assert {clock_name(name, clock) for name in first - of_the_monitor - of_the_team} <= set(
            families
        )
    assert families["sla_resolution_seconds"].documentation.startswith("Time to the close.")
    assert families["sla_resolution_goal_ratio"].samples
