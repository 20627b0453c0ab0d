"""The runbook: a page an alert, with what it means, how to check and what to do."""

import re

import pytest

from monitor.observability.rules import Links, rule_groups
from monitor.observability.rules.model import Alert, Audience
from monitor.sla.policy_file import parse_policy
from tests.support.guides import DOCS, rows, text

RUNBOOK = DOCS / "runbook"
POLICY = parse_policy(
    "channels: {chat: {limit: 2m, next_reply: {limit: 3m}, resolution: {limit: 4h}}}"
)
ALERTS = [
    rule
    for group in rule_groups(POLICY, Links())
    for rule in group.rules
    if isinstance(rule, Alert)
]
NAMES = sorted({alert.name for alert in ALERTS})
WHO = {Audience.SUPPORT: "support", Audience.MONITOR: "the monitor's own team"}


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_page_that_says_what_it_means_how_to_check_and_what_to_do(name):
    page = text(RUNBOOK / f"{name}.md")
    assert page.startswith(f"# {name}\n")
    for part in (r"\*\*Means:\*\*", r"\*\*Check", r"\*\*(Do:|Check and do:)\*\*"):
        assert re.search(part, page), part


def test_the_index_of_the_runbook_says_whom_each_alert_is_for_and_how_loud_it_is():
    told = {}
    for name, who, loud in rows(RUNBOOK / "README.md", 3)[1:]:
        title, target = re.fullmatch(r"\[(\w+)\]\((\w+)\.md\)", name).groups()
        assert title == target
        told[title] = (who, set(re.findall(r"critical|warning|none", loud)))
    assert told == {
        name: (
            "a dead man's switch" if name == "Watchdog" else audience_of(name),
            {alert.severity.value for alert in ALERTS if alert.name == name},
        )
        for name in NAMES
    }


def audience_of(name):
    (audience,) = {alert.audience for alert in ALERTS if alert.name == name}
    return WHO[audience]
