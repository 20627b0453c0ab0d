"""How background tasks are ended."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

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
