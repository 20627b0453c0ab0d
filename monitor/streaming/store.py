"""What a partition task needs of Kafka: a producer that fences, and what its last commit left."""

from collections.abc import Iterable
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition

from monitor.streaming import outputs
from monitor.streaming.changelog import Kept, recover
from monitor.streaming.offsets import committed
from monitor.streaming.settings import Settings
from monitor.streaming.transport import Consumer


class Store(Protocol):
    """Where one partition's state is kept; the tests have a small model of Kafka behind it."""

    def producer(self) -> Any:
        """Return a transactional producer of this partition; starting it fences all others."""

    async def kept(self) -> Kept:
        """Return what the changelog holds, as committed."""

    async def positions(self) -> tuple[dict[str, int], int]:
        """Return from where each topic is to be read, and the partition's clock."""


class KafkaStore:
    """A partition's state in Kafka."""

    def __init__(
        self,
        settings: Settings,
        partition: int,
        topics: Iterable[str],
        consumer: Consumer,
    ) -> None:
        self._settings = settings
        self._partition = partition
        self._tps = {topic: TopicPartition(topic, partition) for topic in topics}
        self._consumer = consumer

    def producer(self) -> AIOKafkaProducer:
        """Return a producer with an id that is the partition's, whoever owns it."""
        settings = self._settings
        return AIOKafkaProducer(
            bootstrap_servers=settings.bootstrap,
            transactional_id=settings.transactional_id(self._partition),
            client_id=f"{settings.app_id}-{self._partition}",
            transaction_timeout_ms=int(settings.transaction_timeout_seconds * 1000),
            max_request_size=outputs.MAX_REQUEST_BYTES,
            max_batch_size=outputs.BATCH_BYTES,
            **settings.client_options,
        )

    async def kept(self) -> Kept:
        """Read the changelog to its end."""
        return await recover(self._settings, self._partition)

    async def positions(self) -> tuple[dict[str, int], int]:
        """Return the committed positions; a topic without one is read from its beginning."""
        found, clock = await committed(self._settings, self._tps.values())
        for topic, tp in self._tps.items():
            if topic not in found:
                found[topic] = (await self._consumer.kafka.beginning_offsets([tp]))[tp]
        return found, clock
