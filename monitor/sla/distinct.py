"""How many different customers there were in a sliding window, in bounded memory, and mergeable.

The sketch is K minimum values (Bar-Yossef et al., "Counting distinct elements in a data stream",
RANDOM 2002; the theta sketch of Apache DataSketches is its kin): of hashes spread evenly over
[0, 1) the k-th smallest, v, says that there are (k - 1) / v of them. With fewer than k it is exact,
with more its standard error is 1 / sqrt(k - 2). Several are one by taking the least hashes of all,
so whoever is in several partitions or channels is counted once.

Over sliding windows a hash is kept while fewer than k smaller ones were seen since (the sampling
of Babcock, Datar, Motwani: "Sampling from a moving window over streaming data", SODA 2002): of n
customers about k (1 + ln(n / k)), from which every window's k least can be told.
"""

import heapq
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from monitor.sla.events import DAY, NEVER
from monitor.sla.policy import Policy

K: Final = 512
"""Exact below so many customers, then with a standard error of 4.4 %. Added up over 12 partitions
a sketch is as good as one of 12 times the size: 1.3 %."""

HASH_BITS: Final = 32
"""Of two million customers one in 4,300 shares its hash with another: far below the error."""

_ALL: Final = 2**HASH_BITS

HASH: Final = "I"
"""How a hash is packed: an unsigned integer of 32 bits."""

_REMEMBERED: Final = 8
"""So many sketches are remembered: those of each window, and of some moments."""

_ENOUGH: Final = 4096
"""So many notes are taken in though nobody looks."""


class Sketch(NamedTuple):
    """The least hashes since any moment between two, until more is seen."""

    since: int
    oldest: int
    """When the first of those in it was seen."""
    hashes: "array[int]"


class Distinct:
    """When each of many hashes was last seen, as far as that still matters."""

    __slots__ = ("_last", "_most", "_sketches")

    def __init__(self) -> None:
        self._last: dict[int, int] = {}
        self._most = 4 * K
        self._sketches: deque[Sketch] = deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        return len(self._last)

    def see(self, seen: Iterable[tuple[int, int]], since: int) -> None:
        """Take in moments with hashes, in any order; what is older than `since` is dropped."""
        last = self._last
        self._sketches.clear()
        for at, customer in seen:
            if last.get(customer, since) <= at:
                last[customer] = at
        if len(last) > self._most:
            self._prune(since)
            self._most = 4 * max(K, len(self._last))

    def least(self, since: int) -> "array[int]":
        """Return the k least hashes seen since a moment, in order."""
        for sketch in self._sketches:
            if sketch.since <= since <= sketch.oldest:
                return sketch.hashes
        # Of the 4 K there are at most, sorting takes half the time of heapq.nsmallest.
        least = sorted([each for each, at in self._last.items() if at >= since])[:K]
        oldest = min(map(self._last.__getitem__, least), default=NEVER)
        self._sketches.append(Sketch(since, oldest, array(HASH, least)))
        return self._sketches[-1].hashes

    def _prune(self, since: int) -> None:
        """Drop what is too old, and what k smaller ones have come after."""
        kept: dict[int, int] = {}
        least: list[int] = []
        for customer, at in sorted(self._last.items(), key=lambda seen: -seen[1]):
            if at < since:
                break
            if len(least) < K:
                heapq.heappush(least, -customer)
            elif customer < -least[0]:
                heapq.heapreplace(least, -customer)
            else:
                continue
            kept[customer] = at
        self._last = kept


def estimate(sketches: Iterable[Sequence[int]]) -> int:
    """Return how many different hashes some sketches, as of `Distinct.least`, have seen."""
    sketches = list(sketches)
    up_to = _known_up_to(sketches)
    found = len(_known(sketches, up_to))
    # The greatest is where we looked, not a chance find.
    return found if up_to == _ALL else _scaled(found - 1, up_to)


def estimate_shared(sketches: Sequence[Sequence[Sequence[int]]]) -> int:
    """Return how many different hashes were seen by more than one of some lists of sketches."""
    up_to = _known_up_to(sketch for each in sketches for sketch in each)
    once: set[int] = set()
    again: set[int] = set()
    for each in sketches:
        known = _known(each, up_to)
        again |= once & known
        once |= known
    return len(again) if up_to == _ALL else _scaled(len(again), up_to)


def _known_up_to(sketches: Iterable[Sequence[int]]) -> int:
    """Return up to where all hashes are known: a full sketch knows of none above its greatest."""
    return min((sketch[-1] for sketch in sketches if len(sketch) >= K), default=_ALL)


def _known(sketches: Iterable[Sequence[int]], up_to: int) -> set[int]:
    return set().union(*(sketch[: bisect_right(sketch, up_to)] for sketch in sketches))


def _scaled(found: int, up_to: int) -> int:
    return round(found * float(_ALL) / up_to)


class Customers:
    """Every group's customers by when they last opened a ticket."""

    def __init__(self, policy: Policy) -> None:
        self.noted: list[list[tuple[int, int]]] = [[] for _ in policy.groups]
        """By group the moment at which a ticket was opened, with the customer's hash."""
        self._seen = [Distinct() for _ in policy.groups]

    def advance(self, now: int) -> None:
        """Take in what was noted, if there is much of it."""
        for group, noted in enumerate(self.noted):
            if len(noted) > _ENOUGH:
                self._take_in(group, now)

    def least(self, group: int, now: int, starts: Collection[int]) -> "list[array[int]]":
        """Return a group's sketch for each window, given when they begin."""
        self._take_in(group, now)
        return [self._seen[group].least(start) for start in starts]

    def _take_in(self, group: int, now: int) -> None:
        if self.noted[group]:
            self._seen[group].see(self.noted[group], now - DAY)
            self.noted[group].clear()
