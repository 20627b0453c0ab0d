"""A partition task that knows what it had counted when it last committed."""

from monitor.observability.stats import Counts, count
from monitor.streaming.partition import PartitionTask
from monitor.streaming.state import PartitionState


class CountedTask(PartitionTask):
    """Its counts never fall, whoever has the partition: they are those in the changelog."""

    counts = Counts()

    async def _open(self) -> None:
        await super()._open()
        assert self.state is not None  # noqa: S101 - just opened
        self.counts = self._count(self.state)

    async def _commit(self, state: PartitionState) -> None:
        counts = self._count(state)  # nothing comes between this and what the commit takes
        await super()._commit(state)
        self.counts = counts

    def _count(self, state: PartitionState) -> Counts:
        nothing = {topic: {"ok": 0, "dead_letter": 0} for topic in self._kinds}
        return count(state.engine, nothing | state.records)
