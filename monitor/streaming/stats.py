"""Figures between hosts: each publishes its partitions', and hears those of the others.

A plain producer and a plain consumer without a group. Nothing depends on what they do but the
wall, so whatever fails is tried again, and never stops the monitor.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from monitor.observability.stats import PartitionStats
from monitor.observability.whole import Elsewhere, Published
from monitor.sla.policy import Policy
from monitor.sla.policy_file import dump_policy
from monitor.streaming.settings import Settings
from monitor.streaming.tasks import at_most

log = logging.getLogger(__name__)

PUBLISH_SECONDS: Final = 1.0
REPEAT_SECONDS: Final = 3.0
"""How often figures that have not changed are published again: silence means nobody is there."""

_decode = msgspec.msgpack.Decoder(Published).decode

_RETRY_SECONDS: Final = 2.0
_CLOSE_SECONDS: Final = 0.3
_REQUEST_MS: Final = 5000
_FETCH_MS: Final = 20
_LISTEN_SECONDS: Final = 0.5


async def publish(
    settings: Settings,
    host: str,
    policy: Callable[[], Policy],
    read: Callable[[], Iterable[PartitionStats]],
) -> None:
    """Publish what `read` returns about once a second, until cancelled.

    `policy` returns the one in force.
    """
    await _keep_trying("publish", lambda: _publish(settings, host, policy, read))


async def listen(settings: Settings, elsewhere: Elsewhere, partitions: int) -> None:
    """Hear what is published from now on, until cancelled."""
    await _keep_trying("read", lambda: _listen(settings, elsewhere, partitions))


async def _keep_trying(what: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except (KafkaError, OSError, TimeoutError) as error:
            log.debug("cannot %s the figures between hosts: %r; trying again", what, error)
        except Exception:
            log.exception("cannot %s the figures between hosts; trying again", what)
        await asyncio.sleep(_RETRY_SECONDS)


async def _publish(
    settings: Settings,
    host: str,
    policy: Callable[[], Policy],
    read: Callable[[], Iterable[PartitionStats]],
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap,
        client_id=f"{settings.app_id}-stats",
        compression_type="lz4",
        request_timeout_ms=_REQUEST_MS,
        **settings.client_options,
    )
    told: dict[int, tuple[PartitionStats, float]] = {}
    known, text = None, ""
    try:
        await producer.start()
        while True:
            sent = []
            if (now_in_force := policy()) is not known:
                known, text = now_in_force, dump_policy(now_in_force)
            for part in read():
                await asyncio.sleep(0)  # a deadline must not wait for the figures of all
                now = time.monotonic()
                before, at = told.get(part.partition, (None, 0.0))
                if now - at >= REPEAT_SECONDS or _have_changed(before, part):
                    told[part.partition] = part, now
                    sent.append(
                        await producer.send(
                            settings.topics.stats,
                            key=_key(settings, part.partition),
                            value=msgspec.msgpack.encode(Published(host, part, text)),
                        )
                    )
            await asyncio.gather(*sent)
            await asyncio.sleep(PUBLISH_SECONDS)
    finally:
        await at_most(_CLOSE_SECONDS, producer.stop())


def _have_changed(before: PartitionStats | None, part: PartitionStats) -> bool:
    """Tell whether what others show is another; the same objects are compared at once."""
    if before is None or part.caught_up is not before.caught_up:
        return True
    return part.groups != before.groups


async def _listen(settings: Settings, elsewhere: Elsewhere, partitions: int) -> None:
    consumer = AIOKafkaConsumer(
        settings.topics.stats,
        bootstrap_servers=settings.bootstrap,
        client_id=f"{settings.app_id}-stats",
        auto_offset_reset="latest",
        enable_auto_commit=False,
        request_timeout_ms=_REQUEST_MS,
        **settings.client_options,
    )
    try:
        await consumer.start()
        elsewhere.listening(partitions, time.monotonic())
        while True:
            assigned = consumer.assignment()
            consumer.resume(*assigned)
            fetched = await consumer.getmany(timeout_ms=_FETCH_MS)
            # The embedded broker answers an empty fetch at once: aiokafka would ask without end.
            consumer.pause(*assigned)
            for record in (record for records in fetched.values() for record in records):
                found = published_in(record)
                if found and found[0] == settings.app_id:
                    elsewhere.heard(found[1], time.monotonic())
            await asyncio.sleep(_LISTEN_SECONDS)
    finally:
        elsewhere.deaf()
        await at_most(_CLOSE_SECONDS, consumer.stop())


def published_in(record: Any) -> tuple[str, Published] | None:
    """Return whose figures a record has, and which; one of another version says nothing."""
    if record.key is None or record.value is None:
        return None
    with suppress(msgspec.MsgspecError, UnicodeDecodeError):
        return record.key.decode().rpartition("/")[0], _decode(record.value)
    return None


def _key(settings: Settings, partition: int) -> bytes:
    """Return the key: two app ids side by side share the topic, and have the same partitions."""
    return f"{settings.app_id}/{partition}".encode()
