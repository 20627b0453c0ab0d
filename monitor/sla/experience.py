"""What has become of those who waited: the life table of one group's cohorts.

Kept twice, since the beginning and fading with a half-life: the recent is believed as far as
there is enough of it, else the whole.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import msgspec

from monitor.sla.cohorts import TICKS, Cohort

HALF_LIFE: Final = 8 * TICKS
"""In so many ticks, eight times the limit, the recent fades by half."""

RECENT_PRIOR: Final = 40
"""The whole past counts as much as so many recent tickets."""

FIRST_PRIOR: Final = 2
"""What the policy hopes for counts as much as so many tickets."""

_FADING: Final = 0.5 ** (1 / HALF_LIFE)


def hoped_for(share: float) -> list[float]:
    """Return by tick the chance to miss, if replies come at the rate that just keeps a share."""
    left = (min(max(1 - (tick - 0.5) / TICKS, 0.0), 1.0) for tick in range(TICKS + 2))
    return [(1 - share) ** part for part in left]


class Table(msgspec.Struct, array_like=True):
    """Counts of tickets; where they fade, no whole numbers."""

    ended: list[float] = msgspec.field(default_factory=lambda: [0.0] * (TICKS + 2))
    """Ended within the limit, by the ticks at which they had been waiting."""
    missed: float = 0.0
    """Passed the limit."""

    def fade(self, factor: float) -> None:
        """Let all of it count less."""
        self.ended = [count * factor for count in self.ended]
        self.missed *= factor

    def add(self, cohort: Cohort, weight: float = 1.0) -> None:
        """Count a decided cohort."""
        for ticks, count in cohort.ended.items():
            self.ended[ticks] += count * weight
        self.missed += cohort.missed * weight

    def waiting(self) -> list[float]:
        """Return by tick how many waited at it."""
        return list(accumulate(reversed(self.ended), initial=self.missed))[:0:-1]


class Experience(msgspec.Struct, array_like=True):
    """The life table of a group, whole and recent."""

    whole: Table = msgspec.field(default_factory=Table)
    recent: Table = msgspec.field(default_factory=Table)
    spans: float = 0.0
    """How many cohorts the recent is made of, empty ones too."""
    until: int = -1
    """The last cohort that is in it."""

    def learn(self, cohorts: Sequence[Cohort], until: int) -> None:
        """Add what is decided up to the cohort `until`, in order."""
        if self.until < 0:
            if not cohorts:
                return
            self.until = cohorts[0].number - 1
        fading = _FADING ** (until - self.until)
        self.recent.fade(fading)
        self.spans = self.spans * fading + (1 - fading) / (1 - _FADING)
        for cohort in cohorts:
            self.whole.add(cohort)
            self.recent.add(cohort, _FADING ** (until - cohort.number))
        self.until = until

    def chances(self, hoped: Sequence[float]) -> list[float]:
        """Return by tick the share of misses among those who waited at it; it never falls.

        `hoped` is believed before anything is known.
        """
        whole, recent = self.whole, self.recent
        return [
            (
                recent.missed
                + RECENT_PRIOR * (whole.missed + FIRST_PRIOR * first) / (of_whole + FIRST_PRIOR)
            )
            / (of_recent + RECENT_PRIOR)
            for first, of_whole, of_recent in zip(
                hoped, whole.waiting(), recent.waiting(), strict=True
            )
        ]

    def share_of_misses(self, hoped: Sequence[float]) -> float:
        """Return the share of misses among all there were, however long they waited."""
        whole = self.whole
        all_ = sum(whole.ended) + whole.missed
        return (whole.missed + FIRST_PRIOR * hoped[0]) / (all_ + FIRST_PRIOR)

    def share_at(self, ticks: Sequence[int], hoped: Sequence[float]) -> float:
        """Return the share of misses among those who waited at any of these ticks."""
        waiting = self.whole.waiting()
        among = sum(waiting[tick] for tick in ticks)
        first = FIRST_PRIOR * sum(hoped[tick] for tick in ticks) / len(ticks)
        return (self.whole.missed * len(ticks) + first) / (among + FIRST_PRIOR)

    def endings_per_span(self) -> float:
        """Return how many ended within the limit of late, a cohort's span."""
        return sum(self.recent.ended) / self.spans if self.spans else 0.0
