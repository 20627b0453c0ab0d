from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import PolicyError
from monitor.sla.calendar import Calendar
from monitor.sla.events import DAY, SECOND
from tests.unit.sla.hours import MINUTE, Wall, micros

HOUR = 60 * MINUTE
NINE_TO_FIVE = ((9 * HOUR, 17 * HOUR),)
OFFICE = (*(NINE_TO_FIVE,) * 5, (), ())
NIGHT = (*(((22 * HOUR, 30 * HOUR),),) * 7,)
ALWAYS = (*(((0, DAY),),) * 7,)
SPLIT = (*(((8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR + 30 * MINUTE)),) * 6, ())
AT_THE_CHANGE = (
    *(((0, HOUR + 10 * MINUTE), (90 * MINUTE, 150 * MINUTE), (165 * MINUTE, DAY)),) * 7,
)
"""Hours whose edges lie where clocks jump, and inside what is skipped or comes twice."""

FIRST, LAST = micros("2010-01-01T00:00+00:00"), micros("2030-01-01T00:00+00:00")


@cache
def changes() -> dict[str, tuple[int, ...]]:
    """Return the moments of 20 years at which a zone's clocks jump, alike zones once."""
    found = {}
    for zone in sorted(available_timezones()):
        moments = _changes(ZoneInfo(zone))
        if moments:
            found.setdefault(moments, zone)
    return {zone: tuple(at for at, _ in moments) for moments, zone in found.items()}


