"""The demo's four channels: when customers come, and what it takes to answer them."""

import math
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

HOUR: Final = 3600.0
MINUTE: Final = 60.0

OFFICE_HOURS: Final = tuple(
    share / 100
    for share in (
        *(8, 6, 5, 5, 6, 9, 18, 40, 72, 94, 100, 93),
        *(76, 74, 86, 95, 92, 76, 54, 38, 28, 20, 14, 10),
    )
)
"""The share of the peak at the beginning of each hour, UTC: a morning and an afternoon peak."""
EVENING_HOURS: Final = tuple(
    share / 100
    for share in (
        *(22, 14, 9, 7, 7, 9, 15, 28, 42, 52, 56, 58),
        *(60, 56, 52, 54, 60, 70, 82, 94, 100, 92, 66, 40),
    )
)
"""The same for people who write when their own work is done."""


class Spread(NamedTuple):
    """Log-normal seconds: half are below the median, a few far above."""

    median: float
    sigma: float

    @property
    def mean(self) -> float:
        """The average, which the few long ones pull above the median."""
        return self.median * math.exp(self.sigma**2 / 2)

    def draw(self, random: Random) -> float:
        """Return one of them."""
        return random.lognormvariate(math.log(self.median), self.sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How customers come on one channel, and what answering them takes."""

    name: str
    peak_per_hour: float
    hours: tuple[float, ...]
    reply: Spread
    """From an agent taking the ticket to the first reply."""
    effort: Spread
    """How long a ticket keeps an agent from taking another."""
    resolve: Spread
    """From the first reply to the end."""
    patience: float
    """The mean time after which a customer leaves unanswered."""
    automated_share: float = 0.0
    asks_again_share: float = 0.0
    """How many customers write again after a reply."""
    has_rushes: bool = False

    def per_hour(self, moment: float) -> float:
        """Return how many tickets come at this time of the day, rushes aside."""
        hour = moment / HOUR % 24
        before, after = self.hours[int(hour)], self.hours[(int(hour) + 1) % 24]
        return self.peak_per_hour * (before + (after - before) * (hour % 1))

    def agents(self, moment: float) -> int:
        """Return how many agents the plan has: enough for the usual, and two to spare."""
        busy_agents = self.per_hour(moment) / HOUR * self.effort.mean
        return math.ceil(busy_agents * 1.3) + 2


CHANNELS: Final = (
    Channel(
        name="phone",
        peak_per_hour=60,
        hours=OFFICE_HOURS,
        reply=Spread(9, 0.6),
        effort=Spread(240, 0.5),
        resolve=Spread(220, 0.6),
        patience=8 * MINUTE,
    ),
    Channel(
        name="chat",
        peak_per_hour=120,
        hours=OFFICE_HOURS,
        reply=Spread(34, 0.4),
        effort=Spread(130, 0.5),
        resolve=Spread(200, 0.7),
        patience=14 * MINUTE,
        asks_again_share=0.5,
        has_rushes=True,
    ),
    Channel(
        name="social",
        peak_per_hour=20,
        hours=EVENING_HOURS,
        reply=Spread(13 * MINUTE, 0.65),
        effort=Spread(180, 0.5),
        resolve=Spread(40 * MINUTE, 0.8),
        patience=30 * HOUR,
        asks_again_share=0.3,
    ),
    Channel(
        name="email",
        peak_per_hour=25,
        hours=OFFICE_HOURS,
        reply=Spread(4 * HOUR, 0.75),
        effort=Spread(360, 0.6),
        resolve=Spread(3 * HOUR, 0.9),
        patience=2000 * HOUR,
        automated_share=0.7,
        asks_again_share=0.35,
    ),
)
