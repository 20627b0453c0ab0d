"""`run --workers N`: processes that are kept running, and one web port that adds them up."""

import asyncio
import logging
import signal
import socket
import sys
import time
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

import msgspec

from monitor.cli.logs import Logs
from monitor.cli.serve import Served, in_background, new_host_name, say_what_is_read, web_port
from monitor.cli.worker import Orders, frame, read_frame
from monitor.observability.figures import Health
from monitor.observability.host import Host, Member, Report
from monitor.observability.stats import PartitionStats
from monitor.observability.whole import Elsewhere
from monitor.sla.policy import Policy
from monitor.streaming import topics
from monitor.streaming.settings import Settings
from monitor.streaming.stats import listen
from monitor.wall.settings import WebSettings

log = logging.getLogger(__name__)

ASK_SECONDS: Final = 0.5
"""How often each worker is asked for its figures."""

SILENT_ASKS: Final = 6
"""A worker that has not answered this many times is not waited for."""

HUNG_ASKS: Final = 60
"""One that has not answered this many times is ended and replaced.

Counted in asks, not in seconds: this process may have been stopped meanwhile.
"""

ANSWER_SECONDS: Final = 0.5
"""How long a scrape waits for the workers' newest figures."""

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 15.0
STEADY_SECONDS: Final = 60.0
"""A worker that has lived so long is started again without a longer pause than the first."""

STOP_SECONDS: Final = 2.4
"""How long the workers may take to end: SIGTERM has to end all in 3 s."""

_CHILD: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; from monitor.cli.worker import main; main()"
)
"""The worker's code is this process's code, whatever the folder it was started in holds."""


@asynccontextmanager
async def serving_workers(
    settings: Settings,
    policy: Policy,
    web: WebSettings,
    *,
    shadow: Policy | None = None,
    workers: int,
    logs: Logs,
) -> AsyncIterator[Served]:
    """Run several workers and one web port for all.

    Raises `UsageError` when the port is taken, and what `topics.prepare` raises.
    """
    name = new_host_name()
    team = Team([Orders(n + 1, name, settings, policy, shadow, logs) for n in range(workers)])
    elsewhere = Elsewhere(name)
    async with web_port(
        *(web, lambda: (team.policy, team.shadow), team.read, team.ask_and_read),
        elsewhere=elsewhere,
    ) as address:
        inputs, partitions = await topics.prepare(settings)
        say_what_is_read(inputs, partitions)
        if workers > partitions:
            log.warning(
                "%d workers for %d partitions: some have nothing to do", workers, partitions
            )
        async with in_background(listen(settings, elsewhere, partitions)), team:
            yield Served(address, team.change_policy)


class Team:
    """The workers of this host."""

    def __init__(self, orders: list[Orders]) -> None:
        self.policy, self.shadow = orders[0].policy, orders[0].shadow
        """The one in force, and one that is only tried."""
        self._host = Host(len(orders))
        self._workers = [
            Worker(each, member) for each, member in zip(orders, self._host.members, strict=True)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(worker.live()) for worker in self._workers]
        self._asking = asyncio.create_task(self._keep_asking())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._asking.cancel()
        for worker in self._workers:
            worker.end()
        _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def change_policy(self, policy: Policy, shadow: Policy | None) -> None:
        """Have every worker go on under other policies, and those that are still to be started."""
        self.policy, self.shadow = policy, shadow
        for worker in self._workers:
            worker.change_policy(policy, shadow)

    def read(self) -> tuple[list[PartitionStats], Health]:
        """Add up what the workers last said."""
        return self._host.read(time.monotonic(), time.time())

    async def ask_and_read(self) -> tuple[list[PartitionStats], Health]:
        """Ask the workers for their newest figures, wait a moment for them, and add them up."""
        answers = [each.ask() for each in self._workers if each.is_up and not each.is_silent]
        if answers:
            await asyncio.wait(answers, timeout=ANSWER_SECONDS)
        return self.read()

    async def _keep_asking(self) -> None:
        while True:
            for worker in self._workers:
                if worker.is_up:
                    worker.poll()
            await asyncio.sleep(ASK_SECONDS)


class Worker:
    """Keeps one worker process running, and asks it."""

    def __init__(self, orders: Orders, member: Member) -> None:
        self._number = orders.number
        self._orders = orders
        self._member = member
        self._process: Process | None = None
        self._writer: StreamWriter | None = None
        self._answer: asyncio.Future[None] | None = None
        self._unanswered = 0
        self._ending = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """There is a process to be asked."""
        return self._writer is not None

    @property
    def is_silent(self) -> bool:
        """It has not answered for a while."""
        return self._unanswered > SILENT_ASKS

    def ask(self) -> "asyncio.Future[None]":
        """Ask for a report; return what is done when the answer is there."""
        if self._answer is None or self._answer.done():
            self._answer = asyncio.get_running_loop().create_future()
            if self._writer is not None:
                self._writer.write(frame(b""))
        return self._answer

    def poll(self) -> None:
        """Ask, and end it when it never answers."""
        self.ask()
        self._unanswered += 1
        if self._unanswered == HUNG_ASKS:
            log.warning("worker %d does not answer; ending it", self._number)
            self._signal(signal.SIGKILL)

    def change_policy(self, policy: Policy, shadow: Policy | None) -> None:
        """Tell it other policies."""
        self._orders = msgspec.structs.replace(self._orders, policy=policy, shadow=shadow)
        if self._writer is not None:
            self._writer.write(frame(msgspec.msgpack.encode((policy, shadow))))

    def end(self) -> None:
        """Have it commit and end, and start no other."""
        self._ending.set()
        self._signal(signal.SIGTERM)

    async def live(self) -> None:
        """Start it, and another whenever it ends, until `end`."""
        pause = FIRST_PAUSE
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                how = _how_it_ended(await self._life())
            except OSError as error:
                how = f"could not be started: {error}"
            except Exception:
                log.exception("worker %d: its supervision failed", self._number)
                how = "was ended"
            if self._ending.is_set():
                return
            if time.monotonic() - began > STEADY_SECONDS:
                pause = FIRST_PAUSE
            log.warning("worker %d %s; starting another in %g s", self._number, how, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _life(self) -> int:
        """Run one process to its end; return its exit code."""
        ours, theirs = socket.socketpair()
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", _CHILD, str(theirs.fileno()), *sys.path),
                pass_fds=(theirs.fileno(),),
                stdin=DEVNULL,
                start_new_session=True,  # Ctrl-C is for the parent alone, which says it in turn
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        try:
            if self._ending.is_set():
                self._signal(signal.SIGTERM)
            log.info("worker %d started (pid %d)", self._number, process.pid)
            reader, writer = await asyncio.open_unix_connection(sock=ours)
            writer.write(frame(msgspec.msgpack.encode(self._orders)))
            self._unanswered = 0
            self._writer = writer
            await self._listen(reader)
            return await process.wait()
        finally:
            self._gone()
            ours.close()
            if process.returncode is None:
                self._signal(signal.SIGKILL)
                await process.wait()

    async def _listen(self, reader: StreamReader) -> None:
        decoder = msgspec.msgpack.Decoder(Report)
        while (body := await read_frame(reader)) is not None:
            self._unanswered = 0
            if body:  # else it lives, but has nothing to show
                self._member.heard(decoder.decode(body), time.monotonic())
            self._answered()

    def _answered(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def _gone(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
        self._member.ended()
        self._answered()  # nobody will: let no scrape wait for it

    def _signal(self, which: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(which)


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
