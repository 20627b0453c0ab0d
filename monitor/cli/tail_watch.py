"""Watches over both ends of a tail, because a topic may be silent for hours.

In such silence a pipe whose reader has gone, or a broker that is down, looks like peace.
"""

import asyncio
import select
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO, Final

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

_SILENT_SECONDS: Final = 5.0
"""After this long without an event the broker is asked whether it is still there."""


def reader_watch(out: BinaryIO) -> Callable[[], bool]:
    """Return what says whether a pipe's reader is still there; it knows without a write."""
    try:
        number = out.fileno()
    except (OSError, AttributeError):
        return lambda: True
    if not hasattr(select, "poll"):
        return lambda: True
    poll = select.poll()
    poll.register(number, 0)
    return lambda: not any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


class BrokerWatch:
    """Says when the broker goes away and when it is back."""

    def __init__(
        self, bootstrap: str, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> None:
        self._bootstrap = bootstrap
        self._consumer = consumer
        self._partitions = partitions
        self._last_heard = time.monotonic()
        self.answers = True

    async def look(self, *, heard: bool) -> None:
        """Note that something was just heard of the broker, or ask it when nothing was for long."""
        if not heard and time.monotonic() - self._last_heard < _SILENT_SECONDS:
            return
        answers = heard or await self._ask()
        self._last_heard = time.monotonic()
        if answers != self.answers:
            self.answers = answers
            said = "answers again" if answers else "does not answer; waiting for it"
            click.echo(f"the broker at {self._bootstrap} {said}", err=True)

    async def _ask(self) -> bool:
        with suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(self._consumer.end_offsets(self._partitions), _SILENT_SECONDS)
            return True
        return False
