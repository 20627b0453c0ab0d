"""How background tasks are ended, and what is said of why they failed."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka.errors import KafkaError

from monitor.errors import SlaMonitorError

_AGAIN_SECONDS: Final = 1.0


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, as often as it takes, and wait until they have ended.

    One cancellation may get lost: aiokafka swallows what comes while it closes a client, and so
    does `wait_for` of Python 3.11 at times. A task that tries again then goes on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)


def outline(error: BaseException | None) -> str:
    """Return why something failed, as it may stand in the log.

    Errors of Kafka, of the system and our own tell of brokers, topics and files. Any other may
    quote the record that was being worked on: only its type is named.
    """
    if isinstance(error, KafkaError | OSError | SlaMonitorError):
        return str(error) or type(error).__name__
    return "no reason was given" if error is None else type(error).__name__
