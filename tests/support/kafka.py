"""A reader that counts, and a writer, both plain aiokafka."""

import asyncio
import json
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition


async def read_all(bootstrap, topic):
    """Return all records of a topic that a read_committed reader sees, in order by partition.

    It reads to the end that an uncommitted reader sees: a commit is answered before its markers
    are everywhere, and until then a committed reader's end is an earlier one.
    """
    async with _consumer(bootstrap, "read_uncommitted") as consumer:
        numbers = await _partitions(consumer, topic)
        partitions = [TopicPartition(topic, number) for number in numbers]
        ends = await consumer.end_offsets(partitions)
    records = []
    async with _consumer(bootstrap, "read_committed") as consumer, asyncio.timeout(60):
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records += batch
    return records


def _consumer(bootstrap, isolation_level):
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation_level,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
    )


async def _partitions(consumer, topic):
    """Return a topic's partitions; its metadata may take a moment to arrive."""
    for _ in range(100):
        await consumer._client.force_metadata_update()
        if numbers := consumer.partitions_for_topic(topic):
            return numbers
        await asyncio.sleep(0.05)
    raise AssertionError(f"there is no topic {topic}")


async def read_events(bootstrap, topic="sla-breaches"):
    """Return all breach events."""
    return [json.loads(record.value) for record in await read_all(bootstrap, topic)]


@asynccontextmanager
async def producing(bootstrap):
    """Yield a function that sends an event: `await send(topic, key, fields, timestamp_ms)`."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()

    async def send(topic, key, fields, timestamp_ms=None):
        value = fields if isinstance(fields, bytes | None) else json.dumps(fields).encode()
        key = key.encode() if isinstance(key, str) else key
        return await producer.send(topic, key=key, value=value, timestamp_ms=timestamp_ms)

    try:
        yield send
    finally:
        await producer.stop()
