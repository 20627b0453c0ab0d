"""`policy diff`: what differs is what two backtests differ in, to the ticket."""

import json
import subprocess
import sys
from collections import Counter

import pytest
from click.testing import CliRunner

from monitor.cli import backtest
from monitor.cli.policy import command
from monitor.cli.policy_diff import compare
from monitor.sla.fates import COUNTED
from monitor.sla.policy_file import parse_policy
from tests.support.clock import iso
from tests.support.histories import LARGEST_IS_SLOW, history, shuffled

T0 = 1_769_860_800

OLD = """
channels:
  phone: {at_risk: 2m, limit: 4m}
  chat: {at_risk: 90s, limit: 2m}
  social: {at_risk: 48m, limit: 1h}
  email: {at_risk: 80%, limit: 24h}
"""
NEW = """
calendars:
  office: {zone: Europe/Bucharest, hours: {mon-fri: "08:00-18:00"}}
channels:
  phone: {at_risk: 1m, limit: 5m}
  chat: {at_risk: 60s, limit: 2m}
  social: {at_risk: 20m, limit: 90m}
  email: {limit: 8h, hours: office}
"""


@pytest.fixture
def policies(tmp_path):
    for name, text in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path / "old.yaml", tmp_path / "new.yaml"


def diff(*args, stdin=None):
    return CliRunner().invoke(command, ["diff", *map(str, args)], input=stdin)


def told(name, policy):
    """Return what stands of each ticket after a backtest: kinds with their times."""
    found = CliRunner().invoke(backtest.command, [str(name), "--policy", str(policy), "--events"])
    standing = {}
    for line in found.stdout.splitlines():
        event = json.loads(line)
        mine = standing.setdefault(event["subject"], {})
        if "kinds" in event["data"]:
            for kind in event["data"]["kinds"]:
                del mine[kind]
        else:
            mine[event["type"].rpartition(".")[2]] = event["time"]
    return {ticket_id: mine for ticket_id, mine in standing.items() if mine}


def check(file, policies):
    """Hold the tickets that are listed, and their sums, against two backtests of the file."""
    found = json.loads(diff(*policies, "--events", file, "--json").stdout)
    old, new = (told(file, policy) for policy in policies)
    listed = {ticket["ticket_id"]: ticket for ticket in found["tickets"]}
    assert len(listed) == len(found["tickets"])
    for ticket_id in old.keys() | new.keys() | listed.keys():
        both = old.get(ticket_id, {}), new.get(ticket_id, {})
        if ticket_id not in listed:
            assert both[0] == both[1]
            continue
        ticket = listed[ticket_id]
        for mine, side in zip(both, ("old", "new"), strict=True):
            assert {each["kind"]: each["time"] for each in ticket[side]["told"]} == mine
            assert (ticket[side]["verdict"] == "missed") is ("breached" in mine)
        for kind in ("at_risk", "breached"):
            assert (f"newly_{kind}" in ticket["differs"]) is (kind in both[1].keys() - both[0])
            assert (f"no_longer_{kind}" in ticket["differs"]) is (kind in both[0].keys() - both[1])
    for sums in (found["channels"], by_channel(found["hours"])):
        for channel, counts in sums.items():
            mine = [each for each in found["tickets"] if each["channel"] == channel]
            expected = Counter(name for each in mine for name in each["differs"])
            assert {name: counts[name] for name in COUNTED} == {n: expected[n] for n in COUNTED}
            assert counts["changed"] == len(mine)
    return found


def by_channel(hours):
    sums = {}
    for hour in hours:
        mine = sums.setdefault(hour["channel"], Counter())
        mine.update({name: hour[name] for name in (*COUNTED, "changed")})
    return sums


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
def test_on_a_real_history_it_lists_what_two_backtests_differ_in(name, policies):
    found = check(history(name), policies)
    assert found["tickets"]
    old, new = (
        json.loads(
            CliRunner()
            .invoke(backtest.command, [str(history(name)), "--policy", str(path), "--json"])
            .stdout
        )["channels"]
        for path in policies
    )
    for channel, counts in found["channels"].items():
        more = counts["newly_breached"] - counts["no_longer_breached"]
        assert more == new[channel]["breached"] - old[channel]["breached"]
        levels = [figures[channel]["service_level_ratio"] for figures in (old, new)]
        assert levels == [counts["old_service_level_ratio"], counts["new_service_level_ratio"]]


@pytest.mark.parametrize(
    "name",
    ["social-twitter-2018", pytest.param("chat-ubuntu", marks=pytest.mark.slow)],
)
def test_late_events_that_take_things_back_are_compared_by_what_stands(name, tmp_path, policies):
    file = shuffled(history(name), tmp_path, 300, 7)
    found = CliRunner().invoke(
        backtest.command, [str(file), "--policy", str(policies[0]), "--events"]
    )
    assert 'first_response.retracted"' in found.stdout
    check(file, policies)


def written(tmp_path, *lines):
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def created(ticket_id, seconds=0, channel="chat"):
    at = iso(T0 + seconds)
    return {"type": "ticket-created", "ticket_id": ticket_id, "channel": channel, "created_at": at}


def replied(ticket_id, seconds):
    at = iso(T0 + seconds)
    return {"type": "agent-replied", "ticket_id": ticket_id, "replied_at": at}


