"""`policy explain`: which line won, why, and until when."""

import json

import pytest
from click.testing import CliRunner

from monitor.cli.policy import command

POLICY = """\
calendars:
  office: {zone: Europe/Bucharest, hours: {mon-fri: 08:00-18:00}, holidays: [2026-12-01]}
channels:
  chat:  {at_risk: 90s, limit: 2m}
  email: {targets: [50% within 2h, 100% within 24h], hours: office}
rules:
  - {when: {channel: chat, priority: high}, limit: 1m}
  - {when: {priority: high}, limit: 90s}
  - {when: {tier: gold, channel: chat}, limit: 45s}
  - {when: {team: night}, hours: always}
teams: [billing]
"""
MONDAY_EVENING = "2026-11-30T19:00:00+02:00"


@pytest.fixture
def explain(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)

    def run(*arguments):
        return CliRunner().invoke(command, ["explain", "--policy", str(path), *arguments])

    return run


def test_the_rule_that_won_is_named_with_its_line_and_the_reason(explain):
    result = explain("--channel", "chat", "--priority", "high", "--at", "2026-01-31T12:00:00Z")
    assert result.exit_code == 0, result.output
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "promise   90 % within 1 min" in lines
    assert (
        "by the rule on line 7: it asks for channel and priority, most of those that fit" in lines
    )
    assert "outdone   the rule on line 8" in lines
    assert "at risk   after 2026-01-31T12:00:45Z" in lines
    assert "breached  after 2026-01-31T12:01:00Z" in lines
    assert "figures   under team other (every team that the policy does not list)" in lines


def test_a_tie_is_named_with_the_line_that_lost_it(explain):
    result = explain("--channel", "chat", "--priority", "high", "--tier", "gold")
    assert "it asks for channel and priority, most of those that fit; line 9 asks as m" in (
        result.stdout
    )


def test_where_no_rule_fits_the_channel_s_own_line_is_named(explain):
    result = explain("--channel", "email")
    assert "by the channel's own line, line 5: no rule for such tickets says its limit" in (
        result.stdout
    )
    assert "50 % within 2 h, 100 % within 24 h; the last decides" in result.stdout


def test_a_deadline_of_business_hours_is_told_on_the_team_s_own_clock(explain):
    result = explain("--channel", "email", "--at", MONDAY_EVENING)
    assert "closed    opens in 37 h, 2026-12-02T06:00:00Z (Wed 2026-12-02 08:00:00 Europe/Bu" in (
        result.stdout
    )
    assert "breached  after 2026-12-04T10:00:00Z (Fri 2026-12-04 12:00:00 Europe/Bucharest)" in (
        result.stdout
    )
    assert "hours     office {zone: Europe/Bucharest, hours: {mon-fri" in result.stdout


def test_a_rule_for_the_hours_alone_leaves_the_limit_to_the_channel(explain):
    found = json.loads(explain("--channel", "email", "--team", "night", "--json").stdout)
    assert (found["limit_line"], found["hours_line"], found["hours"]) == (5, 10, "always")
    assert found["open"]


def test_as_json_it_is_what_a_program_asks_for(explain):
    result = explain("--channel", "email", "--team", "billing", "--at", MONDAY_EVENING, "--json")
    assert json.loads(result.stdout) == {
        "ticket": {"channel": "email", "team": "billing"},
        "limit_seconds": 86_400.0,
        "at_risk_seconds": 69_120.0,
        "share": 1.0,
        "targets": [
            {"within_seconds": 7200.0, "share": 0.5},
            {"within_seconds": 86_400.0, "share": 1.0},
        ],
        "limit_line": 5,
        "hours": "office",
        "hours_line": 5,
        "fitting_lines": [],
        "figures": {"channel": "email", "team": "billing"},
        "created_at": "2026-11-30T17:00:00Z",
        "at_risk_at": "2026-12-03T15:12:00Z",
        "due_at": "2026-12-04T10:00:00Z",
        "clocks": {},
        "open": False,
        "opens_at": "2026-12-02T06:00:00Z",
    }


def test_the_built_in_policy_is_explained_too():
    result = CliRunner().invoke(command, ["explain", "--channel", "phone"])
    assert "by the built-in policy" in result.stdout
    assert "promise   90 % within 4 min" in result.stdout


def test_a_channel_that_the_policy_has_not_is_a_wrong_call(explain):
    result = explain("--channel", "fax")
    assert result.exception is not None
    assert "the policy has chat, email" in str(result.exception)


def test_a_time_that_is_none_is_refused(explain):
    result = explain("--channel", "chat", "--at", "yesterday")
    assert result.exit_code == 2
    assert "write it as 2026-01-31T12:00:00Z" in result.output


def test_check_and_show_know_all_of_it(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    shown = CliRunner().invoke(command, ["check", str(path)]).stdout
    for piece in (
        "email    19 h 12 min    24 h   100 %  office",
        "                        2 h    50 %",
        "{when: {channel: chat, priority: high}, limit: 1m}",
        "office: {zone: Europe/Bucharest",
    ):
        assert piece in shown
    data = json.loads(CliRunner().invoke(command, ["check", str(path), "--json"]).stdout)
    assert data["channels"]["email"]["hours"] == "office"
    assert data["channels"]["email"]["targets"][0] == {"within_seconds": 7200.0, "share": 0.5}
    assert data["rules"][0] == {
        "when": {"channel": ["chat"], "priority": ["high"]},
        "limit_seconds": 60.0,
    }
    assert data["calendars"]["office"]["hours"]["mon"] == [[28_800.0, 64_800.0]]
    dumped = CliRunner().invoke(command, ["show", "--policy", str(path)]).stdout
    again = tmp_path / "again.yaml"
    again.write_text(dumped)
    assert json.loads(CliRunner().invoke(command, ["check", str(again), "--json"]).stdout) == data
