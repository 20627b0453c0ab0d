"""The calendars of a policy file: zone, weekly hours and holidays, to a Calendar and back."""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from difflib import get_close_matches
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from monitor.sla.calendar import Calendar, Shift
from monitor.sla.durations import quoted
from monitor.sla.events import DAY, SECOND
from monitor.sla.policy import ALWAYS
from monitor.sla.policy_nodes import Place, plain_name

EXAMPLE: Final = "{zone: Europe/Berlin, hours: {mon-fri: 09:00-17:00}}"

_FIELDS: Final = {
    "zone": "an IANA time zone, such as Europe/Berlin",
    "hours": "the days and their hours, such as {mon-fri: 09:00-17:00}",
    "holidays": "a country, such as DE or US-CA, or a list of dates, such as [2026-12-25]",
}
_HOURS_EXAMPLE: Final = "hours such as 09:00-17:00, or 22:00-06:00 over midnight"
_DAY_EXAMPLE: Final = "write days as mon-fri, or sat, sun"

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FULL: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SHIFT: Final = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_DATE: Final = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_REGION: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)?")
_MINUTE: Final = 60 * SECOND

YEARS: Final = range(1990, 2061)
"""Of these years a country's holidays are known to a calendar."""


def calendars(place: Place) -> dict[str, Calendar | None]:
    """Return the calendars by name, None for one with something wrong, which is noted."""
    found = {}
    for name, below in (place.entries(f"office: {EXAMPLE}") or {}).items():
        if name == ALWAYS:
            below.refuse(f"{ALWAYS} is the name of hours that never end; give it another")
        try:
            plain_name(name)
        except ValueError as error:
            below.refuse(str(error))
        found[name] = _calendar(name, below)
    return found


def _calendar(name: str, place: Place) -> Calendar | None:
    fields = place.fields(tuple(_FIELDS), EXAMPLE)
    if fields is None:
        return None
    zone = week = None
    for key in ("zone", "hours"):
        if key not in fields:
            place.refuse(f"{key} is missing; write {EXAMPLE}")
    if "zone" in fields:
        zone = fields["zone"].scalar(_zone, _FIELDS["zone"])
    if "hours" in fields:
        week = _week(fields["hours"])
    days_off: dict[str, frozenset[date]] = {}
    if "holidays" in fields:
        for part in fields["holidays"].parts(_FIELDS["holidays"]):
            part.scalar(lambda text: days_off.update({text: _days_off(text)}), _FIELDS["holidays"])
    if zone is None or week is None:
        return None
    holidays = frozenset[date]().union(*days_off.values())
    return Calendar(zone, week, holidays, name=name, days_off=tuple(days_off))


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (LookupError, ValueError, OSError):
        meant = get_close_matches(text, available_timezones(), n=1)
        way_out = f"did you mean {meant[0]}?" if meant else f"write {_FIELDS['zone']}"
        raise ValueError(f"{quoted(text)} is no time zone; {way_out}") from None
    return text


def _week(place: Place) -> list[tuple[Shift, ...]] | None:
    entries = place.entries(_FIELDS["hours"])
    if entries is None:
        return None
    week: list[tuple[Shift, ...]] = [()] * len(DAYS)
    taken: dict[int, int] = {}
    for key, below in entries.items():
        try:
            days = _days(key)
        except ValueError as error:
            below.refuse(str(error))
            continue
        shifts = _shifts(below)
        for day in days:
            if day in taken:
                below.refuse(f"{DAYS[day]} has its hours on line {taken[day]} already; keep one")
            taken[day] = below.line
            week[day] = shifts
    if not taken and not place.node.value:
        place.refuse(f"names no day; write {_FIELDS['hours']}")
    return week if any(week) else None


def _shifts(place: Place) -> tuple[Shift, ...]:
    shifts: list[Shift] = []
    for part in place.parts(_HOURS_EXAMPLE):
        shifts += part.scalar(_spans, _HOURS_EXAMPLE) or ()
    return tuple(shifts)


