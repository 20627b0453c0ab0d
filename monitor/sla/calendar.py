"""Business hours: a clock that runs only while the team is there.

Open is whatever the clock on the team's wall says: a zone's changes are where local time jumps, so
the hours are laid out on each stretch between two of them. A time that is skipped opens nothing,
one that comes twice opens twice, and every sum is of whole microseconds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from monitor.errors import PolicyError
from monitor.sla.events import DAY, SECOND

WEEK: Final = 7 * DAY

Shift = tuple[int, int]
"""From and until when a day's hours last, in microseconds of local time since its midnight.

Until is less than a day after from; what lies beyond midnight belongs to the day it began on.
"""

_CHUNK: Final = 256 * DAY
"""Openings are worked out for so long at once, and kept."""

_EPOCH: Final = date(1970, 1, 1)
_THURSDAY: Final = 3
"""The weekday of that day."""

_LAST_OFFSET: Final = 253_339_228_800
"""9998-01-01 in seconds: no zone has rules beyond it, and no date is much later."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Calendar:
    """When a team is there: a zone, the hours of each weekday from Monday on, and days off.

    Its name, and how its holidays were given (`days_off`: RO, 2026-12-24), are for people only.
    Raises `PolicyError` for hours that cannot be, and `ZoneInfoNotFoundError` for no zone.
    """

    __slots__ = (
        "_chunks",
        "_off",
        "_zone",
        "days_off",
        "holidays",
        "name",
        "open_a_week",
        "week",
        "zone",
    )

    def __init__(
        self,
        zone: str,
        week: Sequence[tuple[Shift, ...]],
        holidays: Iterable[date] = (),
        *,
        name: str = "",
        days_off: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.zone = zone
        self.week = tuple(week)
        self.holidays = frozenset(holidays)
        self.days_off = days_off
        if len(self.week) != 7 or not any(self.week):  # noqa: PLR2004 - days
            raise PolicyError("hours must name at least one open day of the week's seven")
        for opens, closes in (shift for day in self.week for shift in day):
            if not 0 <= opens < DAY or not opens < closes <= opens + DAY:
                raise PolicyError("hours must begin on their day and end within a day after that")
        self.open_a_week = _open_a_week(self.week)
        """For how long the team is there in a week without days off or changes of the clock."""
        self._zone = ZoneInfo(zone)
        self._off = frozenset((day - _EPOCH).days for day in self.holidays)
        self._chunks: dict[int, _Chunk] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self._what() == other._what()

    def __hash__(self) -> int:
        return hash(self._what())

    def __repr__(self) -> str:
        return f"Calendar({self.name!r}, {self.zone!r})"

    def _what(self) -> tuple[str, tuple[tuple[Shift, ...], ...], frozenset[date]]:
        return self.zone, self.week, self.holidays

    def due(self, start: int, span: int) -> int:
        """Return the last moment by which no more than `span` has run since `start`.

        Where the span is used up as the team leaves, that is when it comes back: nobody who
        answers meanwhile has let the clock run longer. Later starts are never due earlier, and
        `elapsed` from start to due is the span.
        """
        number = start // _CHUNK
        chunk = self._chunk(number)
        left = chunk.ran(start) + span
        while left >= chunk.total:
            left -= chunk.total
            number += 1
            chunk = self._chunk(number)
        index = bisect_right(chunk.before, left) - 1
        return chunk.opens[index] + left - chunk.before[index]

    def elapsed(self, start: int, end: int) -> int:
        """Return for how long the team was there between two moments; nothing if they cross."""
        if end <= start:
            return 0
        first, last = start // _CHUNK, end // _CHUNK
        between = sum(self._chunk(number).total for number in range(first, last))
        return between + self._chunk(last).ran(end) - self._chunk(first).ran(start)

    def is_open(self, at: int) -> bool:
        """Tell whether the team is there: from the moment of opening, until that of closing."""
        chunk = self._chunk(at // _CHUNK)
        index = bisect_right(chunk.opens, at) - 1
        return index >= 0 and at < chunk.closes[index]

    def next_opening(self, at: int) -> int:
        """Return the first moment from `at` on at which the team is there."""
        return self.due(at, 0)

    def deadline(self, span: int) -> "Deadline":
        """Return what tells when a span is used up, in the time of an addition."""
        return Deadline(self, span)

    def stretch(self, at: int) -> tuple[int, int, bool]:
        """Return a stretch around a moment that is all open or all closed, and which it is."""
        number = at // _CHUNK
        chunk = self._chunk(number)
        index = bisect_right(chunk.opens, at) - 1
        if index >= 0 and at < chunk.closes[index]:
            return chunk.opens[index], chunk.closes[index], True
        begin = chunk.closes[index] if index >= 0 else number * _CHUNK
        later = index + 1
        end = chunk.opens[later] if later < len(chunk.opens) else (number + 1) * _CHUNK
        return begin, end, False

    def _chunk(self, number: int) -> "_Chunk":
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._chunks[number] = self._laid_out(number)
        return chunk

    def _laid_out(self, number: int) -> "_Chunk":
        shifts = [
            (opens - offset, closes - offset)
            for begin, end, offset in self._stretches(number * _CHUNK, (number + 1) * _CHUNK)
            for opens, closes in self._hours(begin + offset, end + offset)
        ]
        return _Chunk(_united(shifts))

    def _hours(self, begin: int, end: int) -> Iterator[Shift]:
        """Yield the open hours between two moments of local time, counted since 1970."""
        for day in range(begin // DAY - 1, (end - 1) // DAY + 1):
            if day in self._off:
                continue
            for opens, closes in self.week[(day + _THURSDAY) % 7]:
                first, last = max(day * DAY + opens, begin), min(day * DAY + closes, end)
                if first < last:
                    yield first, last

    def _stretches(self, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield the stretches in which local time does not jump, with their offset from UTC."""
        since, offset = begin, self._offset(begin)
        for midnight in range(begin, end, DAY):
            while self._offset(midnight + DAY) != offset:
                change = self._change(max(since, midnight), midnight + DAY, offset)
                if since < change:
                    yield since, change, offset
                since, offset = change, self._offset(change)
        if since < end:
            yield since, end, offset

    def _change(self, before: int, after: int, offset: int) -> int:
        """Return the moment at which an offset ceases to hold: it does before, not after."""
        low, high = before // SECOND, after // SECOND
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle * SECOND) == offset:
                low = middle
            else:
                high = middle
        return high * SECOND

    def _offset(self, at: int) -> int:
        offset = datetime.fromtimestamp(min(at // SECOND, _LAST_OFFSET), self._zone).utcoffset()
        return 0 if offset is None else offset // _MICROSECOND


class Deadline:
    """When a span of open time is used up, by its start.

    Tickets come nearly in order, so what holds of one holds of the next: while both its start and
    its end stay within their hours, a deadline moves with its start; while the team is away it
    stands still. The stretch for which the last answer holds is kept.
    """

    __slots__ = ("_begin", "_calendar", "_end", "_fixed", "_runs", "_shift", "_span")

    def __init__(self, calendar: Calendar, span: int) -> None:
        self._calendar = calendar
        self._span = span
        self._begin = self._end = 0
        self._runs = False
        self._shift = self._fixed = 0

    def __call__(self, start: int) -> int:
        """Return the same as `Calendar.due`."""
        if self._begin <= start < self._end:
            return start + self._shift if self._runs else self._fixed
        return self._look_up(start)

    def _look_up(self, start: int) -> int:
        due = self._calendar.due(start, self._span)
        begin, end, self._runs = self._calendar.stretch(start)
        if self._runs:
            shift = self._shift = due - start
            opens, closes, _ = self._calendar.stretch(due)
            begin, end = max(begin, opens - shift), min(end, closes - shift)
        self._begin, self._end, self._fixed = begin, end, due
        return due


class _Chunk:
    """The hours in one stretch of time: when each begins and ends, and how much was open before."""

    __slots__ = ("before", "closes", "opens", "total")

    def __init__(self, shifts: Sequence[Shift]) -> None:
        self.opens = [opens for opens, _ in shifts]
        self.closes = [closes for _, closes in shifts]
        self.before: list[int] = []
        self.total = 0
        for opens, closes in shifts:
            self.before.append(self.total)
            self.total += closes - opens

    def ran(self, at: int) -> int:
        """Return how much was open by a moment of it."""
        index = bisect_right(self.opens, at) - 1
        if index < 0:
            return 0
        return self.before[index] + min(at, self.closes[index]) - self.opens[index]


def _united(shifts: Sequence[Shift]) -> list[Shift]:
    """Return hours in order, those that touch or overlap as one."""
    united: list[Shift] = []
    for opens, closes in sorted(shifts):
        if united and opens <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], closes)
        else:
            united.append((opens, closes))
    return united


def _open_a_week(week: Sequence[tuple[Shift, ...]]) -> int:
    """Return how long a usual week is open; what lasts beyond its end is that of its beginning."""
    shifts = [
        (before + day * DAY + opens, before + day * DAY + closes)
        for before in (-WEEK, 0)
        for day, shifts in enumerate(week)
        for opens, closes in shifts
    ]
    inside = ((max(opens, 0), min(closes, WEEK)) for opens, closes in _united(shifts))
    return sum(max(0, closes - opens) for opens, closes in inside)
