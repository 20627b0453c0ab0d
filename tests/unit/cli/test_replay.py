"""Replay: which event is sent when, with what times, and what is said of it."""

import json
import math
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import replay
from monitor.cli.event_file import EventFile, Line
from monitor.cli.replay_history import Survey, read_event, survey
from monitor.cli.replay_report import Report
from monitor.cli.replay_timeline import pace, payload
from monitor.cli.replay_topics import keeps_for, refuse_broker_times, retention_note
from monitor.errors import InputError, TopicError
from monitor.sla.events import SECOND
from monitor.streaming.topics import TopicConfig

START = 1_800_000_000 * SECOND
FIRST, LAST = 1_000_000_000 * SECOND, 1_000_000_600 * SECOND


def look_at(tmp_path: Path, *lines: str):
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines))
    return survey(EventFile(path), lambda _: None)


def created(at: str, ticket: str = '"a"') -> str:
    return f'{{"type":"ticket-created","ticket_id":{ticket},"channel":"x","created_at":"{at}"}}'


def found(first: int = FIRST, last: int = LAST):
    return Survey(Counter({"ticket-created": 2}), first, last)


def test_the_first_look_finds_the_first_and_the_last_time_in_any_order(tmp_path):
    seen = look_at(
        tmp_path,
        created("2026-01-01T00:00:05Z"),
        created("2026-01-01T00:00:01Z"),
        '{"type":"agent-replied","ticket_id":"a","replied_at":"2026-01-01T01:00:09+01:00"}',
    )
    assert (seen.last - seen.first) == 8 * SECOND
    assert seen.counts == {"ticket-created": 2, "agent-replied": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (created("2026-01-01T00:00:05"), 'expected "datetime" with a timezone component'),
        (created("yesterday"), "invalid RFC3339"),
        (created("0001-01-01T00:00:00Z"), "looks like an unset date"),
        (created("2026-01-01T00:00:05Z", '""'), "ticket_id is empty"),
        ('{"type":"ticket-closed","ticket_id":"a"}', 'missing required field "closed_at"'),
        ('{"type":"ticket-closed","closed_at":"2026-01-01T00:00:05Z"}', '"ticket_id"'),
    ],
)
def test_an_event_that_cannot_be_sent_is_told_with_its_line(tmp_path, line, said):
    with pytest.raises(InputError, match=r"events\.jsonl:2: ") as caught:
        look_at(tmp_path, created("2026-01-01T00:00:05Z"), line)
    assert said in str(caught.value)


def test_a_number_for_a_ticket_id_is_its_digits():
    line = Line(1, "ticket-created", created("2026-01-01T00:00:05Z", "42").encode())
    assert read_event(line).key == "42"


def test_what_is_sent_is_the_event_without_its_type_and_otherwise_as_it_was_written():
    rest = b'"n":1.50,"id":12345678901234567890123,"x":{"type":"y"},"u":"\\u00e9"}'
    assert payload(b'{"type":"agent-replied",' + rest, 0) == b"{" + rest


def test_every_time_of_an_event_is_moved_by_the_same_amount():
    raw = b'{"created_at":"2026-01-01T01:00:00+01:00","closed_at":"2026-01-01T00:01:00Z"}'
    assert json.loads(payload(raw, 90 * SECOND)) == {
        "created_at": "2026-01-01T00:01:30Z",
        "closed_at": "2026-01-01T00:02:30Z",
    }


def test_a_second_time_that_is_none_stays_as_it_is():
    raw = b'{"closed_at":"2026-01-01T00:00:00Z","created_at":null,"replied_at":"-"}'
    moved = json.loads(payload(raw, SECOND))
    assert moved == {
        "closed_at": "2026-01-01T00:00:01Z",
        "created_at": None,
        "replied_at": "-",
    }


def test_at_a_speed_of_60_a_minute_of_events_takes_a_second():
    assert pace(found(), START, 60, shift_to_now=False).due(FIRST + 60 * SECOND) == SECOND


def test_without_a_speed_everything_is_due_at_once():
    assert pace(found(), START, math.inf, shift_to_now=False).due(LAST) == 0


