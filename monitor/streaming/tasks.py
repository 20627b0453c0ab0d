"""How background tasks are ended, and what is said of why they failed."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final

from aiokafka.errors import KafkaError

from monitor.errors import SlaMonitorError

log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 0.5
_TRIES: Final = 4


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, as often as it takes, and wait until they have ended; in the end without them.

    One cancellation may get lost: aiokafka swallows what comes while it closes a client, and so
    does `wait_for` of Python 3.11 at times. A task that tries again then goes on for ever.
    """
    pending = set(tasks)
    for _ in range(_TRIES):
        if not pending:
            return
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)


async def at_most(seconds: float, work: Coroutine[Any, Any, Any]) -> bool:
    """Wait for so long; tell whether it has ended well, and leave it to itself if it has not ended.

    `wait_for` would wait for what it cancels, and aiokafka may swallow a cancellation while it
    closes a client: whoever waits then waits for ever.
    """
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        task.add_done_callback(_note)
        return False
    return _note(task)


def _note(task: "asyncio.Task[Any]") -> bool:
    if task.cancelled():
        return False
    if error := task.exception():
        log.debug("closing: %r", error)
    return error is None


def outline(error: BaseException | None) -> str:
    """Return why something failed, as it may stand in the log.

    Errors of Kafka, of the system and our own tell of brokers, topics and files. Any other may
    quote the record that was being worked on: only its type is named.
    """
    if isinstance(error, KafkaError | OSError | SlaMonitorError):
        return str(error) or type(error).__name__
    return "no reason was given" if error is None else type(error).__name__
