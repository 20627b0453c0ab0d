"""Made-up traffic into Kafka, each message when its time comes: what `demo` and `traffic` share."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from monitor.cli.traffic import Message
from monitor.streaming.settings import Settings

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator["AIOKafkaProducer"]:
    """Yield a producer, and stop it at the end."""
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - only loaded where it is needed

    producer = AIOKafkaProducer(bootstrap_servers=settings.bootstrap, **settings.client_options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send_history(
    producer: "AIOKafkaProducer", messages: Iterator[Message], now: float
) -> tuple[Message, int]:
    """Send all that lies before now; return the first message that does not, and how many."""
    for sent, message in enumerate(messages):
        if message.at > now:
            await producer.flush()
            return message, sent
        await _send(producer, message)
    raise AssertionError("traffic has no end")


async def send_live(producer: "AIOKafkaProducer", first: Message, rest: Iterator[Message]) -> None:
    """Send each message when its time comes."""
    message: Message | None = first
    while message is not None:
        await asyncio.sleep(max(0.0, message.at - time.time()))
        await _send(producer, message)
        message = next(rest, None)


async def _send(producer: "AIOKafkaProducer", message: Message) -> Any:
    return await producer.send(
        message.topic,
        key=message.key.encode(),
        value=json.dumps(message.fields).encode(),
        timestamp_ms=int(message.at * 1000),
    )
