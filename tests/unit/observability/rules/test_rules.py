"""The rules as values: what every alert carries, and that what is committed is current."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.cli.rules import rule_file
from monitor.observability.rules import Links, rule_groups
from monitor.observability.rules.model import Alert
from monitor.observability.rules.pace import Pace, pace
from monitor.observability.rules.words import channels
from monitor.sla.clocked import ClockedEngine
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy, Target
from monitor.sla.policy_file import parse_policy
from tests.unit.observability.test_metrics import shown
from tests.unit.sla.strategies import LISTS

ROOT = Path(__file__).parents[4]
COMMITTED = ROOT / "deploy" / "prometheus" / "sla-monitor.rules.yml"
NAMES = {
    "FirstResponseAtRisk",
    "FirstResponseBreached",
    "ServiceLevelBurnFast",
    "ServiceLevelBurnSlow",
    "BacklogGrowing",
    "MonitorDown",
    "MonitorStalled",
    "MonitorBehind",
    "PartitionUnserved",
    "DeadLetters",
    "Watchdog",
}
CLOCK_NAMES = {"NextReplyAtRisk", "NextReplyBreached", "ResolutionAtRisk", "ResolutionBreached"}
TALKS = parse_policy(
    """
channels:
  chat:  {limit: 2m, next_reply: {limit: 3m}}
  email:
    limit: 24h
    next_reply: {limit: 8h, at_risk: 4h}
    resolution: {targets: [50% within 1d, 90% within 3d], pause: waiting_for_customer}