def test_a_policy_differs_in_nothing_from_itself(tmp_path, policies):
    file = written(tmp_path, created("a"), replied("a", 100))
    result = diff(policies[0], policies[0], "--events", file)
    assert result.exit_code == 0
    assert "the policies say the same" in result.stdout
    assert "no ticket fares differently" in result.stdout


def test_people_see_what_changed_in_the_files_the_sums_and_the_tickets(tmp_path, policies):
    file = written(tmp_path, created("a"), created("b", 30, "phone"), replied("a", 80))
    lines = diff(*policies, "--events", file).stdout.splitlines()
    assert lines[0].startswith("phone: {at_risk: 2m, limit: 4m, share: 90%} -> {at_risk: 1m")
    rows = [line.split() for line in lines]
    assert ["chat", "1", "1", "1", "-", "-", "-", "1", "100.0%", "->", "100.0%"] in rows
    assert ["2026-01-31", "12:00", "chat", "1", "1", "-", "-", "-", "1"] in rows
    (ticket,) = [line for line in lines if line.startswith("a ")]
    assert "2026-01-31 12:02:00  nothing told" in ticket
    assert ticket.endswith("at risk, answered")


def test_the_list_for_people_is_cut_and_says_so(tmp_path, policies):
    file = written(tmp_path, *[created(f"t{n:03}", 3600 * n) for n in range(60)])
    result = diff(*policies, "--events", file).stdout
    assert "... and 40 more tickets; --json has all" in result
    assert "... and 40 more hours" in result
    assert len(json.loads(diff(*policies, "--events", file, "--json").stdout)["tickets"]) == 60


def test_hours_are_those_of_the_zone(tmp_path, policies):
    file = written(tmp_path, created("a"))
    args = [*policies, "--events", file, "--json", "--timezone", "Asia/Kolkata"]
    (hour,) = json.loads(diff(*args).stdout)["hours"]
    assert hour["hour"] == "2026-01-31T17:00+05:30"
    assert diff(*policies, "--events", file, "--timezone", "Mars").exit_code == 2


def test_a_channel_of_one_policy_only_counts_on_its_side_only(tmp_path, policies):
    new = tmp_path / "fewer.yaml"
    new.write_text("channels:\n  phone: {limit: 4m}\n")
    file = written(tmp_path, created("a"), created("b", 1, "phone"))
    result = diff(policies[0], new, "--events", file, "--json")
    (ticket,) = [t for t in json.loads(result.stdout)["tickets"] if t["channel"] == "chat"]
    assert (ticket["differs"], ticket["new"]) == (["only_old"], None)
    assert "1 events cannot be used under NEW: line 1" in result.stderr


def test_other_clocks_are_compared_too(tmp_path, policies):
    paths = []
    for limit in ("1h", "2h"):
        paths.append(tmp_path / f"{limit}.yaml")
        paths[-1].write_text(f"channels:\n  chat: {{limit: 2m, resolution: {{limit: {limit}}}}}\n")
    closed = {"type": "ticket-closed", "ticket_id": "a", "closed_at": iso(T0 + 5400)}
    file = written(tmp_path, created("a"), replied("a", 5), closed)
    (ticket,) = json.loads(diff(*paths, "--events", file, "--json").stdout)["tickets"]
    assert ticket["clock"] == "resolution"
    lost = ["no_longer_at_risk", "no_longer_breached"]
    assert ticket["differs"] == [*lost, "verdict", "deadline"]
    assert (ticket["old"]["verdict"], ticket["new"]["verdict"]) == ("missed", "met")


def test_standard_input_is_read_once_for_both(policies):
    lines = "".join(json.dumps(line) + "\n" for line in (created("a"), replied("a", 80)))
    args = [sys.executable, "-m", "monitor", "policy", "diff", *policies, "--events", "-", "--json"]
    result = subprocess.run(args, input=lines, capture_output=True, check=True, text=True)
    assert [ticket["ticket_id"] for ticket in json.loads(result.stdout)["tickets"]] == ["a"]


def test_a_broken_policy_or_file_is_said_with_exit_code_4(tmp_path, policies):
    broken = tmp_path / "broken.yaml"
    broken.write_text("channels:\n  chat: {limit: soon}\n")
    file = written(tmp_path, created("a"))
    for args in ([broken, policies[1], "--events", file], [*policies, "--events", "none.jsonl"]):
        result = diff(*args)
        assert result.exception is not None
        assert getattr(result.exception, "exit_code", None) == 4


def test_what_is_over_for_long_is_compared_and_forgotten(tmp_path, monkeypatch):
    """With room for one ticket only the same differs as with room for all."""
    lines = []
    for n in range(50):
        lines += [created(f"t{n}", 86_400 * n), replied(f"t{n}", 86_400 * n + 80 + n % 3 * 30)]
        lines.append(
            {"type": "ticket-closed", "ticket_id": f"t{n}", "closed_at": iso(T0 + 86_400 * n + 200)}
        )
    file = written(tmp_path, *lines)
    old, new = parse_policy(OLD), parse_policy(NEW)
    whole = compare(str(file), old, new)
    forgotten = []
    monkeypatch.setattr(backtest, "_REMEMBERED", 1)
    forget = backtest.Backtest._forget
    monkeypatch.setattr(
        backtest.Backtest, "_forget", lambda one: (forget(one), forgotten.append(one.remembered))
    )
    bounded = compare(str(file), old, new)
    assert sorted(bounded.differences) == sorted(whole.differences)
    assert bounded.tickets == whole.tickets == {"chat": 50}
    assert max(forgotten) < 10
