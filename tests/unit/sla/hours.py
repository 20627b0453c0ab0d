"""Business hours the slow and obvious way: minute by minute, by the clock on the wall.

Nothing here is shared with the rules: each minute is asked for its local time, and looked up.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

MINUTE = 60_000_000
DAY = 1440 * MINUTE


def micros(text: str) -> int:
    """Return a moment, given with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


class Wall:
    """A calendar as its owner would explain it: look at the clock, then at the plan."""

    def __init__(self, zone, week, holidays=()):
        self.zone = ZoneInfo(zone)
        self.week = week
        self.holidays = frozenset(holidays)

    def is_open(self, at: int) -> bool:
        local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(self.zone)
        since_midnight = (local.hour * 60 + local.minute) * MINUTE + local.second * 1_000_000
        return self._is_on(local.date(), since_midnight) or self._is_on(
            local.date() - timedelta(days=1), since_midnight + DAY
        )

    def _is_on(self, day: date, since_midnight: int) -> bool:
        """Tell whether a shift that began on this day is on."""
        if day in self.holidays:
            return False
        shifts = self.week[day.weekday()]
        return any(opens <= since_midnight < closes for opens, closes in shifts)

    def elapsed(self, start: int, end: int) -> int:
        """Add up the open minutes and the parts of minutes at both ends."""
        total, minute = 0, start // MINUTE * MINUTE
        while minute < end:
            if self.is_open(minute):
                total += min(end, minute + MINUTE) - max(start, minute)
            minute += MINUTE
        return total

    def due(self, start: int, span: int) -> int:
        """Walk until more than the span would have run, were the next microsecond open."""
        left, minute = span, start // MINUTE * MINUTE
        while True:
            begin, end = max(start, minute), minute + MINUTE
            if self.is_open(minute):
                if left < end - begin:
                    return begin + left
                left -= end - begin
            minute = end


class Table:
    """The same, every minute of some months looked up once and the open ones counted."""

    def __init__(self, wall: Wall, begin: int, end: int):
        self.begin = begin // MINUTE * MINUTE
        minutes = range(self.begin, end, MINUTE)
        self.opened = [0, *accumulate(MINUTE * wall.is_open(minute) for minute in minutes)]

    def _ran(self, at: int) -> int:
        """Return how much was open from the beginning of the table."""
        whole, rest = divmod(at - self.begin, MINUTE)
        before, after = self.opened[whole : whole + 2]
        return before + min(rest, after - before)

    def elapsed(self, start: int, end: int) -> int:
        return max(0, self._ran(end) - self._ran(start))

    def due(self, start: int, span: int) -> int:
        ran = self._ran(start) + span
        whole = bisect_right(self.opened, ran) - 1
        return self.begin + whole * MINUTE + ran - self.opened[whole]


@cache
def table_of(calendar, begin: int, end: int) -> Table:
    """Return the table of a calendar, of which only what it says is used, not what it works out."""
    return Table(Wall(calendar.zone, calendar.week, calendar.holidays), begin, end)