def test_events_keep_their_times_unless_they_are_moved():
    assert pace(found(), START, 60, shift_to_now=False).shift == 0


@pytest.mark.parametrize("speed", [1, 2.5, 60, math.inf])
def test_moved_to_now_the_last_event_happens_when_it_is_sent_and_none_earlier_than_that(speed):
    plan = pace(found(), START, speed, shift_to_now=True)
    assert -1000 <= plan.lead(LAST) <= 0
    for at in range(FIRST, LAST, 7 * SECOND):
        assert plan.lead(at) <= 0


def test_moved_to_now_times_keep_whole_milliseconds():
    plan = pace(found(), START + 123, 7, shift_to_now=True)
    assert plan.shift % 1000 == 0


def test_events_of_the_future_are_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"in the future.*--shift-to now"):
        pace(found(START, START + 601 * SECOND), START, math.inf, shift_to_now=False)


def test_events_that_will_have_happened_when_they_are_sent_are_not_of_the_future():
    pace(found(START, START + 3600 * SECOND), START, 1, shift_to_now=False)


def test_a_topic_without_age_limit_keeps_events_for_ever():
    assert keeps_for({"retention.ms": "-1"}) == math.inf
    assert keeps_for({"retention.ms": "5", "cleanup.policy": "compact"}) == math.inf
    assert keeps_for({}) == math.inf
    assert keeps_for({"retention.ms": "5", "cleanup.policy": "compact,delete"}) == 5


def test_the_line_about_retention_says_how_to_set_it_back():
    values = {"retention.ms": "604800000"}
    own = retention_note("k:1", "t", TopicConfig(values, values))
    assert "7 d" in own
    assert own.endswith(
        "kafka-configs.sh --bootstrap-server k:1 --alter --topic t "
        "--add-config retention.ms=604800000"
    )
    assert retention_note("k:1", "t", TopicConfig(values, {})).endswith(
        "--delete-config retention.ms"
    )


def test_a_topic_that_replaces_times_is_refused_unless_events_are_moved_to_now():
    configs = {"t": TopicConfig({"message.timestamp.type": "LogAppendTime"}, {})}
    refuse_broker_times(configs, shift_to_now=True)
    with pytest.raises(TopicError, match="LogAppendTime"):
        refuse_broker_times(configs, shift_to_now=False)


def test_the_report_says_how_many_of_how_many_were_sent_when_it_was_interrupted():
    report = Report(1000)
    report.sent.update({"ticket-created": 300, "agent-replied": 100})
    report.seconds, report.interrupted = 2.0, True
    assert report.as_text() == (
        "interrupted: sent 400 of 1,000 events in 2.0 s (200 events/s): "
        "agent-replied 100, ticket-created 300"
    )
    assert report.as_data()["events"] == 400


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--speed", "0.5", "--shift-to", "now"], "needs a --speed of 1 or more"),
        (["--speed", "nan"], "nan is no speed"),
        (["--speed", "0"], "not in the range"),
        (["--broker", "localhost"], "is not HOST:PORT"),
    ],
)
def test_options_that_cannot_work_are_wrong_usage(tmp_path, arguments, said):
    file = tmp_path / "events.jsonl"
    file.write_text(created("2026-01-01T00:00:05Z"))
    result = CliRunner().invoke(replay.command, [str(file), "--broker", "h:1", *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_a_file_without_events_needs_no_broker(tmp_path):
    file = tmp_path / "empty.jsonl"
    file.touch()
    result = CliRunner().invoke(replay.command, [str(file), "--broker", "localhost:1", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["events"] == 0
    assert "there are no events in" in result.stderr


def test_what_a_customer_replied_moves_by_the_shift_once():
    raw = b'{"type":"customer-replied","ticket_id":"T-1","replied_at":"2026-01-31T12:00:00Z"}'
    sent = json.loads(payload(raw, 60 * SECOND))
    assert sent == {"ticket_id": "T-1", "replied_at": "2026-01-31T12:01:00Z"}
