"""The whole picture: this host's partitions, and what other hosts say of theirs.

Pure: what is heard comes with its time.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from monitor.observability.figures import Health, State
from monitor.observability.stats import PartitionStats
from monitor.sla.policy import Policy

FRESH_SECONDS: Final = 10.0
"""A partition of which nobody has said anything for so long is served by nobody."""


class Published(msgspec.Struct, frozen=True):
    """A partition's figures as one host tells them to the others."""

    host: str
    part: PartitionStats
    policy: Policy
    """What it holds the tickets against."""


class Heard(NamedTuple):
    """What was last said of a partition, and how long ago."""

    published: Published
    age_seconds: float

    @property
    def is_fresh(self) -> bool:
        """Whether somebody serves it still."""
        return self.age_seconds <= FRESH_SECONDS


class Elsewhere:
    """What other hosts have said, by partition.

    Ages are counted from when a thing was heard, so the hosts' clocks need not agree.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._heard: dict[int, tuple[Published, float]] = {}
        self._partitions = 0
        self._since: float | None = None

    def listening(self, partitions: int, at: float) -> None:
        """Take note that whatever is said from now on is heard."""
        self._partitions, self._since = partitions, at

    def deaf(self) -> None:
        """Take note that nothing is heard: silence says nothing then."""
        self._since = None

    def heard(self, published: Published, at: float) -> None:
        """Take what a host says; our own host's partitions are better known to itself."""
        if published.host == self._host:
            return
        part = published.part
        known, known_at = self._heard.get(part.partition, (None, 0.0))
        # While a partition changes hands, its former owner may speak once more.
        if known is None or part.clock >= known.part.clock or at - known_at > FRESH_SECONDS:
            self._heard[part.partition] = published, at

    def last_heard(self, at: float) -> list[Heard]:
        """List what was last said of each partition, by number."""
        heard = (self._heard[number] for number in sorted(self._heard))
        return [Heard(published, max(0.0, at - heard_at)) for published, heard_at in heard]

    def whole(
        self, parts: Sequence[PartitionStats], health: Health, at: float
    ) -> tuple[list[PartitionStats], Health]:
        """Add to our own figures those of the partitions that others serve."""
        if health.state is State.BROKER_AWAY and self._since is not None:
            self._since = at  # nobody can be heard: what is silent now may be well
        others = [
            heard.published.part
            for heard in self.last_heard(at)
            if heard.is_fresh and heard.published.part.partition not in health.owned
        ]
        served = {*health.owned, *(part.partition for part in others)}
        unserved = set(health.unserved)
        if self._since is not None and at - self._since > FRESH_SECONDS:
            unserved.update(range(self._partitions))
        unserved -= served
        state = health.state
        if state is State.LIVE and (unserved or not all(part.caught_up for part in others)):
            state = State.BEHIND
        # Where all is read the clock is the present, whenever its figures were published.
        clocks = [part.clock / 1e6 for part in others if not part.caught_up]
        clocks += [health.now] if health.clock is None and others else []
        clocks += [] if health.clock is None else [health.clock]
        return [*parts, *others], msgspec.structs.replace(
            health,
            state=state,
            clock=min(clocks, default=None),
            lag_records=health.lag_records + sum(part.lag for part in others),
            partitions=len(served | unserved),
            partitions_caught_up=health.partitions_caught_up
            + sum(part.caught_up for part in others),
            last_commit=max([health.last_commit, *(part.last_commit for part in others)]),
            unserved=tuple(sorted(unserved)),
        )
