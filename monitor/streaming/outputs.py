"""Writes what a partition has to say: changelog, breach events and dead letters."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer

from monitor.sla.effects import Effect
from monitor.streaming.codec import cloud_event
from monitor.streaming.settings import Settings
from monitor.streaming.state import Batch, DeadLetter

MAX_REQUEST_BYTES: Final = 4 * 1024 * 1024
"""Room for a dead letter: the largest usual record with its headers."""

BATCH_BYTES: Final = 512 * 1024
"""How much goes to a partition at once, within the largest batch that a topic takes unless told.

One batch follows the other when it was answered. With aiokafka's 16 KB a commit of 10,000 breach
events took hundreds of round trips, and on a busy machine longer than a transaction may last.
"""

_CONTENT_TYPE: Final = ("content-type", b"application/cloudevents+json")


async def write(
    producer: AIOKafkaProducer, settings: Settings, partition: int, batch: Batch
) -> None:
    """Begin a transaction and put a batch into it; the caller commits.

    Raises whatever the broker refuses it with.
    """
    await producer.begin_transaction()
    sent = [
        *await _send_changelog(producer, settings.changelog, partition, batch.changelog),
        *[await _send_effect(producer, settings, effect) for effect in batch.effects],
        *[await _send_dead_letter(producer, settings, letter) for letter in batch.dead_letters],
    ]
    await asyncio.gather(*sent)


async def _send_changelog(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    records: Iterable[tuple[bytes, bytes | None]],
) -> list[Any]:
    """Fill record batches by hand: a `send` a record costs several times as much."""
    sent = []
    builder = producer.create_batch()
    for key, value in records:
        if builder.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            builder.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(builder, topic, partition=partition))
    return sent


async def _send_effect(producer: AIOKafkaProducer, settings: Settings, effect: Effect) -> Any:
    return await producer.send(
        settings.topics.breaches,
        key=effect.ticket_id.encode(),
        value=msgspec.json.encode(cloud_event(effect, settings.source)),
        headers=[_CONTENT_TYPE],
    )


async def _send_dead_letter(
    producer: AIOKafkaProducer, settings: Settings, letter: DeadLetter
) -> Any:
    """Send a record on as it came, with where it came from and what is wrong in its headers."""
    record = letter.record
    return await producer.send(
        settings.topics.dead_letters,
        key=record.key,
        value=record.value,
        headers=[
            *record.headers,
            ("sla.topic", record.topic.encode()),
            ("sla.partition", str(record.partition).encode()),
            ("sla.offset", str(record.offset).encode()),
            ("sla.reason", letter.reason.encode(errors="replace")),
        ],
    )
