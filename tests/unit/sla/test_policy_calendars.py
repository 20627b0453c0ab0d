"""Calendars as people write them: every mistake with its line and the way out."""

from datetime import date

import pytest
from hypothesis import given

from monitor.errors import PolicyError
from monitor.sla.calendar import Calendar
from monitor.sla.policy import Policy, Target
from monitor.sla.policy_calendars import YEARS
from monitor.sla.policy_file import dump_policy, parse_policy
from tests.unit.sla.test_calendar import weeks

HOUR = 3_600_000_000
MINUTE = HOUR // 60
NINE = ((9 * HOUR, 17 * HOUR),)


def calendar(fields: str) -> str:
    return f"calendars:\n  office: {fields}\nchannels:\n  chat: {{limit: 2m}}\n"


def hours(text: str) -> str:
    return calendar(f"{{zone: UTC, hours: {text}}}")


def parsed(text: str) -> Calendar:
    return parse_policy(text).calendars["office"]


BROKEN = {
    "no mapping": ("calendars: [a]\nchannels: {chat: {limit: 2m}}\n", 1, "calendars: is a list; w"),
    "one value": (calendar("9-5"), 2, "calendars.office: is a single value; write {zone: Europe/"),
    "no zone": (calendar("{hours: {mon: 09:00-17:00}}"), 2, "office: zone is missing; write {zone"),
    "no hours": (calendar("{zone: UTC}"), 2, "calendars.office: hours is missing; write {zone"),
    "a misspelt zone": (
        calendar("{zone: Europe/Bucuresti, hours: {mon: 09:00-17:00}}"),
        2,
        'office.zone: "Europe/Bucuresti" is no time zone; did you mean Europe/Bucharest?',
    ),
    "a zone like no other": (
        calendar("{zone: '@@@', hours: {mon: 09:00-17:00}}"),
        2,
        '"@@@" is no time zone; write an IANA time zone, such as Europe/Berlin',
    ),
    "a zone that is a path": (
        calendar("{zone: ../UTC, hours: {mon: 09:00-17:00}}"),
        2,
        '"../UTC" is no time zone',
    ),
    "a zone that is a folder": (
        calendar("{zone: Europe, hours: {mon: 09:00-17:00}}"),
        2,
        '"Europe" is no time zone',
    ),
    "hours as one value": (hours("09:00-17:00"), 2, "office.hours: is a single value; write the d"),
    "no day": (hours("{}"), 2, "office.hours: names no day; write the days and their hours"),
    "a day of no week": (hours("{mo: 09:00-17:00}"), 2, '"mo" names no day of the week; write day'),
    "a span of no week": (hours("{mon-: 09:00-17:00}"), 2, '"mon-" names no day of the week'),
    "a day twice": (
        hours("{mon-fri: 09:00-17:00,\n    fri: 09:00-12:00}"),
        3,
        "fri has its hours on line 2 already; keep one",
    ),
    "hours in words": (hours("{mon: all}"), 2, '"all" are no hours; write hours such as 09:00-17'),
    "an hour alone": (hours("{mon: 9-17}"), 2, '"9-17" are no hours; write hours such as'),
    "an hour too many": (hours("{mon: 09:00-25:00}"), 2, "has no time of a day; write 00:00 to 24"),
    "a minute too many": (hours("{mon: 09:60-17:00}"), 2, '"09:60-17:00" has no time of a day'),
    "no time at all": (hours("{mon: 09:00-09:00}"), 2, "lasts no time; write 00:00-24:00 for the"),
    "from the end of a day": (hours("{mon: 24:00-06:00}"), 2, '"24:00-06:00" lasts no time'),
    "half of several": (hours('{mon: "09:00-12:00, x"}'), 2, '"x" are no hours'),
    "half of a list": (hours("{mon: [09:00-12:00, x]}"), 2, 'hours.mon[1]: "x" are no hours'),
    "a day with nothing": (hours("{mon: }"), 2, "office.hours.mon: is empty; write hours such as"),
    "an unknown country": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holidays: XX}"),
        2,
        '"XX" is no country or part of one whose holidays are known; write its ISO code',
    ),
    "an unknown part": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holidays: US-ZZ}"),
        2,
        '"US-ZZ" is no country or part of one',
    ),
    "an impossible date": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holidays: [2026-02-30]}"),
        2,
        'holidays[0]: "2026-02-30" is no date: day',
    ),
    "a date in words": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holidays: [new year]}"),
        2,
        '"new year" is no holiday; write a country, such as DE',
    ),
    "holidays as a mapping": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holidays: {a: b}}"),
        2,
        "office.holidays: is a mapping; write a country",
    ),
    "a misspelt key": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}, holiday: RO}"),
        2,
        "office.holiday: is no key here; did you mean holidays?",
    ),
    "the reserved name": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}}").replace("office", "always"),
        2,
        "always is the name of hours that never end; give it another",
    ),
    "a name with a sign": (
        calendar("{zone: UTC, hours: {mon: 09:00-17:00}}").replace("office", "a$"),
        2,
        "the name has the character",
    ),
    "a wrong calendar that is used": (
        "calendars:\n  office: {zone: UTC}\nchannels:\n  chat: {limit: 2m, hours: office}\n",
        2,
        "hours is missing",
    ),
}


