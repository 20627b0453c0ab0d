"""From where each topic partition is read, and what of it was handed over: no I/O."""

from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition

from monitor.streaming.chunks import Chunk


class _Reading:
    """How far one topic partition was handed over."""

    __slots__ = ("number", "position")

    def __init__(self, position: int, number: int) -> None:
        self.position = position
        self.number = number


class Readings:
    """The readings of one consumer; a new one of a partition makes what came of the last void."""

    def __init__(self) -> None:
        self._readings: dict[TopicPartition, _Reading] = {}
        self._numbers = 0

    def __contains__(self, tp: TopicPartition) -> bool:
        return tp in self._readings

    def partitions(self) -> list[TopicPartition]:
        """List what is being read."""
        return list(self._readings)

    def begin(self, tp: TopicPartition, position: int) -> None:
        """Begin to read a partition at a position."""
        self._numbers += 1
        self._readings[tp] = _Reading(position, self._numbers)

    def clear(self) -> None:
        """Read nothing any more."""
        self._readings.clear()

    def position(self, tp: TopicPartition) -> int:
        """Return up to where a partition was handed over."""
        return self._readings[tp].position

    def cut(self, tp: TopicPartition, end: int, records: Sequence[Any]) -> Chunk:
        """Return what was read of a partition since the last one, up to `end`."""
        reading = self._readings[tp]
        chunk = Chunk(tp, reading.position, end, list(records), reading.number)
        reading.position = end
        return chunk

    def is_current(self, chunk: Chunk) -> bool:
        """Tell whether a chunk came of the last reading of its partition."""
        reading = self._readings.get(chunk.tp)
        return reading is not None and reading.number == chunk.reading
