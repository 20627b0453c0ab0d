"""One partition between two commits: what was read, what follows, what is to be written.

No I/O: records and the wall clock are handed in, a batch is handed out.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from monitor.sla.clock import PartitionClock
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.policy import Policy
from monitor.streaming.changelog import COUNTERS_KEY, Counters, Kept, pack_counters, pack_ticket
from monitor.streaming.codec import Decoder, UnusableError


class DeadLetter(NamedTuple):
    """An input record that cannot be used, whole, and why."""

    record: Any
    reason: str


class Batch(NamedTuple):
    """What one transaction writes."""

    changelog: list[tuple[bytes, bytes | None]]
    effects: list[Effect]
    dead_letters: list[DeadLetter]
    positions: dict[str, int]
    clock: int


class PartitionState:
    """The rules' state of one partition, its clock, and how far its topics were read."""

    def __init__(
        self,
        policy: Policy,
        kinds: Mapping[str, str],
        positions: Mapping[str, int],
        *,
        clock: int,
        kept: Kept,
        over_at_reply: bool,
    ) -> None:
        self.positions = dict(positions)
        self.clock = PartitionClock(clock)
        self.records = kept.counters.records
        self.engine = Engine(
            policy,
            clock=clock,
            tickets=kept.tickets.values(),
            totals=kept.counters.groups,
            over_at_reply=over_at_reply,
        )
        self._kinds = kinds
        self._decode = Decoder(policy).record
        self._effects: list[Effect] = []
        self._dead_letters: list[DeadLetter] = []
        self._moved = False

    @property
    def has_news(self) -> bool:
        """There is something that somebody waits to be told."""
        return bool(self._effects or self._dead_letters)

    @property
    def is_dirty(self) -> bool:
        """There is something to commit."""
        return self._moved or self.has_news or bool(self.engine.changed)

    @property
    def pending(self) -> int:
        """How many changed tickets wait for their transaction."""
        return len(self.engine.changed)

    def read(
        self, topic: str, records: Sequence[Any], end: int, behind: Collection[str], wall: int
    ) -> None:
        """Apply records of a topic, up to position `end`.

        The clock steps from record to record, so that it makes no difference how they were
        batched. `behind` are the topics that have more to be read.
        """
        engine, clock, kind = self.engine, self.clock, self._kinds[topic]
        floor = clock.floor([other for other in behind if other != topic], wall)
        read = 0
        for record in records:
            now = clock.reach(topic, record.timestamp * 1000, floor, wall)
            try:
                event = self._decode(kind, record.key, record.value, wall)
            except UnusableError as reason:
                self._dead_letters.append(DeadLetter(record, str(reason)))
                if now > engine.clock:
                    self._effects += engine.advance(now)
            else:
                read += 1
                self._effects += engine.step(event, now)
        self._count(topic, "ok", read)
        self._count(topic, "dead_letter", len(records) - read)
        self.positions[topic] = end
        self._moved = True

    def tick(self, behind: Collection[str], wall: int) -> None:
        """Let time pass."""
        self._effects += self.engine.advance(self.clock.tick(behind, wall))

    def drain(self) -> Batch:
        """Hand out all that is to be committed, and begin anew."""
        changed, self.engine.changed = self.engine.changed, {}
        changelog = [
            (key.encode(), None if ticket is None else pack_ticket(ticket))
            for key, ticket in changed.items()
        ]
        counters = Counters(self.engine.totals.stored(), self.records)
        changelog.append((COUNTERS_KEY, pack_counters(counters)))
        batch = Batch(
            changelog,
            self._effects,
            self._dead_letters,
            dict(self.positions),
            self.engine.clock,
        )
        self._effects, self._dead_letters, self._moved = [], [], False
        return batch

    def _count(self, topic: str, outcome: str, count: int) -> None:
        outcomes = self.records.setdefault(topic, {"ok": 0, "dead_letter": 0})
        outcomes[outcome] += count
