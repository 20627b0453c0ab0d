"""The summary as people see it."""

import io

import pytest
from rich.console import Console

from monitor.cli.tail_table import ranges, tables

NOW = 1_800_000_000.0


def window(**figures):
    return {"service_level_ratio": None, "p50_seconds": None, "p90_seconds": None} | figures


def channel(name="chat", team="", **figures):
    return {
        "channel": name,
        "team": team,
        "target": {"ratio": 0.9},
        "waiting": 0,
        "at_risk": 0,
        "overdue": 0,
        "oldest_waiting": None,
        "next_deadline": None,
        "windows": dict.fromkeys(("5m", "1h", "24h"), window()),
    } | figures


def part(number, host="here/1", age=0.5, *, served=True):
    return {"partition": number, "host": host, "age_seconds": age, "served": served}


def shown(*channels, parts=None, unserved=(), state="live"):
    console = Console(width=140, record=True, file=io.StringIO())
    value = {
        "now": NOW,
        "state": state,
        "partitions": 4,
        "partitions_caught_up": 3,
        "lag_records": 7,
        "channels": list(channels),
        "unserved": list(unserved),
        "parts": [part(0)] if parts is None else list(parts),
    }
    console.print(tables(value))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_a_channel_is_a_row_of_who_waits_how_well_it_goes_and_what_is_next():
    windows = {
        "5m": window(service_level_ratio=0.5),
        "1h": window(service_level_ratio=0.912, p50_seconds=31.6, p90_seconds=75.0),
        "24h": window(),
    }
    row = channel(
        waiting=12,
        at_risk=3,
        overdue=1,
        oldest_waiting=NOW - 130,
        next_deadline=NOW + 4.25,
        windows=windows,
    )
    assert "chat 12 3 1 50.0 % 91.2 % - 31 s 1 min 15 s 2 min 10 s in 4.2 s" in shown(row)


def test_teams_have_a_column_where_there_are_any():
    assert not any("team" in line for line in shown(channel()))
    lines = shown(channel(team="billing"), channel(team="other"))
    assert any(line.startswith("channel team waiting") for line in lines)
    assert any(line.startswith("chat billing 0 0 0") for line in lines)


def test_each_host_has_a_row_with_what_it_serves_and_the_age_of_its_figures():
    lines = shown(channel(), parts=[part(0), part(2, "there/2", 9.0), part(1), part(3, age=2.0)])
    assert "here/1 0-1, 3 0.5 s to 2.0 s ago" in lines
    assert "there/2 2 9.0 s ago" in lines
    assert lines[0] == "live 3 of 4 partitions have read all, 7 records to be read"


def test_what_nobody_serves_is_said_with_who_was_last_heard_of_it():
    gone = [part(1, "there/2", 31.0, served=False), part(0)]
    lines = shown(channel(), parts=gone, unserved=[1, 2, 3], state="behind")
    assert "nobody serves: 1-3" in lines
    assert "there/2 1 31 s ago: gone" in lines


def test_where_no_monitor_runs_it_says_so():
    assert "no monitor has told anything for a minute" in shown(parts=(), unserved=range(4))


def test_nothing_from_outside_steers_the_terminal():
    lines = shown(channel("ch\x1b[31mat\n[bold]"), parts=[part(0, "ho\x9bst")])
    assert any(line.startswith("ch[31mat[bold] 0") for line in lines)
    assert any(line.startswith("host 0 ") for line in lines)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([], ""), ([3], "3"), ([1, 0], "0-1"), ([0, 2, 3, 4, 7], "0, 2-4, 7")],
)
def test_numbers_in_a_row_are_written_as_a_range(numbers, text):
    assert ranges(numbers) == text
