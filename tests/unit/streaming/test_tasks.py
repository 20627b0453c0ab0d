"""Background tasks end, even one that a library keeps from hearing that it should."""

import asyncio
from contextlib import suppress

from monitor.streaming import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(tasks, "_AGAIN_SECONDS", 0.01)
    lost = asyncio.Event()

    async def deaf_at_first():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        lost.set()
        await asyncio.sleep(3600)

    deaf = asyncio.create_task(deaf_at_first())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.end([deaf])
    assert lost.is_set()
    assert deaf.cancelled()
