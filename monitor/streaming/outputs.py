"""Writes what a partition has to say: changelog, breach events and dead letters."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from monitor.streaming.codec import cloud_event, policy_event
from monitor.streaming.settings import Settings
from monitor.streaming.state import Batch, DeadLetter

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Room for a dead letter: the largest usual record with its headers."""

BATCH_BYTES: Final = 512 * 1024
"""How much goes to a partition at once, within the largest batch that a topic takes unless told.

One batch follows the other when it was answered. With aiokafka's 16 KB a commit of 10,000 breach
events took hundreds of round trips, and on a busy machine longer than a transaction may last.
"""

_SPOKESMAN: Final = 0
"""All partitions take a policy, each at its own commit; this one tells the world, once."""

_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")


async def write(
    producer: AIOKafkaProducer, settings: Settings, partition: int, batch: Batch
) -> None:
    """Begin a transaction and put a batch into it; the caller commits.

    What is told goes to the partition of the same number, so that each ticket keeps to one, and
    inputs and breaches of as many partitions are partitioned alike.

    Raises whatever the broker refuses it with.
    """
    await producer.begin_transaction()
    breaches = settings.topics.breaches
    told: list[tuple[bytes, bytes | None]] = [
        (effect.ticket_id.encode(), msgspec.json.encode(cloud_event(effect, settings.source)))
        for effect in batch.effects
    ]
    if batch.policy_change is not None and partition == _SPOKESMAN:
        event = policy_event(batch.policy_change, settings.source)
        told.insert(0, (event["subject"].encode(), msgspec.json.encode(event)))
    sent = [
        *await _send_all(producer, settings.changelog, partition, batch.changelog, []),
        *await _send_all(
            *(producer, breaches, partition % len(await producer.partitions_for(breaches))),
            *(told, [_CONTENT_TYPE]),
        ),
        *[
            await _send_dead_letter(producer, settings, partition, letter)
            for letter in batch.dead_letters
        ],
    ]
    await asyncio.gather(*sent)


async def _send_all(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    records: Iterable[tuple[bytes, bytes | None]],
    headers: list[tuple[str, bytes]],
) -> list[Any]:
    """Fill record batches by hand: a `send` a record costs several times as much."""
    sent = []
    builder = producer.create_batch()
    for key, value in records:
        if builder.append(key=key, value=value, timestamp=None, headers=headers) is None:
            sent.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            builder.append(key=key, value=value, timestamp=None, headers=headers)
    if builder.record_count():
        sent.append(await producer.send_batch(builder, topic, partition=partition))
    return sent


async def _send_dead_letter(
    producer: AIOKafkaProducer, settings: Settings, partition: int, letter: DeadLetter
) -> Any:
    """Send a record on as it came, with where it came from and what is wrong in its headers."""
    record = letter.record
    return await producer.send(
        settings.topics.dead_letters,
        key=record.key,
        value=record.value,
        headers=[
            *record.headers,
            ("sla.topic", letter.topic.encode()),
            ("sla.partition", str(partition).encode()),
            ("sla.offset", str(record.offset).encode()),
            ("sla.reason", letter.reason.encode(errors="replace")),
        ],
    )
