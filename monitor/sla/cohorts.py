"""One group's tickets by when they were created and how long they waited, counted, not kept.

A cohort is what was created within a twentieth of the limit; a tick is the end of each such span.
All of a cohort that still wait at a tick have waited equally long, within that twentieth, so
counts are enough: neither forecasts nor their scores need to remember a ticket.
"""

from bisect import bisect_right
from collections import Counter
from typing import Final, NamedTuple

from monitor.sla.views import Book, Booking

TICKS: Final = 20
"""So many ticks pass while a ticket waits to its limit."""

_STRIDE: Final = TICKS + 2
# Looked up through its class, a member costs as much as a call until Python 3.12.
_CREATED: Final = Book.CREATED
_MISSED: Final = Book.MISSED
_ENDINGS: Final = (Book.ANSWERED, Book.ABANDONED)


class Cohort(NamedTuple):
    """A cohort of which every ticket has ended or passed its limit."""

    number: int
    ended: dict[int, int]
    """How many ended within the limit, by the ticks at which they had been waiting."""
    missed: int
    """How many passed the limit."""

    def waiting(self, tick: int) -> int:
        """Return how many waited at their `tick`th tick."""
        return self.missed + sum(n for ticks, n in self.ended.items() if ticks >= tick)


class Cohorts:
    """The cohorts of one group that are not decided yet.

    Cohort n was created after n and up to n + 1 spans of `width` microseconds; tick t is at t
    spans. So at tick t those of cohort n are waiting at their (t - n)th tick.
    """

    def __init__(self, limit: int, decided: int = -1) -> None:
        self.width = max(1, limit // TICKS)
        self.decided = decided
        """What is heard of this cohort, or of an earlier one, comes too late."""
        self._limit = limit
        self._opened: Counter[int] = Counter()
        self._ended: Counter[int] = Counter()
        self._missed: Counter[int] = Counter()

    def number(self, created: int) -> int:
        """Return the cohort of a ticket."""
        return (created - 1) // self.width

    def take(self, opened: list[int], answered: list[tuple[int, int]], now: int) -> None:
        """Count creations, and first responses with their waits within the limit; both sorted."""
        width = self.width
        known = max(self.decided, now // width - TICKS - 2)
        begin = bisect_right(opened, (known + 1) * width)
        self._opened.update([(created - 1) // width for created in opened[begin:]])
        self._ended.update(
            [  # cohort * stride + tick - cohort
                (at - waited - 1) // width * (_STRIDE - 1) + (at - 1) // width
                for at, waited in answered
            ]
        )

    def book(self, booking: Booking, sign: int) -> None:
        """Count a booking."""
        what, at, value = booking
        if what is _CREATED:
            if (number := self.number(at)) > self.decided:
                self._opened[number] += sign
        elif what is _MISSED:
            self._missed[self.number(at - self._limit)] += sign
        elif what in _ENDINGS and value <= self._limit:
            cohort = self.number(at - value)
            self._ended[cohort * _STRIDE + self.number(at) - cohort] += sign

    def standing(self) -> list[tuple[int, int]]:
        """Return the number of each cohort and how many of it wait within their limit."""
        if not self._opened:
            return []
        left = self._opened.copy()
        left.subtract(self._missed)
        for key, count in self._ended.items():
            left[key // _STRIDE] -= count
        return sorted((number, count) for number, count in left.items() if count > 0)

    def decide(self, tick: int) -> list[Cohort]:
        """Remove and return the cohorts that are decided at a tick, in order."""
        until = tick - TICKS - 2
        if until <= self.decided:
            return []
        found: dict[int, Cohort] = {}
        for key in [key for key in self._ended if key < (until + 1) * _STRIDE]:
            number, ticks = divmod(key, _STRIDE)
            _cohort(found, number).ended[ticks] = self._ended.pop(key)
        for number in [number for number in self._missed if number <= until]:
            cohort = _cohort(found, number)
            found[number] = cohort._replace(missed=self._missed.pop(number))
        for number in [number for number in self._opened if number <= until]:
            del self._opened[number]
        heard, self.decided = self.decided, until
        return [found[number] for number in sorted(found) if number > heard]


def _cohort(found: dict[int, Cohort], number: int) -> Cohort:
    cohort = found.get(number)
    if cohort is None:
        cohort = found[number] = Cohort(number, {}, 0)
    return cohort