def _changes(zone):
    """Look every third day, then halve: no change is taken back sooner."""
    moments, step = [], 3 * 86_400
    for begin in range(FIRST // SECOND, LAST // SECOND, step):
        low, high = begin, begin + step
        before, after = _offset(zone, low), _offset(zone, high)
        if before != after:
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
            moments.append((high * SECOND, after))
    return tuple(moments)


def _offset(zone, seconds):
    return datetime.fromtimestamp(seconds, zone).utcoffset()


def test_there_are_many_zones_with_changes_to_be_held_against():
    assert len(changes()) > 60
    assert sum(map(len, changes().values())) > 1500


def test_around_every_change_of_every_zone_it_is_open_when_the_wall_clock_says_so():
    random = Random(0)
    for zone, moments in changes().items():
        calendar, wall = Calendar(zone, AT_THE_CHANGE), Wall(zone, AT_THE_CHANGE)
        for change in moments:
            around = [change + random.randrange(-180, 180) * MINUTE for _ in range(12)]
            for at in (change - MINUTE, change - 1, change, change + 1, change + MINUTE, *around):
                assert calendar.is_open(at) == wall.is_open(at), (zone, at)


def test_around_every_change_of_every_zone_as_much_runs_as_minutes_are_open():
    random = Random(1)
    for zone, moments in changes().items():
        calendar, wall = Calendar(zone, AT_THE_CHANGE), Wall(zone, AT_THE_CHANGE)
        for change in random.sample(moments, min(4, len(moments))):
            start, end = change - 4 * HOUR - 7, change + 4 * HOUR + 11
            assert calendar.elapsed(start, end) == wall.elapsed(start, end), (zone, change)
            span = random.randrange(5 * HOUR)
            assert calendar.due(start, span) == wall.due(start, span), (zone, change, span)


@st.composite
def weeks(draw):
    """Draw any hours: none, several a day, over midnight, overlapping; at least one."""
    minutes = st.integers(0, 1439)
    shift = st.builds(
        lambda opens, lasts: (opens * MINUTE, (opens + lasts) * MINUTE),
        minutes,
        st.integers(1, 1440),
    )
    week = draw(st.lists(st.lists(shift, max_size=3).map(tuple), min_size=7, max_size=7))
    if not any(week):
        week[draw(st.integers(0, 6))] = (draw(shift),)
    return tuple(week)


@st.composite
def plans(draw):
    """Draw a zone that has changes, hours, and a moment, near a change more often than not."""
    zone = draw(st.sampled_from(sorted(changes())))
    change = draw(st.sampled_from(changes()[zone]))
    near = st.integers(-3 * DAY, 3 * DAY).map(lambda beside: change + beside)
    start = draw(near | near | st.integers(FIRST, LAST))
    day = datetime.fromtimestamp(start // SECOND, UTC).date()
    off = draw(st.lists(st.integers(-2, 5).map(lambda n: day + timedelta(days=n)), max_size=3))
    return zone, draw(weeks()), off, start


@given(plans(), st.integers(0, 5 * DAY))
def test_what_has_run_is_what_a_walk_minute_by_minute_adds_up(plan, later):
    zone, week, off, start = plan
    calendar, wall = Calendar(zone, week, off), Wall(zone, week, off)
    assert calendar.elapsed(start, start + later) == wall.elapsed(start, start + later)
    assert calendar.is_open(start) == wall.is_open(start)


@given(plans(), st.integers(0, 30 * HOUR))
def test_a_deadline_is_where_a_walk_minute_by_minute_ends(plan, span):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    if span * 7 * DAY > 4 * DAY * calendar.open_a_week:
        span %= calendar.open_a_week // 2 + 1  # no walk of many weeks
    assert calendar.due(start, span) == Wall(zone, week, off).due(start, span)


@given(plans(), st.integers(0, 40 * DAY))
def test_from_the_deadline_back_to_the_start_is_the_span(plan, span):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    due = calendar.due(start, span)
    assert calendar.elapsed(start, due) == span
    assert calendar.elapsed(start, due + 1) == span + 1, "one microsecond later it is too late"
    assert calendar.is_open(due)


@given(plans(), st.integers(0, 40 * DAY), st.integers(0, 40 * DAY))
def test_who_comes_later_is_never_due_earlier_and_a_longer_span_neither(plan, span, later):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    assert calendar.due(start, span) <= calendar.due(start + later, span)
    assert calendar.due(start, span) < calendar.due(start, span + 1 + later)


@given(plans(), st.integers(1, 10 * DAY), st.lists(st.integers(-2 * DAY, 2 * DAY), max_size=20))
def test_a_kept_deadline_is_the_one_worked_out_anew_in_any_order_of_starts(plan, span, beside):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    deadline = calendar.deadline(span)
    for at in (start, *(start + step for step in beside)):
        for moment in (at, at + 1, calendar.next_opening(at), calendar.next_opening(at) - 1):
            assert deadline(moment) == calendar.due(moment, span)


@given(plans())
def test_the_next_opening_is_the_first_open_moment(plan):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    opening = calendar.next_opening(start)
    assert opening >= start
    assert calendar.is_open(opening)
    assert opening == start or not calendar.is_open(opening - 1)
    assert calendar.elapsed(start, opening) == 0


@given(plans(), st.integers(0, 3000 * DAY), st.integers(0, 3000 * DAY))
def test_what_has_run_adds_up_over_years(plan, first, second):
    zone, week, off, start = plan
    calendar = Calendar(zone, week, off)
    middle, end = start + first, start + first + second
    parts = calendar.elapsed(start, middle) + calendar.elapsed(middle, end)
    assert calendar.elapsed(start, end) == parts
    assert calendar.elapsed(end, start) == 0


def test_twenty_years_of_an_office_are_as_long_as_their_open_minutes():
    zone, holidays = "Europe/Bucharest", [date(2020, 12, 25), date(2024, 5, 1)]
    calendar, wall = Calendar(zone, SPLIT, holidays), Wall(zone, SPLIT, holidays)
    for year in range(2010, 2030):
        # Every quarter of an hour, for these hours and this zone change at no other minute.
        begin, end = micros(f"{year}-01-01T00:00+00:00"), micros(f"{year + 1}-01-01T00:00+00:00")
        quarters = range(begin, end, 15 * MINUTE)
        open_ = sum(wall.is_open(at) for at in quarters)
        assert calendar.elapsed(begin, end) == open_ * 15 * MINUTE


# -- by example


def test_a_ticket_created_while_closed_begins_to_run_at_the_opening():
    calendar = Calendar("Europe/Bucharest", OFFICE)
    friday_evening = micros("2026-01-30T19:00+02:00")
    assert calendar.due(friday_evening, HOUR) == micros("2026-02-02T10:00+02:00")
    assert calendar.next_opening(friday_evening) == micros("2026-02-02T09:00+02:00")
    assert not calendar.is_open(friday_evening)


def test_a_span_used_up_as_the_team_leaves_is_due_when_it_comes_back():
    calendar = Calendar("Europe/Bucharest", OFFICE)
    monday = micros("2026-02-02T09:00+02:00")
    assert calendar.due(monday, 8 * HOUR - 1) == micros("2026-02-02T17:00+02:00") - 1
    assert calendar.due(monday, 8 * HOUR) == micros("2026-02-03T09:00+02:00")


def test_a_night_in_spring_is_an_hour_shorter_and_one_in_autumn_an_hour_longer():
    calendar = Calendar("Europe/Bucharest", NIGHT)
    spring, autumn = micros("2026-03-28T22:00+02:00"), micros("2026-10-24T22:00+03:00")
    assert calendar.elapsed(spring, spring + 12 * HOUR) == 7 * HOUR
    assert calendar.elapsed(autumn, autumn + 12 * HOUR) == 9 * HOUR
    assert calendar.due(spring, 8 * HOUR) == micros("2026-03-29T23:00+03:00")


def test_a_holiday_takes_the_shift_that_begins_on_it_and_leaves_the_one_before():
    calendar = Calendar("UTC", NIGHT, [date(2026, 6, 2)])
    assert calendar.is_open(micros("2026-06-02T05:59+00:00"))
    assert not calendar.is_open(micros("2026-06-02T22:00+00:00"))
    assert not calendar.is_open(micros("2026-06-03T05:00+00:00"))
    assert calendar.is_open(micros("2026-06-03T22:00+00:00"))


def test_always_open_is_plain_arithmetic_wherever_the_clocks_jump():
    calendar = Calendar("America/New_York", ALWAYS)
    for start in (FIRST, micros("2026-03-08T06:59+00:00"), LAST):
        assert calendar.due(start, 40 * DAY + 1) == start + 40 * DAY + 1


def test_a_day_that_a_zone_left_out_is_not_open():
    calendar = Calendar("Pacific/Apia", ALWAYS[:1] * 7, [date(2011, 12, 30)])
    wall = Wall("Pacific/Apia", ALWAYS, [date(2011, 12, 30)])
    start = micros("2011-12-29T00:00+00:00")
    assert calendar.elapsed(start, start + 4 * DAY) == wall.elapsed(start, start + 4 * DAY)
    assert calendar.elapsed(start, start + 4 * DAY) == 4 * DAY, "that day never was"


def test_a_deadline_is_found_at_the_end_of_dates():
    calendar = Calendar("Europe/Bucharest", OFFICE)
    start = micros("9998-12-31T00:00+00:00")
    assert calendar.elapsed(start, calendar.due(start, 100 * HOUR)) == 100 * HOUR


@pytest.mark.parametrize(
    ("week", "hours"),
    [
        (OFFICE, 40),
        (NIGHT, 56),
        (ALWAYS, 168),
        (SPLIT, 51),
        ((*((),) * 6, ((0, DAY), (HOUR, DAY + HOUR))), 25),
    ],
)
def test_a_week_has_so_many_open_hours(week, hours):
    assert Calendar("UTC", week).open_a_week == hours * HOUR


@pytest.mark.parametrize(
    "week",
    [
        ((),) * 7,
        OFFICE[:6],
        (((5, 5),), *((),) * 6),
        (((-1, 5),), *((),) * 6),
        (((5, DAY + 6),), *((),) * 6),
        (((DAY, DAY + 6),), *((),) * 6),
    ],
)
def test_hours_that_cannot_be_are_refused(week):
    with pytest.raises(PolicyError, match="hours must"):
        Calendar("UTC", week)


def test_calendars_are_equal_by_what_they_say():
    one, other = Calendar("UTC", OFFICE, [date(2026, 1, 1)]), Calendar("UTC", list(OFFICE))
    assert one != other
    assert one == Calendar("UTC", OFFICE, [date(2026, 1, 1)], name="office", days_off=("RO",))
    assert hash(one) == hash(Calendar("UTC", OFFICE, [date(2026, 1, 1)]))
    assert one != "UTC"
