import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.durations import (
    LONGEST,
    format_duration,
    parse_duration,
    quoted,
    short_duration,
)
from monitor.sla.events import DAY, SECOND

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("90s", 90 * SECOND),
        ("2m", 2 * MINUTE),
        ("2min", 2 * MINUTE),
        ("1h", HOUR),
        ("24h", DAY),
        ("19h12m", 69_120 * SECOND),
        ("1h 30m", 90 * MINUTE),
        ("1 h 30 min", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("0.1s", SECOND // 10),
        ("1d", DAY),
        ("1d12h", 36 * HOUR),
        ("250ms", SECOND // 4),
        ("7us", 7),
        ("0s", 0),
        (" 2m ", 2 * MINUTE),
        ("36500d", LONGEST),
    ],
)
def test_a_duration_is_whole_microseconds(text, us):
    assert parse_duration(text) == us


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty; write 2m, 90s or 24h"),
        ("  ", "is empty"),
        ("2", '"2" has no unit; write 2m, 90s or 24h'),
        ("2.5", "has no unit; write"),
        ("1h30", "has no unit after 30"),
        ("1.5.2h", "has no unit after 1.5"),
        ("-2m", "is negative"),
        ("1:30", "write 1h30m or 1m30s"),
        ("2,5h", "has a comma; write 1.5h"),
        ("80%", "is a percentage; write a time"),
        ("soon", "is not a duration"),
        ("+2m", "is not a duration"),
        ("2m!", "is not a duration"),
        (".5h", "is not a duration"),
        ("٢m", "is not a duration"),
        ("2M", 'unknown unit "M"; the units are d, h, m, s, ms and us'),
        ("2 weeks", 'unknown unit "weeks"'),
        ("30m1h", "from large to small, each unit once; write 1h30m"),
        ("1m1m", "from large to small"),
        ("1m1min", "from large to small"),
        ("0.5us", "is finer than a microsecond"),
        ("36501d", "is over a hundred years"),
        ("9" * 60 + "h", "is over a hundred years"),
        ("9" * 6000 + "h", "is too long for a duration"),
        ("1" * 63 + "!", "has no unit after"),
    ],
)
def test_what_is_no_duration_is_told_with_what_to_write(text, reason):
    with pytest.raises(ValueError, match=r"; write|: write") as caught:
        parse_duration(text)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("us", "people", "short"),
    [
        (0, "0 s", "0s"),
        (90 * SECOND, "1 min 30 s", "1m30s"),
        (69_120 * SECOND, "19 h 12 min", "19h12m"),
        (DAY, "24 h", "24h"),
        (36 * HOUR, "36 h", "36h"),
        (2 * DAY, "2 d", "2d"),
        (30 * DAY, "30 d", "30d"),
        (2 * DAY + 3 * HOUR, "2 d 3 h", "2d3h"),
        (1_250_007, "1 s 250 ms 7 us", "1s250ms7us"),
    ],
)
def test_a_duration_is_written_for_people_and_for_files(us, people, short):
    assert format_duration(us) == people
    assert short_duration(us) == short


def test_a_time_that_has_passed_reads_with_a_minus():
    assert format_duration(-90 * SECOND) == "-1 min 30 s"


@given(st.integers(0, LONGEST))
def test_both_ways_of_writing_read_back_as_the_same_duration(us):
    assert parse_duration(short_duration(us)) == us
    assert parse_duration(format_duration(us)) == us


@given(st.text() | st.text("0123456789.,:-% dhminsu"))
def test_any_text_is_a_duration_or_a_reason(text):
    try:
        us = parse_duration(text)
    except ValueError as error:
        assert "write" in str(error)  # noqa: PT017
    else:
        assert 0 <= us <= LONGEST


@given(st.text())
def test_what_somebody_wrote_is_quoted_short_and_on_one_line(text):
    shown = quoted(text)
    assert shown.startswith('"')
    assert shown.endswith('"')
    assert shown.isprintable()