@pytest.mark.parametrize(("text", "line", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_calendar_is_told_with_its_line_and_the_way_out(text, line, sentence):
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "team.yaml")
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"team.yaml:{line}: ")
    assert sentence in told


@pytest.mark.parametrize(
    ("text", "monday", "sunday"),
    [
        ("{mon-fri: 09:00-17:00}", NINE, ()),
        ("{Monday: 9:00 - 17:00}", NINE, ()),
        ("{sun-mon: 09:00-17:00}", NINE, NINE),
        ("{'mon, sun': 09:00-17:00}", NINE, NINE),
        ("{mon-sun: 00:00-24:00}", ((0, 24 * HOUR),), ((0, 24 * HOUR),)),
        ("{mon: 22:00-06:00}", ((22 * HOUR, 30 * HOUR),), ()),
        ("{mon: 22:00-00:00}", ((22 * HOUR, 24 * HOUR),), ()),
        (
            "{mon: '08:30-12:00, 13:00-17:00'}",
            ((8 * HOUR + 30 * MINUTE, 12 * HOUR), (13 * HOUR, 17 * HOUR)),
            (),
        ),
        (
            "{mon: [08:00-12:00, 13:00-17:00]}",
            ((8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)),
            (),
        ),
    ],
)
def test_hours_are_read_as_people_write_them(text, monday, sunday):
    week = parsed(hours(text)).week
    assert (week[0], week[6]) == (monday, sunday)


def test_holidays_are_a_country_s_dates_or_both():
    of = "{{zone: UTC, hours: {{mon-sun: 00:00-24:00}}, holidays: {}}}"
    romania = parsed(calendar(of.format("RO"))).holidays
    assert {date(2026, 12, 1), date(1999, 12, 1), date(2026, 4, 13), date(2060, 12, 25)} <= romania
    assert max(day.year for day in romania) == YEARS[-1]
    assert parsed(calendar(of.format("[2026-12-24]"))).holidays == {date(2026, 12, 24)}
    assert parsed(calendar(of.format("[ro, 2026-12-24]"))).holidays == romania | {
        date(2026, 12, 24)
    }
    bavaria = parsed(calendar(of.format("DE-BY"))).holidays
    assert date(2026, 1, 6) in bavaria > parsed(calendar(of.format("DE"))).holidays


def has_a_whole_day_from_noon(week):
    """Tell of hours that a file has no words for."""
    return any(opens and closes - opens == 24 * HOUR for day in week for opens, closes in day)


@given(weeks().filter(lambda week: not has_a_whole_day_from_noon(week)))
def test_any_hours_written_read_back_as_the_same_calendar(week):
    office = Calendar("Europe/Bucharest", week, [date(2026, 12, 24)], name="office")
    policy = Policy({"chat": Target(1, 2)}, calendars={"office": office})
    text = dump_policy(policy)
    assert parse_policy(text) == policy, text


def test_a_calendar_is_written_as_it_was_given():
    text = 'zone: Europe/Bucharest, hours: {mon-fri: "08:00-18:00", sun: "22:00-06:00"}'
    policy = parse_policy(calendar(f"{{{text}, holidays: [RO, 2026-12-24]}}"))
    assert f"  office: {{{text}, holidays: [RO, 2026-12-24]}}" in dump_policy(policy)
