"""Sliding windows: per group and window the sums of the last 60 panes, exact and retractable."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence, Sized
from math import inf
from operator import add, sub
from typing import Final, NamedTuple

from monitor.sla.events import DAY, SECOND
from monitor.sla.forecasts import Forecasts
from monitor.sla.policy import Formula, Policy
from monitor.sla.quantiles import bucket, quantiles
from monitor.sla.views import Book, Booking

WINDOWS: Final[Mapping[str, int]] = {"5m": 300 * SECOND, "1h": 3600 * SECOND, "24h": DAY}
"""Each window's length in microseconds."""

PANES: Final = 60
"""A window is as long as this many panes, the newest still filling."""

_ENOUGH: Final = 10_000
"""So many bookings are counted though nobody looks."""

# Looked up through its class, a member costs as much as a call until Python 3.12.
_CREATED: Final = Book.CREATED
_ANSWERED: Final = Book.ANSWERED
_CLOSED: Final = Book.CLOSED
_MET: Final = Book.MET
_RESOLVED: Final = Book.RESOLVED

_FORECAST_UP_TO: Final = Book.ABANDONED
"""Bookings up to this one are what forecasts learn from."""


class Pane:
    """The sums of one stretch of time; also those of a whole window."""

    __slots__ = ("counts", "latencies", "resolution_us", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * len(Book)
        self.sum_us = 0
        self.resolution_us = 0
        self.latencies: dict[int, int] = {}

    def add(self, booking: Booking, sign: int) -> None:
        """Count one booking, or take it back."""
        self.counts[booking.what] += sign
        if booking.what is _ANSWERED:
            self.sum_us += sign * booking.value
            _add(self.latencies, bucket(booking.value), sign)
        elif booking.what is _RESOLVED:
            self.resolution_us += sign * booking.value

    def merge(self, other: "Pane", sign: int = 1) -> None:
        """Add another's sums, or take them away."""
        self.counts = [*map(add if sign > 0 else sub, self.counts, other.counts)]
        self.sum_us += sign * other.sum_us
        self.resolution_us += sign * other.resolution_us
        if sign > 0 and not self.latencies:
            self.latencies = dict(other.latencies)
            return
        mine, get = self.latencies, self.latencies.get
        for index, count in other.latencies.items():
            mine[index] = get(index, 0) + sign * count
        if sign < 0:
            self.latencies = {index: count for index, count in mine.items() if count}

    def figures(self, formula: Formula) -> "Figures":
        """Work out what is shown of these sums."""
        c = self.counts
        p50, p90 = quantiles(self.latencies, (0.5, 0.9))
        return Figures(
            created=c[Book.CREATED],
            answered=c[Book.ANSWERED],
            closed=c[Book.CLOSED],
            met=c[Book.MET],
            missed=c[Book.MISSED],
            abandoned=c[Book.ABANDONED],
            short_abandoned=c[Book.SHORT_ABANDONED],
            resolved=c[Book.RESOLVED],
            resolution_us=self.resolution_us,
            answers={book: c[book] for book in ANSWERS},
            sum_us=self.sum_us,
            p50_us=p50,
            p90_us=p90,
            service_level_ratio=service_level(c, formula),
        )


class Figures(NamedTuple):
    """One window's figures, times in microseconds; no ratio and no quantile of nothing."""

    created: int
    answered: int
    closed: int
    met: int
    missed: int
    abandoned: int
    """Closed unanswered within the limit, the short ones among them."""
    short_abandoned: int
    resolved: int
    resolution_us: int
    answers: Mapping[Book, int]
    """What surveys said."""
    sum_us: int
    p50_us: float | None
    p90_us: float | None
    service_level_ratio: float | None

    @property
    def csat_ratio(self) -> float | None:
        """Satisfied answers over all answers; None without one."""
        satisfied = self.answers[Book.SATISFIED]
        every = satisfied + self.answers[Book.DISSATISFIED]
        return satisfied / every if every else None

    @property
    def net_promoter_score(self) -> float | None:
        """The percentage of promoters less that of detractors, -100 to 100; None of nobody."""
        promoters, detractors = self.answers[Book.PROMOTER], self.answers[Book.DETRACTOR]
        every = promoters + self.answers[Book.PASSIVE] + detractors
        return 100 * (promoters - detractors) / every if every else None


ANSWERS: Final = (
    *(Book.SATISFIED, Book.DISSATISFIED),
    *(Book.PROMOTER, Book.PASSIVE, Book.DETRACTOR),
)
"""What surveys say."""


def service_level(counts: Sequence[int], formula: Formula) -> float | None:
    """Return the share of decided tickets that were answered in time; None if none is decided."""
    good, all_ = decided(counts, formula)
    return good / all_ if all_ > 0 else None


def decided(counts: Sequence[int], formula: Formula) -> tuple[int, int]:
    """Return how many tickets were answered in time, and of how many, as a formula has it."""
    met, missed = counts[Book.MET], counts[Book.MISSED]
    late, abandoned = counts[Book.LATE], counts[Book.ABANDONED]
    long_abandoned = abandoned - counts[Book.SHORT_ABANDONED]
    of = {
        Formula.ABANDON_IGNORED: (met, met + missed),
        Formula.ANSWERED_ONLY: (met, met + late),
        Formula.ABANDON_NEGATIVE: (met, met + missed + abandoned),
        Formula.ABANDON_POSITIVE: (met + abandoned, met + missed + abandoned),
        Formula.SHORT_EXCLUDED: (met, met + missed + long_abandoned),
    }
    return of[formula]


class Window:
    """One group's window, its sums kept up to date.

    Windows of several lengths form a chain: each holds only what has slid out of the finer one,
    so a booking is added once and not to every window. Their panes fit into each other.
    """

    __slots__ = ("coarser", "finer", "first", "kept", "own", "pane_us")

    def __init__(self, length_us: int, finer: "Window | None" = None) -> None:
        self.pane_us = length_us // PANES
        self.first = 0
        self.kept: dict[int, Pane] = {}
        self.own = Pane()
        self.finer = finer
        self.coarser: Window | None = None
        if finer is not None:
            finer.coarser = self

    @property
    def total(self) -> Pane:
        """The sums of the whole window."""
        total = Pane()
        window: Window | None = self
        while window is not None:
            total.merge(window.own)
            window = window.finer
        return total

    @property
    def panes(self) -> dict[int, Pane]:
        """The sums pane by pane."""
        panes = dict(self.kept)
        copied = set()
        window = self.finer
        while window is not None:
            for number, pane in window.kept.items():
                mine = number * window.pane_us // self.pane_us
                if mine not in copied:
                    copied.add(mine)
                    copy = Pane()
                    if mine in panes:
                        copy.merge(panes[mine])
                    panes[mine] = copy
                panes[mine].merge(pane)
            window = window.finer
        return panes

    def add(self, booking: Booking, sign: int) -> None:
        """Count a booking in the pane of its moment."""
        for pane in self.place(booking.at)[0]:
            pane.add(booking, sign)

    def place(self, at: int) -> tuple[tuple[Pane, ...], float]:
        """Return the pane of a moment with the sums of the window that holds it, and its end.

        What is older than this window is the coarser one's, and no one's beyond the coarsest.
        """
        window = self
        finer_begins: float = inf
        while True:
            number = at // window.pane_us
            begins = window.first * window.pane_us
            if number >= window.first:
                pane = window.kept.get(number)
                if pane is None:
                    pane = window.kept[number] = Pane()
                return (pane, window.own), min((number + 1) * window.pane_us, finer_begins)
            if window.coarser is None:
                return (), begins
            window, finer_begins = window.coarser, begins

    def advance(self, now: int) -> None:
        """Let the panes that have slid out go to the coarser window."""
        first = now // self.pane_us - PANES + 1
        if first <= self.first:
            return
        self.first = first
        # What goes to the same place is added up first: while a history is read that is much.
        coarser, gone = self.coarser, dict[int, Pane]()
        for number in [number for number in self.kept if number < first]:
            pane = self.kept.pop(number)
            place = 0 if coarser is None else number * self.pane_us // coarser.pane_us
            if place in gone:
                gone[place].merge(pane)
            else:
                gone[place] = pane
        for place, pane in gone.items():
            self.own.merge(pane, -1)
            if coarser is not None:
                coarser.absorb(place, pane)

    def absorb(self, number: int, pane: Pane) -> None:
        """Take over a pane that slid out of the finer window; it is nobody else's."""
        if number >= self.first:
            self.own.merge(pane)
            if number in self.kept:
                self.kept[number].merge(pane)
            else:
                self.kept[number] = pane
        elif self.coarser is not None:
            self.coarser.absorb(number * self.pane_us // self.coarser.pane_us, pane)


class Windows:
    """Every group's windows (a `View`).

    What is booked is only noted, and counted when somebody looks or enough has come together: a
    history that is read fast goes to the panes in which it still counts, and to no finer ones.
    """

    def __init__(self, policy: Policy, forecasts: Forecasts | None = None) -> None:
        self._forecasts = Forecasts(policy) if forecasts is None else forecasts
        """Told of all that is noted, whenever it is counted."""
        self._chains = [chain() for _ in policy.groups]
        self._opened: list[list[int]] = [[] for _ in policy.groups]
        self._answered: list[list[tuple[int, int]]] = [[] for _ in policy.groups]
        self._noted: list[tuple[int, Booking, int]] = []
        self._now = 0
        self._next_check = 0

    @property
    def by_group(self) -> list[dict[str, Window]]:
        """Each group's windows by name, as of the last `advance`."""
        self.count()
        return self._chains

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking."""
        self._noted.append((group, booking, sign))

    def opened(self, group: int, at: int) -> None:
        """Count a creation."""
        self._opened[group].append(at)

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Count a first response within the limit."""
        self._answered[group].append((at, waited))

    def advance(self, now: int) -> None:
        """Slide to `now`."""
        self._now = now
        if now >= self._next_check:
            self._next_check = now + 60 * SECOND
            notes: list[Sized] = [*self._opened, *self._answered, self._noted]
            if sum(map(len, notes)) > _ENOUGH:
                self.count()

    def count(self) -> None:
        """Count what is noted."""
        for group, windows in enumerate(self._chains):
            slide(windows, self._now)
            finest = next(iter(windows.values()))
            _count_opened(finest, self._opened[group])
            _count_answered(finest, self._answered[group])
            self._forecasts.take(group, self._opened[group], self._answered[group], self._now)
            self._opened[group].clear()
            self._answered[group].clear()
        for group, booking, sign in self._noted:
            next(iter(self._chains[group].values())).add(booking, sign)
            if (
                booking.what <= _FORECAST_UP_TO and booking.what is not _CLOSED
            ):  # the most frequent, and no forecast's business
                self._forecasts.book(group, booking, sign)
        self._noted.clear()


def _count_opened(finest: Window, times: list[int]) -> None:
    """Count creations, pane by pane."""
    times.sort()
    begin = 0
    while begin < len(times):
        panes, until = finest.place(times[begin])
        end = bisect_left(times, until, begin)
        for pane in panes:
            pane.counts[_CREATED] += end - begin
        begin = end


def _count_answered(finest: Window, answered: list[tuple[int, int]]) -> None:
    """Count first responses within the limit, their moments and waiting times, pane by pane."""
    answered.sort()
    begin = 0
    while begin < len(answered):
        panes, until = finest.place(answered[begin][0])
        end = bisect_left(answered, (until, 0), begin)
        waits = [waited for _, waited in answered[begin:end]]
        count, sum_us, buckets = end - begin, sum(waits), [*map(bucket, waits)]
        for pane in panes:
            pane.counts[_ANSWERED] += count
            pane.counts[_MET] += count
            pane.sum_us += sum_us
            latencies, get = pane.latencies, pane.latencies.get
            for index in buckets:
                latencies[index] = get(index, 0) + 1
        begin = end


def totals(windows: Mapping[str, Window]) -> dict[str, Pane]:
    """Return the sums of each window of a chain: its `total`, in a third of the time."""
    found = {}
    total = Pane()
    for name, window in windows.items():
        longer = Pane()
        longer.merge(window.own)
        longer.merge(total)
        found[name] = total = longer
    return found


def window_start(name: str, now: int) -> int:
    """Return when a window that ends at `now` began: with its first pane."""
    pane_us = WINDOWS[name] // PANES
    return (now // pane_us - PANES + 1) * pane_us


def slide(windows: dict[str, Window], now: int) -> None:
    """Let the windows of a chain end at `now`."""
    # The coarsest first: what slides out of a finer one has to find its place.
    for window in reversed(windows.values()):
        window.advance(now)


def chain() -> dict[str, Window]:
    """Return empty windows of every length."""
    windows: dict[str, Window] = {}
    finer = None
    for name, length in WINDOWS.items():
        finer = windows[name] = Window(length, finer)
    return windows


def _add(counts: dict[int, int], index: int, count: int) -> None:
    left = counts.get(index, 0) + count
    if left:
        counts[index] = left
    else:
        counts.pop(index, None)
