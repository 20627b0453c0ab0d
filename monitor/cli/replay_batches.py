"""Events into record batches that are filled here: a `send` a record costs several times as much.

What is counted as sent is what the broker has taken, not what was handed over.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import DefaultPartitioner

from monitor.streaming.settings import Settings
from monitor.streaming.tasks import at_most
from monitor.streaming.topics import broker_errors

_BATCH_BYTES: Final = 64 * 1024
_STOP_SECONDS: Final = 5.0


class Sender:
    """Fills a batch for each partition of each topic and counts in `sent` what was taken."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int, sent: Counter[str]) -> None:
        self._producer = producer
        self._partitions = list(range(partitions))
        self._choose = DefaultPartitioner()
        self._sent = sent
        self._batches: dict[tuple[str, int], Any] = {}
        self._under_way: set[asyncio.Future[Any]] = set()
        self._error: BaseException | None = None

    async def put(self, topic: str, key: bytes, value: bytes, timestamp: int) -> None:
        """Add an event; raises what the broker said of an earlier one."""
        place = topic, self._choose(key, self._partitions, self._partitions)
        batch = self._batches.get(place)
        if batch and batch.append(timestamp=timestamp, key=key, value=value):
            return
        if batch:
            await self._hand_over(place)
        batch = self._batches[place] = self._producer.create_batch()
        batch.append(timestamp=timestamp, key=key, value=value)

    async def hand_over(self) -> None:
        """Give all that was put to the producer."""
        for place in list(self._batches):
            await self._hand_over(place)

    async def finish(self) -> None:
        """Wait until the broker has taken all that was put."""
        await self.hand_over()
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._raise_error()

    async def _hand_over(self, place: tuple[str, int]) -> None:
        self._raise_error()
        topic, partition = place
        batch = self._batches.pop(place)
        count = batch.record_count()
        future = await self._producer.send_batch(batch, topic, partition=partition)
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._taken(topic, count, done))
        await asyncio.sleep(0)

    def _taken(self, topic: str, count: int, future: asyncio.Future[Any]) -> None:
        self._under_way.discard(future)
        if future.cancelled():
            return
        if error := future.exception():
            self._error = self._error or error
        else:
            self._sent[topic] += count

    def _raise_error(self) -> None:
        if self._error:
            raise self._error


@asynccontextmanager
async def connected_sender(
    settings: Settings, partitions: int, sent: Counter[str]
) -> AsyncIterator[Sender]:
    """Connect a sender; raises `SlaMonitorError` where that fails, later on `KafkaError`."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        enable_idempotence=True,
        acks="all",
        compression_type="lz4",
        max_batch_size=_BATCH_BYTES,
        **settings.client_options,
    )
    try:
        with broker_errors(settings):
            await producer.start()
        yield Sender(producer, partitions, sent)
    finally:
        await at_most(_STOP_SECONDS, producer.stop())
