"""Tail: the line for people, what is let through, and in which order."""

import json
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import pytest
from click.testing import CliRunner

from monitor.cli import tail, tail_lines
from monitor.cli.tail import Filter
from monitor.cli.tail_lines import Breach, PolicyEvent, escaped, printable
from monitor.cli.tail_reader import Merge

NOW = datetime(2026, 1, 31, 18, 0, tzinfo=UTC)


class Record(NamedTuple):
    timestamp: int
    name: str = ""


def breach(kind: str = "breached", **fields) -> Breach:
    data = {
        "ticket_id": "T-1",
        "channel": "chat",
        "waited_seconds": 120.0,
        "threshold_seconds": 120.0,
    }
    event = {
        "type": f"sla.first_response.{kind}",
        "time": "2026-01-31T12:00:00Z",
        "data": data | fields,
    }
    return msgspec.json.decode(json.dumps(event), type=Breach)


def shown(event: Breach) -> str:
    return " ".join(tail_lines.line(event, NOW).plain.split())


def test_a_line_tells_when_where_what_who_and_how_long():
    event = breach(team="billing", priority="high", waited_seconds=187.25)
    assert shown(event) == "12:00:00 chat ✖ breached T-1 3 min 7 s / 2 min billing high"


def test_another_clock_is_named_beside_its_event():
    event = breach(number=2)
    event.type = "sla.next_reply.breached"
    assert event.kind == "breached"
    assert shown(event).endswith("T-1 2 min / 2 min next reply 2")
    event.type, event.data.number = "sla.resolution.closed", 0
    assert shown(event).endswith("T-1 2 min / 2 min resolution")


def test_another_day_is_written_out():
    event = breach()
    event.time = datetime(1999, 2, 1, 6, 55, 43, tzinfo=UTC)
    assert shown(event).startswith("1999-02-01 06:55:43 ")


def test_a_retraction_says_what_it_takes_back():
    assert shown(breach("retracted", kinds=["at_risk", "breached"])).endswith(
        "↶ retracted T-1 2 min / 2 min (takes back: at risk, breached)"
    )


def test_short_times_have_tenths():
    assert "1.5 s / 1.5 s" in shown(breach(waited_seconds=1.5, threshold_seconds=1.5))


def test_a_kind_of_a_later_version_is_shown_by_its_name():
    assert "· reopened" in shown(breach("reopened"))


@pytest.mark.parametrize("field", ["ticket_id", "channel", "team", "priority"])
def test_nothing_in_an_event_steers_the_terminal_or_breaks_the_line(field):
    line = tail_lines.line(breach(**{field: "a\x1b]0;b\x07\x9b31m\u202ec\n\rd\u2028e"}), NOW)
    assert "a]0;b31mcde" in line.plain
    assert line.plain.isprintable()


@pytest.mark.parametrize("field", ["ticket_id", "channel", "team", "priority"])
def test_what_is_endless_is_cut_for_people(field):
    assert len(tail_lines.line(breach(**{field: "x" * 10_000}), NOW).plain) < 250


def test_rich_markup_in_an_event_is_plain_text():
    assert "[bold]x[/bold]" in shown(breach(ticket_id="[bold]x[/bold]"))


def test_letters_of_all_languages_are_printable():
    assert printable("Ünïcödé 你好 🎫") == "Ünïcödé 你好 🎫"


def test_json_on_a_terminal_means_the_same_with_controls_escaped():
    value = json.dumps({"x": "\x9b31m\x7f\u202e你\U000e0001"}, ensure_ascii=False).encode()
    written = escaped(value)
    assert json.loads(written) == json.loads(value)
    assert written.decode().isprintable()


def test_without_filters_everything_is_let_through():
    assert Filter(frozenset(), frozenset()).takes(breach())


def test_filters_of_channel_and_kind_must_both_agree():
    wanted = Filter(frozenset({"chat"}), frozenset({"breached", "at_risk"}))
    assert wanted.takes(breach())
    assert wanted.takes(breach(channel="Chat"))
    assert not wanted.takes(breach("answered"))
    assert not wanted.takes(breach(channel="phone"))


def test_history_comes_in_order_of_time_over_all_partitions():
    merge = Merge([0, 1])
    merge.add(0, [Record(1), Record(4)])
    merge.add(1, [Record(2), Record(3)])
    merge.behind.clear()
    assert [record.timestamp for record in merge.take()] == [1, 2, 3, 4]


def test_a_record_waits_for_partitions_that_may_still_have_an_earlier_one():
    merge = Merge([0, 1])
    merge.add(0, [Record(1), Record(4)])
    assert list(merge.take()) == []
    assert merge.queued(0) == 2
    merge.add(1, [Record(2)])
    assert [record.timestamp for record in merge.take()] == [1, 2]
    merge.behind.discard(1)
    assert [record.timestamp for record in merge.take()] == [4]


def test_a_partition_keeps_its_own_order_whatever_the_timestamps_say():
    merge = Merge([])
    merge.add(0, [Record(5, "first"), Record(3, "second")])
    assert [record.name for record in merge.take()] == ["first", "second"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "1x"], "unknown unit"),
        (["--since", "1"], "has no unit"),
        (["--kind", "late"], "is not one of"),
        (["--broker", "localhost"], "is not HOST:PORT"),
        (["--summary", "--since", "1h"], "leave out --since"),
        (["--summary", "--kind", "breached"], "leave out --since"),
    ],
)
def test_options_that_cannot_work_are_wrong_usage(arguments, said):
    result = CliRunner().invoke(tail.command, ["--broker", "localhost:1", *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_a_change_of_the_policy_is_a_line_that_says_what_changed():
    event = tail_lines.read_event(
        json.dumps(
            {
                "type": "sla.policy.changed",
                "time": "2026-01-31T12:00:00Z",
                "data": {"number": 1, "changes": ["chat: {limit: 2m} -> {limit: 5m}", "fax: new"]},
            }
        ).encode()
    )
    assert isinstance(event, PolicyEvent)
    assert shown(event) == ("12:00:00 ◆ policy changed chat: {limit: 2m} -> {limit: 5m}; fax: new")


@pytest.mark.parametrize(
    ("channels", "kinds", "is_taken"),
    [((), (), True), (("chat",), (), True), ((), ("breached",), False)],
)
def test_a_change_of_the_policy_is_of_every_channel_and_of_no_kind(channels, kinds, is_taken):
    event = PolicyEvent("sla.policy.changed", NOW, tail_lines._Changes())
    assert Filter(frozenset(channels), frozenset(kinds)).takes(event) is is_taken
