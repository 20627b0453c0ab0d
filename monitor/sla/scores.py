"""How good forecasts were: what was said, and what came of it.

The measures are those of the verification of forecasts: the Brier score (Brier 1950) with its
reliability table, and of the warnings precision, recall and lead time.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from monitor.sla.cohorts import TICKS, Cohort
from monitor.sla.events import SECOND

BINS: Final = 10
LIKELY: Final = 0.5
"""A ticket is likely late from this chance on: a warning."""


class Bin(NamedTuple):
    """A row of the reliability table: how often came what was said with this chance."""

    forecasts: int
    mean_chance: float
    missed_ratio: float


class Scores(msgspec.Struct, array_like=True):
    """One forecaster's record; it adds up."""

    forecasts: list[int] = msgspec.field(default_factory=lambda: [0] * BINS)
    """By the chance that was said, in tenths."""
    chances: list[float] = msgspec.field(default_factory=lambda: [0.0] * BINS)
    """Their sums."""
    missed: list[int] = msgspec.field(default_factory=lambda: [0] * BINS)
    """How many of them came true."""
    squared_error: float = 0.0
    false_positive: int = 0
    """Tickets warned of that ended within the limit."""
    false_negative: int = 0
    """Tickets that passed the limit with no warning."""
    leads: list[int] = msgspec.field(default_factory=lambda: [0] * TICKS)
    """Tickets warned of that passed the limit, by the ticks between the two."""

    def judge(self, said: Sequence[tuple[int, float]], cohort: Cohort) -> None:
        """Count what was said of a cohort, as (tick, chance) in order, from its first tick on."""
        warned = None
        for tick, chance in said:
            waiting = cohort.waiting(tick)
            self._add(chance, waiting, cohort.missed)
            if warned is None and chance >= LIKELY:
                warned = tick
                self.false_positive += waiting - cohort.missed
                self.leads[TICKS - tick] += cohort.missed
        if warned is None:
            self.false_negative += cohort.missed

    def copy(self) -> "Scores":
        """Return a record of its own with the same counts."""
        copy = Scores()
        copy.add(self)
        return copy

    def add(self, other: "Scores") -> None:
        """Add another's record."""
        self.forecasts = _sums(self.forecasts, other.forecasts)
        self.chances = [a + b for a, b in zip(self.chances, other.chances, strict=True)]
        self.missed = _sums(self.missed, other.missed)
        self.squared_error += other.squared_error
        self.false_positive += other.false_positive
        self.false_negative += other.false_negative
        self.leads = _sums(self.leads, other.leads)

    @property
    def true_positive(self) -> int:
        """Tickets warned of that passed the limit."""
        return sum(self.leads)

    @property
    def precision(self) -> float | None:
        """The share of the warnings that came true."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float | None:
        """The share of the misses that were warned of."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def brier_score(self) -> float | None:
        """The mean squared error: 0 is best, and who always says one half gets 0.25."""
        return _ratio(self.squared_error, sum(self.forecasts))

    def lead(self, share: float) -> float | None:
        """Return the lead that this share of the true warnings had at most, in limits."""
        rank = share * self.true_positive
        total = 0
        for ticks, count in enumerate(self.leads):
            total += count
            if count and total >= rank:
                return (ticks + 0.5) / TICKS
        return None

    def reliability(self) -> list[Bin | None]:
        """Return the reliability table; None where nothing was said with such a chance."""
        return [
            Bin(n, chances / n, missed / n) if n else None
            for n, chances, missed in zip(self.forecasts, self.chances, self.missed, strict=True)
        ]

    def figures(self, limit: int) -> dict[str, Any]:
        """Return what is shown of it; `limit` is the promise, in microseconds."""
        return {
            "forecasts": sum(self.forecasts),
            "brier_score": _rounded(self.brier_score),
            "true_positive": self.true_positive,
            "false_positive": self.false_positive,
            "false_negative": self.false_negative,
            "precision_ratio": _rounded(self.precision),
            "recall_ratio": _rounded(self.recall),
            "lead_p50_seconds": _rounded(self.lead(0.5), limit / SECOND),
            "lead_p10_seconds": _rounded(self.lead(0.1), limit / SECOND),
        }

    def _add(self, chance: float, forecasts: int, missed: int) -> None:
        row = min(int(chance * BINS), BINS - 1)
        self.forecasts[row] += forecasts
        self.chances[row] += chance * forecasts
        self.missed[row] += missed
        self.squared_error += missed * (1 - chance) ** 2 + (forecasts - missed) * chance**2


def _rounded(value: float | None, unit: float = 1.0) -> float | None:
    return None if value is None else round(value * unit, 6)


def _sums(one: Sequence[int], other: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, other, strict=True)]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
