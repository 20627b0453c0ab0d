"""The partition tasks of this worker, opened and closed as the group assigns them."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from faust.types import TP

from monitor.streaming.chunks import Chunk
from monitor.streaming.partition import PartitionTask

log = logging.getLogger(__name__)

_SUSPEND_SECONDS = 3.0


class Partitions:
    """Keeps one task for each partition number that this worker owns."""

    def __init__(self, open_task: Callable[[int], PartitionTask]) -> None:
        self.tasks: dict[int, PartitionTask] = {}
        self.closed = False
        self._open_task = open_task

    async def process(self, chunk: Chunk) -> None:
        """Give a chunk to its task.

        One that comes before its task is there may be dropped: opening the task reads from the
        committed position anyway.
        """
        task = self.tasks.get(chunk.tp.partition)
        if task is not None:
            await task.take(chunk)

    async def revoke(self, revoked: Iterable[TP]) -> None:
        """Commit all that is done: any of the partitions may be going elsewhere."""
        del revoked  # a rebalance revokes everything
        suspending = [asyncio.create_task(task.suspend()) for task in self.tasks.values()]
        if suspending:
            _, late = await asyncio.wait(suspending, timeout=_SUSPEND_SECONDS)
            for task in late:
                task.cancel()

    async def assign(self, assigned: Iterable[TP]) -> None:
        """Keep the tasks of partitions that stayed, drop those that went, open the new ones.

        Opening goes on in the background, side by side: a rebalance must not wait for it.
        """
        if self.closed:
            return
        numbers = {tp.partition for tp in assigned}
        gone = [self.tasks.pop(number) for number in set(self.tasks) - numbers]
        for task in self.tasks.values():
            task.resume()
        for number in sorted(numbers - set(self.tasks)):
            self.tasks[number] = self._open_task(number)
        log.info("owns partitions %s", ", ".join(map(str, sorted(numbers))) or "none")
        await asyncio.gather(*(task.close(_SUSPEND_SECONDS) for task in gone))

    async def drop(self, timeout_seconds: float) -> None:
        """Commit what can be, and let go of all tasks; others may be opened later."""
        tasks, self.tasks = self.tasks, {}
        await asyncio.gather(*(task.close(timeout_seconds) for task in tasks.values()))

    async def close(self, timeout_seconds: float) -> None:
        """Commit and let go of everything, for good."""
        self.closed = True
        await self.drop(timeout_seconds)
