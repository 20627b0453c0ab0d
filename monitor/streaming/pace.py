"""When a partition commits, sleeps and forgets: large commits while behind, small ones when not."""

from collections.abc import Collection
from typing import Final

from monitor.sla.events import SECOND
from monitor.streaming.clock import Clock
from monitor.streaming.settings import Settings
from monitor.streaming.state import PartitionState

_POLL_SECONDS: Final = 0.05
"""While something is due but not all is read: how often to look whether it is by now."""


class Pace:
    """The timers of one partition, on the monotonic clock."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._monotonic = clock.monotonic
        self._committed_at = 0.0
        self._forget_at = 0.0
        self.committed()

    def committed(self) -> None:
        """Begin anew after a commit."""
        self._committed_at = self._monotonic()

    def is_commit_due(self, state: PartitionState, behind: Collection[str], lag: int) -> bool:
        """Tell whether to commit now; `lag` is how many records are still to be read.

        What somebody waits to be told goes at once, unless there is more to be read first. With
        nothing to commit, the clock is: it keeps the stored one near, and shows that the way to
        Kafka is open.
        """
        return (
            self._monotonic() >= self._commit_by(state, lag)
            or (state.has_news and not behind)
            or state.pending > self._settings.max_pending
        )

    def idle_seconds(
        self, state: PartitionState, behind: Collection[str], lag: int, wall: int
    ) -> float:
        """Return how long nothing is to be done, unless something is read."""
        until = self._commit_by(state, lag) - self._monotonic()
        if behind and state.positions != state.ends:
            until = min(until, _POLL_SECONDS)
        due = state.engine.next_due
        if due is not None:
            until = min(until, max((due - wall) / SECOND, _POLL_SECONDS if behind else 0.0))
        return max(until, 0.0)

    def _commit_by(self, state: PartitionState, lag: int) -> float:
        settings = self._settings
        if not state.is_dirty:
            return self._committed_at + settings.idle_commit_seconds
        is_far_behind = lag > settings.max_poll_records
        return self._committed_at + (
            settings.far_flush_seconds if is_far_behind else settings.flush_seconds
        )

    def is_forgetting_due(self, state: PartitionState, behind: Collection[str]) -> bool:
        """Tell whether to forget what is over.

        A partition that has read everything does so at leisure. One that is behind does only
        where memory is at stake: a straggler may still be waiting in Kafka.
        """
        now = self._monotonic()
        if behind:
            self._forget_at = now + self._settings.forget_seconds
            return len(state.engine.tickets) > self._settings.max_remembered
        if now < self._forget_at:
            return False
        self._forget_at = now + self._settings.forget_seconds
        return True
