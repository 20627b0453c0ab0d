"""One partition's figures, worked out once for all who ask for them at about the same time.

A scrape, a wall, the other hosts and the process above ask about once a second each, and what
they are told is the same. Working it out takes a millisecond or more on the loop that judges
tickets, which one that is behind has better use for.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from monitor.observability.stats import Counts, PartitionStats
from monitor.streaming.clock import Clock

WORK_RATIO: Final = 0.01
"""The share of the time that may be spent on the figures of all partitions together."""

LIVE_SECONDS: Final = 0.25
"""Figures are never older than this..."""

FAR_BEHIND_SECONDS: Final = 5.0
"""...but for those of a partition that is far behind, and so tells of the past anyway."""

_CLOCK: Final = Clock()


class Shown:
    """What was last shown of one partition."""

    def __init__(self, clock: Clock = _CLOCK) -> None:
        self._clock = clock
        self._known: PartitionStats | None = None
        self._at = 0.0
        self._cost = 0.0

    def read(
        self,
        work_out: Callable[[], PartitionStats],
        counts: Counts,
        *,
        caught_up: bool,
        is_far_behind: bool,
        work_ratio: float,
    ) -> PartitionStats:
        """Return the figures as of a moment ago, and as of now if it has just caught up.

        `counts` are those of the last commit. They go with the figures, so that no gauge is seen
        to be behind its counter, and never fall; those of one that is far behind are always new.
        `work_ratio` is the share of the time that may be spent on them.
        """
        known, now = self._known, self._clock.monotonic()
        longest = FAR_BEHIND_SECONDS if is_far_behind else LIVE_SECONDS
        if (
            known is None
            or now - self._at >= min(self._cost / work_ratio, longest)
            or (caught_up and not known.caught_up)
        ):
            began = self._clock.cpu()
            known = self._known = work_out()
            self._at, self._cost = now, self._clock.cpu() - began
        elif is_far_behind:
            known = self._known = replace(known, counts=counts)
        return known
