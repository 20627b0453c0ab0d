"""The records of the breach topic: the history of all partitions in one order, then as they come.

Kafka orders within a partition only; people and pipes read one stream.
"""

import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import click
from aiokafka import AIOKafkaConsumer, TopicPartition

from monitor.cli.tail_watch import BrokerWatch
from monitor.errors import TopicError
from monitor.streaming import topics
from monitor.streaming.settings import Settings

_POLL_MS: Final = 1000
_MOST_QUEUED: Final = 5000


class Merge:
    """Brings the history of all partitions into one order, by the records' timestamps.

    Records are given away once no partition that is still behind can have an earlier one; what
    comes after the history is given away as it comes.
    """

    def __init__(self, behind: Sequence[Any]) -> None:
        self.behind = set(behind)
        self._queues: dict[Any, deque[Any]] = {}

    def add(self, partition: Any, records: Sequence[Any]) -> None:
        """Take records of a partition, in its order."""
        self._queues.setdefault(partition, deque()).extend(records)

    def queued(self, partition: Any) -> int:
        """Return how many records of a partition wait for those of others."""
        return len(self._queues.get(partition, ()))

    def take(self) -> Iterator[Any]:
        """Give what can be given."""
        while all(self.queued(partition) for partition in self.behind):
            waiting = [queue for queue in self._queues.values() if queue]
            if not waiting:
                return
            yield min(waiting, key=lambda queue: queue[0].timestamp).popleft()


class News(NamedTuple):
    """What has come since the last time, and whether the broker answers."""

    records: Iterator[Any]
    broker_answers: bool


async def read(
    settings: Settings, topic: str, timeout_seconds: float, since: int | None, *, follow: bool
) -> AsyncGenerator[News, None]:
    """Give the records that have come, again and again, none included; raises `SlaMonitorError`.

    Begins `since` microseconds ago. Ends, unless it is to follow, with what was there.
    """
    await topics.wait_for_broker(settings, timeout_seconds, lambda text: click.echo(text, err=True))
    with topics.broker_errors(settings):
        partitions = await _partitions(settings, topic)
        async with _consumer(settings) as consumer:
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            starts = await _starts(consumer, ends, since, follow=follow)
            for partition, start in starts.items():
                consumer.seek(partition, start)
            merge = Merge([p for p in partitions if starts[p] < ends[p]])
            broker = BrokerWatch(settings.bootstrap, consumer, partitions)
            while follow or merge.behind:
                heard = await _poll(consumer, merge, ends, follow=follow)
                yield News(merge.take(), broker.answers)
                _hold_back(consumer, partitions, merge)
                await broker.look(heard=heard)


async def _partitions(settings: Settings, name: str) -> list[TopicPartition]:
    async with topics.admin_client(settings) as admin:
        counts = await topics.partition_counts(admin, [name])
    if name not in counts:
        raise TopicError(
            f"topic {name} is not on {settings.bootstrap}; start the monitor "
            "(sla-monitor run), or create it: "
            f"sla-monitor topics create --broker {settings.bootstrap}"
        )
    return [TopicPartition(name, number) for number in range(counts[name])]


@asynccontextmanager
async def _consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        # What retention deletes under a slow reader's feet is skipped, not what is new.
        auto_offset_reset="earliest",
        **settings.client_options,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _starts(
    consumer: AIOKafkaConsumer,
    ends: Mapping[TopicPartition, int],
    since: int | None,
    *,
    follow: bool,
) -> Mapping[TopicPartition, int]:
    """Return where to begin in each partition."""
    if since is None:
        return ends if follow else await consumer.beginning_offsets(list(ends))
    moment = max(0, (time.time_ns() // 1000 - since) // 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(ends, moment))
    return {
        partition: at.offset if (at := found.get(partition)) else end
        for partition, end in ends.items()
    }


async def _poll(
    consumer: AIOKafkaConsumer, merge: Merge, ends: Mapping[TopicPartition, int], *, follow: bool
) -> bool:
    """Wait a while for records and say whether any came; note which partitions are read up."""
    chunks = await consumer.getmany(timeout_ms=_POLL_MS)
    for partition, records in chunks.items():
        merge.add(partition, [r for r in records if follow or r.offset < ends[partition]])
    for partition in list(merge.behind):
        # By position: the last offsets may be a transaction's marks, not records.
        if await consumer.position(partition) >= ends[partition]:
            merge.behind.discard(partition)
    return bool(chunks)


def _hold_back(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], merge: Merge
) -> None:
    """Fetch no more of a partition whose records wait for those of others."""
    full = {partition for partition in partitions if merge.queued(partition) > _MOST_QUEUED}
    paused = consumer.paused()
    if full - paused:
        consumer.pause(*(full - paused))
    if paused - full:
        consumer.resume(*(paused - full))
