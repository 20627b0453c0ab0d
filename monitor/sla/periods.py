"""The figures of a history by day, week or month, in a time zone: what `report` prints."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from monitor.sla.base import BaseFigures
from monitor.sla.events import TicketCreated
from monitor.sla.policy import EXPIRES_AFTER, Policy
from monitor.sla.tally import BaseTally, ChannelTally
from monitor.sla.views import Book, Booking

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Per(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"


class Period(NamedTuple):
    """One period, in microseconds since 1970; it ends before `end`."""

    start: int
    end: int
    name: str
    """The date of its first day."""


class Calendar:
    """Cuts time into periods of local days."""

    def __init__(self, per: Per, zone: ZoneInfo) -> None:
        self._per, self._zone = per, zone
        self._last = Period(0, 0, "")

    def period(self, at: int) -> Period:
        """Return the period in which a moment lies."""
        if not self._last.start <= at < self._last.end:
            local = (_EPOCH + at * _MICROSECOND).astimezone(self._zone)
            first = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0, tzinfo=None)
            if self._per is Per.WEEK:
                first -= timedelta(days=first.weekday())
            elif self._per is Per.MONTH:
                first = first.replace(day=1)
            self._last = self._from(first)
        return self._last

    def until(self, start: int, end: int) -> Iterable[Period]:
        """Yield the periods from one moment to another, those with nothing in them too."""
        period = self.period(start)
        while period.start <= end:
            yield period
            period = self.period(period.end)

    def _from(self, first: datetime) -> Period:
        if self._per is Per.MONTH:
            after = (first + timedelta(days=32)).replace(day=1)
        else:
            after = first + timedelta(days=7 if self._per is Per.WEEK else 1)
        return Period(self._moment(first), self._moment(after), first.date().isoformat())

    def _moment(self, local: datetime) -> int:
        return (local.replace(tzinfo=self._zone) - _EPOCH) // _MICROSECOND


class Open(NamedTuple):
    """How many tickets were unresolved at the end of a period, by channel."""

    every: int
    older: list[int]
    """Those older than each of the policy's ages."""


class PeriodTally:
    """Every channel's sums, period by period (a `View`)."""

    def __init__(self, policy: Policy, calendar: Calendar) -> None:
        self.policy = policy
        self.base = BaseTally()
        self._calendar = calendar
        self._last = 0
        self._names = [channel for channel, _ in policy.groups]
        self._tallies: dict[tuple[int, str], ChannelTally] = {}
        self._created: Counter[tuple[int, str]] = Counter()
        self._over: dict[Book, Counter[tuple[int, int, str]]] = {
            Book.CLOSED: Counter(),
            Book.EXPIRED: Counter(),
            Book.ANSWERED: Counter(),
        }
        """When tickets were over by each kind of end, with their creation and channel."""

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking in the period of its moment."""
        channel, (what, at, value) = self._names[group], booking
        self._last = max(self._last, at)
        self._tally(at, channel).add(booking, sign)
        if what is Book.CREATED:
            self._created[at, channel] += sign
        elif what in self._over:
            created = at - (EXPIRES_AFTER if what is Book.EXPIRED else value)
            self._over[what][at + (what is Book.EXPIRED), created, channel] += sign

    def opened(self, group: int, at: int) -> None:
        """Count a creation."""
        self.book(group, Booking(Book.CREATED, at), 1)

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Count a first response within the limit."""
        self.book(group, Booking(Book.ANSWERED, at, waited), 1)
        self.book(group, Booking(Book.MET, at), 1)

    def note(self, event: TicketCreated) -> None:
        """Take note of a ticket's customer."""
        if event.customer:
            self._tally(event.at, event.channel).customers.add(event.customer)

    @property
    def periods(self) -> list[Period]:
        """The periods from the first thing that happened to the last."""
        moments = [start for (start, _), tally in self._tallies.items() if any(tally.counts)]
        return list(self._calendar.until(min(moments), max(moments))) if moments else []

    def tally(self, periods: Iterable[Period], channels: Iterable[str]) -> ChannelTally:
        """Add up some periods and channels."""
        total = ChannelTally(self.policy.backlog_ages)
        channels = list(channels)
        for period in periods:
            for channel in channels:
                part = self._tallies.get((period.start, channel))
                if part is not None:
                    total.merge(part)
        return total

    def several(self, periods: Iterable[Period]) -> int:
        """Return how many customers used several channels in some periods together."""
        starts = {period.start for period in periods}
        seen: dict[str, set[int]] = {}
        for (start, channel), tally in self._tallies.items():
            if start in starts:
                seen.setdefault(channel, set()).update(tally.customers)
        channels = Counter(customer for customers in seen.values() for customer in customers)
        return sum(count > 1 for count in channels.values())

    def moves(self, period: Period) -> BaseFigures:
        """Return the customer base at the end of a period."""
        return self.base.figures(period.start, period.end)

    def unresolved(self, periods: Sequence[Period]) -> list[dict[str, Open]]:
        """Return what was open at the end of each period, by channel; of the last, so far."""
        # Where closes are not reported, a ticket is over at its first response.
        ends = Book.CLOSED if any(self._over[Book.CLOSED].values()) else Book.ANSWERED
        begun = sorted(self._created.elements())
        over = sorted([*self._over[ends].elements(), *self._over[Book.EXPIRED].elements()])
        waiting: dict[str, list[int]] = {channel: [] for channel in self.policy.channels}
        found, next_begun, next_over = [], 0, 0
        for period in periods:
            now = min(period.end - 1, self._last)
            while next_begun < len(begun) and begun[next_begun][0] <= now:
                at, channel = begun[next_begun]
                insort(waiting[channel], at)
                next_begun += 1
            while next_over < len(over) and over[next_over][0] <= now:
                _, created, channel = over[next_over]
                index = bisect_left(waiting[channel], created)
                # One that was answered, closed and expired is over once.
                if index < len(waiting[channel]) and waiting[channel][index] == created:
                    del waiting[channel][index]
                next_over += 1
            found.append({name: self._open(mine, now) for name, mine in waiting.items()})
        return found

    def _open(self, created: Sequence[int], now: int) -> Open:
        expired = bisect_left(created, now - EXPIRES_AFTER)
        older = [bisect_left(created, now - age) - expired for age in self.policy.backlog_ages]
        return Open(len(created) - expired, older)

    def _tally(self, at: int, channel: str) -> ChannelTally:
        key = self._calendar.period(at).start, channel
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = ChannelTally(self.policy.backlog_ages)
        return tally