def _spans(text: str) -> list[Shift]:
    return [_span(part.strip()) for part in text.split(",")]


def _span(text: str) -> Shift:
    matched = _SHIFT.fullmatch(text)
    if matched is None:
        raise ValueError(f"{quoted(text)} are no hours; write {_HOURS_EXAMPLE}")
    from_hour, from_minute, to_hour, to_minute = map(int, matched.groups())
    opens, closes = _of_day(text, from_hour, from_minute), _of_day(text, to_hour, to_minute)
    if opens in (closes, DAY):
        raise ValueError(f"{quoted(text)} lasts no time; write 00:00-24:00 for the whole day")
    return opens, closes if closes > opens else closes + DAY


def _of_day(text: str, hour: int, minute: int) -> int:
    at = (60 * hour + minute) * _MINUTE
    if minute >= 60 or at > DAY:  # noqa: PLR2004 - minutes of an hour
        raise ValueError(f"{quoted(text)} has no time of a day; write 00:00 to 24:00")
    return at


def _days(text: str) -> list[int]:
    """Return the weekdays that `mon-fri, sun` names; ValueError says what is wrong."""
    days: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        begin = _day(text, first)
        end = _day(text, last) if dash else begin
        days += range(begin, (end if end >= begin else end + 7) + 1)
    return [day % 7 for day in days]


def _day(text: str, name: str) -> int:
    plain = name.strip().lower()
    for names in (DAYS, _FULL):
        if plain in names:
            return names.index(plain)
    raise ValueError(f"{quoted(text)} names no day of the week; {_DAY_EXAMPLE}")


def _days_off(text: str) -> frozenset[date]:
    if _DATE.fullmatch(text):
        try:
            return frozenset({date(*map(int, text.split("-")))})
        except ValueError as error:
            raise ValueError(f"{quoted(text)} is no date: {error}; write 2026-12-25") from None
    if not _REGION.fullmatch(text):
        raise ValueError(f"{quoted(text)} is no holiday; write {_FIELDS['holidays']}")
    return _public_holidays(text)


def _public_holidays(region: str) -> frozenset[date]:
    import holidays  # noqa: PLC0415 - a tenth of a second, for those who ask for it

    country, _, subdivision = region.partition("-")
    try:
        found = holidays.country_holidays(country.upper(), subdiv=subdivision or None, years=YEARS)
    except NotImplementedError:
        raise ValueError(
            f"{quoted(region)} is no country or part of one whose holidays are known; write "
            "its ISO code, such as DE or US-CA, or a list of dates"
        ) from None
    return frozenset(found)


def dump_calendar(calendar: Calendar) -> str:
    """Return a calendar as it stands in a policy file."""
    days_off: Iterable[str] = calendar.days_off or map(str, sorted(calendar.holidays))
    holidays = ", ".join(days_off)
    hours = ", ".join(_dump_days(calendar.week))
    off = f", holidays: [{holidays}]" if holidays else ""
    return f"{{zone: {calendar.zone}, hours: {{{hours}}}{off}}}"


def _dump_days(week: Sequence[Collection[Shift]]) -> list[str]:
    """Return the days, those that follow each other with the same hours as one."""
    shown: list[str] = []
    begin = 0
    for day in range(1, len(week) + 1):
        if day < len(week) and week[day] == week[begin]:
            continue
        if week[begin]:
            days = DAYS[begin] if day - begin == 1 else f"{DAYS[begin]}-{DAYS[day - 1]}"
            hours = ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in week[begin])
            shown.append(f'{days}: "{hours}"')
        begin = day
    return shown


def _clock(at: int) -> str:
    """Return a time of the day as 08:30; midnight at the end of a day is 24:00."""
    hours, minutes = divmod((at if at <= DAY else at - DAY) // _MINUTE, 60)
    return f"{hours:02}:{minutes:02}"
