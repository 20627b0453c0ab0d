"""The clock of a partition (DESIGN 3.4): wall time only while all there is has been read."""

from collections.abc import Collection


class PartitionClock:
    """Never runs backwards, and never ahead of what has been read.

    `stored` is where it stood when its partition was last committed. All times are microseconds.
    """

    def __init__(self, stored: int = 0) -> None:
        self.value = stored
        self._reached: dict[str, int] = {}

    def floor(self, behind: Collection[str], wall: int) -> int:
        """Return how far the topics still behind allow it to go; the wall clock if none is."""
        return min((self._reached.get(topic, 0) for topic in behind), default=wall)

    def reach(self, topic: str, timestamp: int, floor: int, wall: int) -> int:
        """Note a record of a topic that is being read, and return the clock.

        `floor` is that of the other topics. A record stamped ahead of the wall clock says nothing
        of how far its topic has come.
        """
        reached = self._reached.get(topic, 0)
        if reached < timestamp <= wall:
            reached = self._reached[topic] = timestamp
        return self._to(min(reached, floor, wall))

    def tick(self, behind: Collection[str], wall: int) -> int:
        """Return the clock as of now."""
        return self._to(min(self.floor(behind, wall), wall))

    def _to(self, value: int) -> int:
        self.value = max(self.value, value)
        return self.value
