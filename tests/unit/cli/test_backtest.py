"""`backtest` on the real histories, and on files that are not what they should be."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from monitor.cli import backtest
from monitor.sla.policy import DEFAULT_POLICY
from tests.support.clock import iso
from tests.support.histories import DATA, FILES, history

T0 = 1_700_000_000


def run(*args, stdin=None):
    return CliRunner().invoke(backtest.command, list(map(str, args)), input=stdin)


@pytest.mark.parametrize("name", FILES)
def test_a_real_history_ends_in_the_figures_of_its_independent_tally(name):
    result = run(history(name), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    expected = json.loads((DATA / f"{name}.tally.json").read_text())
    assert found.keys() == expected.keys()
    assert found["channels"].keys() == expected["channels"].keys()
    for channel, figures in expected["channels"].items():
        assert found["channels"][channel].keys() == figures.keys()
        for key, value in figures.items():
            within = 0.01 * value if "_p50_" in key or "_p90_" in key else 0
            assert abs(found["channels"][channel][key] - value) <= within, key


def test_the_service_level_by_every_formula_stands_under_a_key_of_its_own():
    found = json.loads(run(history("phone-bank-1999-02"), "--json", "--measures").stdout)
    assert found["service_levels"] == {
        "phone": {
            "abandon_ignored": 0.966371,
            "answered_only": 0.973001,
            "abandon_negative": 0.799007,
            "abandon_positive": 0.972195,
            "short_excluded": 0.811767,
        }
    }
    text = run(history("phone-bank-1999-02")).stdout
    rows = [line.split() for line in text.splitlines()]
    assert ["abandon_ignored", "(the", "policy's)", "96.6%"] in rows
    assert ["abandon_negative", "79.9%"] in rows


def written(tmp_path, *lines):
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_the_measures_of_a_history_stand_under_a_key_of_their_own(tmp_path):
    """Tickets, surveys and customers in one file, in any order, some of them twice."""
    tickets = [
        {"type": "ticket-created", "ticket_id": name, "channel": channel, "customer_id": customer}
        | {"created_at": iso(T0)}
        for name, channel, customer in (("a", "chat", 1), ("b", "chat", 2), ("c", "email", 1))
    ]
    replied = {"type": "agent-replied", "ticket_id": "a", "replied_at": iso(T0 + 60)}
    closed = {"type": "ticket-closed", "ticket_id": "a", "closed_at": iso(T0 + 7200)}
    survey = {"type": "survey-answered", "survey_id": "s", "ticket_id": "c", "kind": "csat"}
    survey |= {"score": 5, "answered_at": iso(T0)}
    customers = [
        {"type": "customer-changed", "customer_id": n, "change": "joined", "at": iso(T0 - 86_400)}
        for n in range(5)
    ]
    left = {"type": "customer-changed", "customer_id": 3, "change": "left", "at": iso(T0 + 60)}
    file = written(
        tmp_path, left, *customers, survey, *tickets, survey, replied, closed, left, *tickets
    )
    found = json.loads(run(file, "--json", "--measures").stdout)["measures"]
    chat, email = found["channels"]["chat"], found["channels"]["email"]
    assert (chat["tickets_ratio"], email["tickets_ratio"]) == (0.666667, 0.333333)
    assert (chat["customers"], email["customers"]) == (2, 1)
    assert (chat["customers_ratio"], email["customers_ratio"]) == (1.0, 0.5)
    assert chat["first_response_mean_seconds"] == 60
    assert chat["resolution_mean_seconds"] == 7200
    assert chat["unresolved_longer_than_1h"] == 2
    assert chat["unresolved_longer_than_8h"] == 1
    assert (email["csat_answers"], email["csat_ratio"], chat["csat_ratio"]) == (1, 1.0, None)
    assert found["all"] == {
        "customers": 2,
        "omnichannel_customers": 1,
        "customers_at_start": 5,
        "customers_joined": 0,
        "customers_left": 1,
        "customer_retention_ratio": 0.8,
        "customer_churn_ratio": 0.2,
    }


def test_without_any_close_a_ticket_is_resolved_at_its_first_response(tmp_path):
    lines = [line for line in events(3) if line["type"] != "ticket-closed"]
    found = json.loads(run(written(tmp_path, *lines), "--json", "--measures").stdout)
    assert found["measures"]["channels"]["chat"]["unresolved_longer_than_1h"] == 0


def events(tickets):
    """Yield the lines of a history in which everybody is answered and closed soon."""
    for number in range(tickets):
        at, ticket_id = T0 + number * 30, f"T-{number}"
        yield {
            "type": "ticket-created",
            "ticket_id": ticket_id,
            "channel": "chat",
            "created_at": iso(at),
        }
        yield {"type": "agent-replied", "ticket_id": ticket_id, "replied_at": iso(at + 10)}
        yield {"type": "ticket-closed", "ticket_id": ticket_id, "closed_at": iso(at + 20)}


def test_memory_does_not_grow_with_the_tickets_that_are_over(tmp_path, monkeypatch):
    monkeypatch.setattr(backtest, "_REMEMBERED", 4000)
    file = tmp_path / "long.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events(12_000)))
    one = backtest.Backtest(DEFAULT_POLICY)
    assert list(one.run(str(file))) == []
    # Three days' worth of what is remembered for one, and what was there when it was looked at.
    assert one.remembered < 8000
    assert one.tally.figures()["chat"]["answered"] == 12_000


def test_the_rate_is_printed_beside_the_figures(tmp_path):
    file = tmp_path / "few.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in events(3)))
    result = run(file, "--json")
    assert "9 events in" in result.stderr
    assert "events/s" in result.stderr


def test_what_cannot_be_used_is_told_by_line_and_the_rest_is_counted(tmp_path):
    lines = [*events(2), {"type": "ticket-created", "ticket_id": "X", "channel": "fax"}]
    file = tmp_path / "some.jsonl"
    file.write_text("".join(json.dumps(event) + "\n" for event in lines))
    result = run(file, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["channels"]["chat"]["answered"] == 2
    assert "1 of them could not be used" in result.stderr
    assert "line 7:" in result.stderr


def test_events_are_cloud_events_in_order_of_their_time():
    result = run(history("email-rhelp-2007-06"), "--events")
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(told) == 948
    assert all(event["specversion"] == "1.0" for event in told)
    times = [event["time"] for event in told]
    assert times == sorted(times)


def test_neither_help_nor_backtest_loads_faust_or_kafka():
    code = (
        "import sys, monitor.cli, monitor.cli.backtest\n"
        "slow = {'faust', 'aiokafka', 'aiohttp', 'rich', 'prometheus_client', 'yaml'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.strip() == "[]"
