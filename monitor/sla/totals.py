"""Counters that only grow, as Prometheus wants them, and survive restarts with the partition.

A late event can prove a booking false. Taking it off a counter would look like a restart to
Prometheus and count all that came before again, so it is added to a second counter instead:
what is true now is the difference.
"""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

import msgspec

from monitor.sla.events import SECOND
from monitor.sla.policy import Goal, Policy, Target
from monitor.sla.promises import by_group, goals_of
from monitor.sla.ticket import Kind
from monitor.sla.views import GOALS, Book, Booking

_EDGES_SECONDS: Final = (
    *(1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 450, 600, 900, 1800),
    *(3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 604_800),
)


# Looked up through its class, a member costs as much as a call until Python 3.12.
_CREATED: Final = Book.CREATED
_ANSWERED: Final = Book.ANSWERED
_MET: Final = Book.MET
_RESOLVED: Final = Book.RESOLVED
_GOAL_MET: Final = int(Book.GOAL_MET)
"""What is booked for goals begins here."""


def edges(*targets: Target) -> tuple[int, ...]:
    """Return the histogram's upper edges in microseconds, one on each of the thresholds."""
    found = {seconds * SECOND for seconds in _EDGES_SECONDS}
    for target in targets:
        found |= {target.at_risk, target.limit, *(goal.within for goal in target.goals)}
    return tuple(sorted(found))


class GroupTotals(msgspec.Struct):
    """One group's counters since the partition began; lists are by `Book` and `Kind`."""

    edges: tuple[int, ...]
    buckets: list[int]
    """First responses by the edge they stay within, the last beyond all of them."""
    sum_us: int = 0
    booked: list[int] = msgspec.field(default_factory=lambda: [0] * len(Book))
    taken_back: list[int] = msgspec.field(default_factory=lambda: [0] * len(Book))
    told: list[int] = msgspec.field(default_factory=lambda: [0] * len(Kind))
    goals: dict[int, list[int]] = {}
    """By a goal's time how often it was met, missed, and either of them taken back."""
    resolution_us: int = 0
    """From creation to close, of the resolved."""

    def net(self, what: Book) -> int:
        """Return how many bookings stand."""
        return self.booked[what] - self.taken_back[what]


class Totals:
    """Every group's counters (a `View`)."""

    def __init__(self, policy: Policy, stored: dict[str, GroupTotals] | None = None) -> None:
        self._names = ["\0".join(group) for group in policy.groups]
        self.by_group = [
            _restored((stored or {}).get(name), edges(*targets), goals_of(targets))
            for name, targets in zip(self._names, by_group(policy), strict=True)
        ]

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking, or that it was taken back."""
        totals, what = self.by_group[group], booking.what
        if what in GOALS and (counts := totals.goals.get(booking.value)):  # else no goal any more
            counts[what - _GOAL_MET + (sign < 0) * 2] += 1
        if sign < 0:
            totals.taken_back[what] += 1
            return
        totals.booked[what] += 1
        if what is _ANSWERED:
            totals.buckets[bisect_left(totals.edges, booking.value)] += 1
            totals.sum_us += booking.value
        elif what is _RESOLVED:
            totals.resolution_us += booking.value

    def opened(self, group: int, at: int) -> None:
        """Count a creation."""
        del at
        self.by_group[group].booked[_CREATED] += 1

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Count a first response within the limit."""
        del at
        totals = self.by_group[group]
        totals.booked[_ANSWERED] += 1
        totals.booked[_MET] += 1
        totals.buckets[bisect_left(totals.edges, waited)] += 1
        totals.sum_us += waited

    def tell(self, group: int, kind: Kind) -> None:
        """Count an event told."""
        self.by_group[group].told[kind] += 1

    def stored(self) -> dict[str, GroupTotals]:
        """Return what is to be kept, by group name."""
        return dict(zip(self._names, self.by_group, strict=True))


def _restored(
    stored: GroupTotals | None, wanted: tuple[int, ...], goals: Iterable[Goal]
) -> GroupTotals:
    """Go on from what was kept, under another policy too."""
    totals = stored or GroupTotals(wanted, [0] * (len(wanted) + 1))
    if totals.edges != wanted:
        totals.edges, totals.buckets = wanted, _moved(totals, wanted)
    for counts in (totals.booked, totals.taken_back):
        counts.extend([0] * (len(Book) - len(counts)))  # kept by a version that booked less
    totals.goals = {goal.within: totals.goals.get(goal.within, [0] * 4) for goal in goals}
    return totals


def _moved(totals: GroupTotals, edges: tuple[int, ...]) -> list[int]:
    """Return what was counted in buckets with other edges.

    No bucket falls, which Prometheus would take for a restart. An edge that is new has what lies
    within the one before it: how the rest was spread nobody knows any more.
    """
    buckets = [0] * (len(edges) + 1)
    for edge, count in zip(totals.edges, totals.buckets, strict=False):
        buckets[bisect_left(edges, edge)] += count
    buckets[-1] += totals.buckets[-1]
    return buckets