"""
)
PERSISTED = (
    "sla_first_response_seconds",
    "sla_first_responses_total",
    "sla_ticket_events_total",
    "sla_retractions_total",
    "sla_records_total",
)
"""Counters that go on at another host when their partition moves."""

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing",))


def rules(policy=DEFAULT_POLICY, links=Links()):  # noqa: B008 - it is frozen
    return [rule for group in rule_groups(policy, links) for rule in group.rules]


def alerts(policy=DEFAULT_POLICY, links=Links()):  # noqa: B008
    return [rule for rule in rules(policy, links) if isinstance(rule, Alert)]


def support(policy):
    return [alert for alert in alerts(policy) if alert.labels]


def test_the_committed_rules_are_those_of_the_default_policy():
    made = rule_file(rule_groups(DEFAULT_POLICY, Links()))
    assert COMMITTED.read_text() == made, f"run: sla-monitor rules > {COMMITTED.relative_to(ROOT)}"


def test_all_alerts_of_the_contract_are_there_and_no_others():
    assert {alert.name for alert in alerts()} == NAMES


def test_of_other_clocks_there_are_alerts_only_where_the_policy_promises_them():
    assert {alert.name for alert in alerts(TALKS)} == NAMES | CLOCK_NAMES
    of = {
        name: [dict(alert.labels)["channel"] for alert in alerts(TALKS) if alert.name == name]
        for name in CLOCK_NAMES
    }
    reply, resolution = ["chat", "email"], ["email"]
    assert of == {
        "NextReplyAtRisk": reply,
        "NextReplyBreached": reply,
        "ResolutionAtRisk": resolution,
        "ResolutionBreached": resolution,
    }


def test_the_alerts_of_another_clock_go_by_its_own_metrics_pace_and_promise():
    found = {(alert.name, dict(alert.labels)["channel"]): alert for alert in support(TALKS)}
    chat, email = found["NextReplyAtRisk", "chat"], found["ResolutionBreached", "email"]
    assert 'sla_next_reply_tickets_at_risk{channel="chat"}' in chat.expr
    assert dict(chat.labels)["pace"] == "minutes"
    assert "Promised: the next reply within 3 min to 90 % of tickets." in chat.description
    assert 'sla_resolution_tickets_overdue{channel="email"}' in email.expr
    assert dict(email.labels)["pace"] == "days"
    assert (
        "Promised: a resolution within 24 h to 50 %, within 3 d to 90 % of tickets, not counting "
        "the time in which the customer has to answer." in email.description
    )


def test_all_that_is_told_of_one_clock_is_read_from_metrics_that_are_there():
    engine = ClockedEngine(TALKS)
    there = {sample.name for family in shown(TALKS, [engine]) for sample in family.samples} | {"up"}
    for alert in alerts(TALKS):
        if alert.name in CLOCK_NAMES:
            said = f"{alert.expr} {alert.summary} {alert.description}"
            assert set(re.findall(r"\b(?:sla_\w+|up)(?=\{)", said)) <= there


@pytest.mark.parametrize("name", ["FirstResponseAtRisk", "FirstResponseBreached"])
def test_every_channel_of_the_policy_has_its_alerts(name):
    named = [dict(alert.labels)["channel"] for alert in alerts() if alert.name == name]
    assert named == list(DEFAULT_POLICY.channels)


def test_every_alert_says_who_waits_what_to_do_and_where_to_look():
    for alert in alerts(links=Links("https://example.org/runbook/", "https://grafana.example.org")):
        data = alert.as_data()
        assert data["labels"]["severity"] in ("critical", "warning", "none")
        notes = data["annotations"]
        assert len(notes["summary"]) > 10
        assert notes["description"].rstrip().endswith(".")
        assert notes["runbook_url"] == f"https://example.org/runbook/{alert.name}.md"
        assert notes["dashboard_url"].startswith("https://grafana.example.org/d/sla-")


def test_every_alert_has_its_page_in_the_runbook_and_every_page_its_alert():
    pages = {path.stem for path in (ROOT / "docs" / "runbook").glob("*.md")} - {"README"}
    assert pages == NAMES | CLOCK_NAMES


@pytest.mark.parametrize("policy", [DEFAULT_POLICY, TEAMS], ids=["channels", "teams"])
@pytest.mark.parametrize("formula", Formula)
def test_no_counter_is_read_but_as_a_sum_of_increases(policy, formula):
    """So that a partition that moves from host to host is no reset, label or no label."""
    named = "|".join(PERSISTED)
    right = re.compile(
        rf"sum by \([a-z, ]+\) \((?:rate|increase)\((?:{named})\{{[^}}]*\}}\[\w+\]\)\)"
    )
    for rule in rules(Policy(policy.channels, formula, policy.teams)):
        assert not re.search(named, right.sub("", rule.expr)), rule.expr


def test_teams_have_alerts_of_their_own_where_the_policy_names_them():
    breached = [alert for alert in alerts(TEAMS) if alert.name == "FirstResponseBreached"]
    assert all("sum by (channel, team)" in alert.expr for alert in breached)
    assert all("{{ $labels.team }}" in alert.summary for alert in breached)


def test_a_channel_that_promises_every_answer_in_time_has_no_allowance_to_burn():
    policy = parse_policy("channels: {chat: {limit: 2m, share: 100%}}")
    assert not [alert for alert in alerts(policy) if alert.name.startswith("ServiceLevel")]


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("phone", Pace.MINUTES),
        ("chat", Pace.MINUTES),
        ("social", Pace.HOURS),
        ("email", Pace.DAYS),
    ],
)
def test_a_channels_pace_is_that_of_its_limit(channel, expected):
    assert pace(DEFAULT_POLICY.channels[channel]) is expected


def test_a_channel_with_spaces_and_other_letters_is_quoted_where_it_has_to_be():
    policy = Policy({"mail in/é": Target(1_000_000, 2_000_000)})
    alert = alerts(policy)[0]
    assert 'channel="mail in/é"' in alert.expr
    assert alert.dashboard_url.endswith("?var-channel=mail%20in%2F%C3%A9")


def test_a_list_of_targets_and_hours_are_told_as_they_were_promised():
    target = replace(LISTS.channels["email"], at_risk=60_000_000)
    (channel,) = channels(Policy({"email": target}, calendars=LISTS.calendars))
    assert channel.promise == (
        "Promised: a first reply within 2 h to 50 %, within 12 h to 80 %, within 24 h to 100 % "
        "of tickets, in shifts hours."
    )
