"""What differs between two policies, said line by line."""

from monitor.sla.policy_changes import policy_changes
from monitor.sla.policy_file import dump_policy, parse_policy

OLD = """
channels:
  chat: {at_risk: 90s, limit: 2m}
  fax: {at_risk: 1h, limit: 2h}
rules:
  - {when: {priority: high}, limit: 1m}
"""

NEW = """
calendars:
  office: {zone: Europe/Bucharest, hours: {mon-fri: "08:00-18:00"}}
channels:
  chat: {at_risk: 1m, limit: 2m}
  social: {limit: 1h, hours: office}
formula: answered_only
"""


def changes(old, new):
    return policy_changes(dump_policy(parse_policy(old)), dump_policy(parse_policy(new)))


def test_a_policy_does_not_differ_from_itself():
    assert changes(NEW, NEW) == []


def test_every_line_that_is_new_gone_or_another_is_named():
    found = changes(OLD, NEW)
    assert [change.partition(":")[0] for change in found] == [
        *("chat", "fax", "removed rule {when"),
        *("formula", "calendars office", "social"),
    ]
    assert found[0] == (
        "chat: {at_risk: 1m30s, limit: 2m, share: 90%} -> {at_risk: 1m, limit: 2m, share: 90%}"
    )
    assert found[1].startswith("fax: removed, was {")
    assert found[3] == "formula: abandon_ignored -> answered_only"
    assert found[5].startswith("social: new, {")
