"""The records of a partition's topics in one order, that of their timestamps.

This is rule 4 of the contract: while there is more to be read, what is handed out comes before all
that is not, so its time is a clock at which nothing is known too late. Kafka Streams' StreamTask
does the same: it takes the earliest record of all topics, and waits for one of which there is more.
The order depends on the records alone, not on how they were fetched.
"""

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from monitor.streaming.codec import Reader

_TIME: Final = itemgetter(0)

ENOUGH: Final = 1000
"""Of a topic with so many records in line no more are fetched for the time being."""

_TOO_MANY: Final = 20 * ENOUGH
"""Records of one and the same time wait for the next one, but not if there are more than this."""


Waiting = tuple[int, str, Reader, Any]
"""A record in line: the latest timestamp of its topic so far in microseconds, the topic, what
decodes it, and the record. A plain tuple: one is made for every record."""


class _Queue:
    """What was fetched of one topic and waits for its turn."""

    def __init__(self, position: int, decode: Reader) -> None:
        self.end = position
        self.line: list[Waiting] = []
        self.decode = decode
        self.reached = 0

    @property
    def position(self) -> int:
        return int(self.line[0][3].offset) if self.line else self.end

    @property
    def bound(self) -> int:
        """What is still to be taken of it does not come before this time."""
        stuck = len(self.line) > _TOO_MANY and self.line[0][0] == self.reached
        return self.reached + 1 if stuck else self.reached


class Merge:
    """Takes chunks as they come, hands records out in order."""

    def __init__(self, positions: Mapping[str, int], readers: Mapping[str, Reader]) -> None:
        self._queues = {
            topic: _Queue(positions[topic], decode) for topic, decode in readers.items()
        }

    @property
    def positions(self) -> dict[str, int]:
        """Up to where all records were handed out, by topic."""
        return {topic: queue.position for topic, queue in self._queues.items()}

    @property
    def ends(self) -> dict[str, int]:
        """Up to where records were taken, by topic."""
        return {topic: queue.end for topic, queue in self._queues.items()}

    def has_enough(self, topic: str) -> bool:
        """Tell whether nothing more of a topic is needed for the time being."""
        queue = self._queues[topic]
        waiting = len(queue.line)
        return waiting > _TOO_MANY or (waiting >= ENOUGH and queue.line[0][0] < queue.reached)

    def take(self, topic: str, records: Sequence[Any], end: int, wall: int) -> None:
        """Put records of a topic in line, up to position `end`.

        One stamped ahead of the wall clock says nothing of how far its topic has come.
        """
        queue = self._queues[topic]
        queue.end = end
        reached, decode, append = queue.reached, queue.decode, queue.line.append
        for record in records:
            at = record.timestamp * 1000
            if reached < at <= wall:
                reached = at
            append((reached, topic, decode, record))
        queue.reached = reached

    def hand_out(self, behind: Collection[str]) -> tuple[list[Waiting], dict[str, int]]:
        """Remove and return the records that come before all that is still to be taken.

        `behind` are the topics of which there is more. What has the time of the last one taken
        waits with it, for there may be another of that time. With the records comes how many they
        are by topic.
        """
        until = min((self._queues[topic].bound for topic in behind), default=None)
        found: list[Waiting] = []
        counts = {}
        for topic, queue in self._queues.items():
            line = queue.line
            count = len(line) if until is None else bisect_left(line, until, key=_TIME)
            if count:
                found += line[:count]
                del line[:count]
                counts[topic] = count
        if len(counts) > 1:
            found.sort(key=_TIME)
        return found, counts
