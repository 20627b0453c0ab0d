"""How much faster than promised misses may come before somebody is told.

A share of 99 % allows 1 % of misses; twice as many burn that allowance twice as fast. The
workbook's factors are made for shares of 99 % and more: with 90 % even a channel that misses
everything burns only 10 times as fast, and an alert at 14.4 would never fire.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

_LEAST_MISSES: Final = 3
"""Fewer are bad luck, however small the share they may be."""

_LEAST_TICKETS: Final = 10


@dataclass(frozen=True, slots=True)
class Speed:
    """A burn to be told of."""

    factor: float
    """The workbook's, where the share leaves room for it."""
    reach: float
    """Else so far on the way from a burn of 1 to the greatest there can be."""


FAST: Final = Speed(14.4, 1 / 2)
SLOW: Final = Speed(6.0, 1 / 4)


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn at which an alert fires; one that cannot be reached is refused."""

    share: float
    factor: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"a share of {self.share} allows no misses, so nothing can burn")
        if not 1 < self.factor < greatest(self.share):
            raise ValueError(
                f"a burn of {self.factor:g} never comes or always: with a share of "
                f"{self.share:g} it is at most {greatest(self.share):g}"
            )

    @property
    def missed(self) -> float:
        """The share of misses above which it burns faster."""
        return self.factor * (1 - self.share)

    @property
    def least_tickets(self) -> int:
        """Among fewer decided tickets, a handful of misses is no pattern."""
        return max(_LEAST_TICKETS, ceil(_LEAST_MISSES / self.missed))


def greatest(share: float) -> float:
    """Return how fast the allowance burns when everything is missed."""
    return 1 / (1 - share)


def burn(share: float, speed: Speed) -> Burn:
    """Return the burn to tell of where this share is promised."""
    reachable = 1 + speed.reach * (greatest(share) - 1)
    return Burn(share, min(speed.factor, reachable))
