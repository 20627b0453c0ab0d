"""Several workers of one host seen as one: their reports added up, and who is missing.

Pure: a worker is heard, or ends, and the time is an argument.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from monitor.observability.figures import Health, State
from monitor.observability.stats import Delays, PartitionStats

SILENT_SECONDS: Final = 3.0
"""What a worker said longer ago than this is not shown as if it were so now."""


class Report(msgspec.Struct, frozen=True):
    """What one worker says of itself."""

    health: Health
    parts: list[PartitionStats]

    @property
    def has_joined(self) -> bool:
        """It is a member of the group, be it one with nothing to do."""
        return bool(self.health.owned) or self.health.state is not State.STARTING


class Member:
    """One worker as it was last heard; the process behind it may change."""

    def __init__(self) -> None:
        self.owned: tuple[int, ...] = ()
        """What it owned when it was last in the group."""
        self._past = Delays()
        self._report: Report | None = None
        self._heard_at = 0.0

    def heard(self, report: Report, at: float) -> None:
        """Take a report."""
        self._report, self._heard_at = report, at
        if report.has_joined:
            self.owned = report.health.owned

    def ended(self) -> None:
        """Take note that its process is gone: what it counted itself has been, all else is void."""
        if self._report is not None:
            self._past.add(self._report.health.delays)
        self._report = None

    def fresh(self, at: float) -> Report | None:
        """Return what it says, if it still says it."""
        recent = at - self._heard_at <= SILENT_SECONDS
        return self._report if recent else None

    def delays(self) -> Delays:
        """Return the delays of this process and of those before it: a counter never falls."""
        delays = Delays()
        delays.add(self._past)
        if self._report is not None:
            delays.add(self._report.health.delays)
        return delays


class Host:
    """The workers of one host."""

    def __init__(self, workers: int) -> None:
        self.members = [Member() for _ in range(workers)]
        self._was_ready = False

    def read(self, at: float, wall: float) -> tuple[list[PartitionStats], Health]:
        """Add up what the workers say; `at` is the clock of `Member.heard`, `wall` is shown."""
        reports = [report for each in self.members if (report := each.fresh(at)) is not None]
        parts = _newest(reports)
        owned = {number for report in reports for number in report.health.owned}
        unserved = self._unserved(at) - owned
        state = self._state(reports, parts, unserved)
        self._was_ready = self._was_ready or state in (State.LIVE, State.BEHIND)
        clocks = [report.health.clock for report in reports if report.health.clock is not None]
        delays = Delays()
        for member in self.members:
            delays.add(member.delays())
        health = Health(
            now=wall,
            state=state,
            clock=min(clocks, default=None),
            lag_records=sum(part.lag for part in parts),
            partitions=len(owned | unserved),
            partitions_caught_up=sum(part.caught_up for part in parts),
            last_commit=max((report.health.last_commit for report in reports), default=0.0),
            delays=delays,
            owned=tuple(sorted(owned)),
            unserved=tuple(sorted(unserved)),
        )
        return parts, health

    def _unserved(self, at: float) -> set[int]:
        unserved: set[int] = set()
        for member in self.members:
            report = member.fresh(at)
            if report is None or not report.has_joined:
                unserved.update(member.owned)
        return unserved

    def _state(
        self, reports: Sequence[Report], parts: Sequence[PartitionStats], unserved: set[int]
    ) -> State:
        """Judge the partitions, not the processes: one may be missing and nothing be missed."""
        states = [report.health.state for report in reports if report.has_joined]
        whole = not unserved and State.STARTING not in states
        is_starting = not whole and not self._was_ready
        if not parts:
            # There may be nothing to do, but not all of them say so yet.
            is_starting = not whole or len(states) < len(self.members)
        if State.BROKER_AWAY in states:
            state = State.BROKER_AWAY
        elif is_starting:
            state = State.STARTING
        else:
            state = State.LIVE if whole and State.BEHIND not in states else State.BEHIND
        return state


def _newest(reports: Sequence[Report]) -> list[PartitionStats]:
    """Return each partition once: while it changes hands two workers may speak of it."""
    newest: dict[int, PartitionStats] = {}
    for report in reports:
        for part in report.parts:
            known = newest.setdefault(part.partition, part)
            if known is not part and _age(part) > _age(known):
                newest[part.partition] = part
    return [newest[number] for number in sorted(newest)]


def _age(part: PartitionStats) -> tuple[int, int, float]:
    """Return how far a partition had come; its counters first, for they must not be seen to fall.

    A former owner's clock may be ahead of what it could commit.
    """
    return part.counts.total, part.clock, part.last_commit
