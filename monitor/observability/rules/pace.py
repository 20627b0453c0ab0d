"""How fast a channel is: what is long for a chat is a moment for an e-mail.

Alertmanager routes by this label, so that a channel added to the policy has its place there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from monitor.sla.events import SECOND
from monitor.sla.policy import Target

_MINUTE: Final = 60 * SECOND
_HOUR: Final = 60 * _MINUTE


class Pace(StrEnum):
    """In what a channel's limit is told."""

    MINUTES = "minutes"
    """Up to 15 min: who waits is on the line."""
    HOURS = "hours"
    """Up to 4 h."""
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Windows:
    """A long window that says it matters, and a short one that says it still goes on."""

    long: str
    short: str


@dataclass(frozen=True, slots=True)
class Spans:
    """What is looked back on for channels of one pace, as Prometheus writes durations.

    The windows are those of the SRE workbook, short a twelfth of long, and one step longer for
    each slower pace: in five minutes hardly any e-mail is decided.
    """

    fast: Windows
    slow: Windows
    backlog: str
    """A backlog is compared with that of this long ago."""
    stretch: str
    """Over which it is averaged."""


SPANS: Final[Mapping[Pace, Spans]] = {
    Pace.MINUTES: Spans(Windows("1h", "5m"), Windows("6h", "30m"), "15m", "5m"),
    Pace.HOURS: Spans(Windows("6h", "30m"), Windows("1d", "2h"), "2h", "20m"),
    # A day's rise and fall is no growth: e-mail is compared with the same time yesterday.
    Pace.DAYS: Spans(Windows("1d", "2h"), Windows("3d", "6h"), "1d", "1h"),
}


def pace(target: Target) -> Pace:
    """Return how fast a channel with this promise is."""
    if target.limit <= 15 * _MINUTE:
        return Pace.MINUTES
    return Pace.HOURS if target.limit <= 4 * _HOUR else Pace.DAYS
