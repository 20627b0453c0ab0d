"""What the input topics hold, read once from the beginning to the end: for reports on the past."""

from collections.abc import AsyncIterator, Iterable
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.partitioner import DefaultPartitioner

from monitor.errors import TopicError
from monitor.streaming import fetching, topics
from monitor.streaming.settings import KINDS, Settings

_FETCH_MS = 200
_FETCH_RECORDS = 10_000


class Read(NamedTuple):
    """One record of an input topic."""

    kind: str
    """What the contract calls its topic."""
    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int
    """When it came, in milliseconds since 1970, if the topic's records say so."""


class Inputs(NamedTuple):
    """The input topics that are there."""

    kinds: dict[str, str]
    """By name on the broker what the contract calls them."""
    partitions: int


async def inputs(settings: Settings) -> Inputs:
    """Look which input topics there are; raises `TopicError` and `BrokerUnreachableError`."""
    async with topics.admin_client(settings) as admin:
        counts = await topics.partition_counts(admin, settings.topics.inputs)
    missing = [name for name in settings.topics.required if name not in counts]
    if missing:
        raise TopicError(
            f"topic {' and '.join(missing)} is not on {settings.bootstrap}; check --broker"
        )
    kinds = dict(zip(settings.topics.inputs, KINDS, strict=True))
    return Inputs({name: kinds[name] for name in counts}, counts[settings.topics.created])


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's producers put a key into, unless told otherwise."""
    numbers = list(range(partitions))
    return int(DefaultPartitioner()(key, numbers, numbers))


async def read_partitions(
    settings: Settings, found: Inputs, numbers: Iterable[int], *, key: bytes | None = None
) -> AsyncIterator[list[Read]]:
    """Yield partition by partition all that is in it now, or the records with this key only."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        **settings.client_options,
    )
    await consumer.start()
    fetching.plain(consumer)
    try:
        for number in numbers:
            yield await _read(consumer, found, number, key)
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, found: Inputs, number: int, key: bytes | None
) -> list[Read]:
    tps = [TopicPartition(topic, number) for topic in found.kinds]
    consumer.assign(tps)
    ends = await consumer.end_offsets(tps)
    await consumer.seek_to_beginning(*tps)
    records: list[Read] = []
    while any([await consumer.position(tp) < ends[tp] for tp in tps]):
        fetched = await consumer.getmany(*tps, timeout_ms=_FETCH_MS, max_records=_FETCH_RECORDS)
        for tp, batch in fetched.items():
            kind = found.kinds[tp.topic]
            records += [
                Read(kind, record.key, record.value, record.offset, record.timestamp)
                for record in batch
                if key is None or record.key == key
            ]
    return records
