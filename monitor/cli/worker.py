"""One worker of several: a monitor with no web port, which tells its figures when it is asked.

It talks to the process that started it through a socket. When that breaks, the parent is gone,
and the worker commits what is done and ends as on SIGTERM.
"""

import asyncio
import logging
import signal
import socket
import struct
import sys
from asyncio import StreamReader, StreamWriter
from typing import Any, Final

import msgspec

from monitor.cli.logs import Logs, set_up_logging
from monitor.cli.reloading import take_policies
from monitor.cli.running import run_to_end, until_signal
from monitor.cli.serve import settle_memory
from monitor.errors import SlaMonitorError
from monitor.observability.host import Report
from monitor.sla.policy import Policy
from monitor.streaming.monitor import Monitor
from monitor.streaming.settings import Settings
from monitor.streaming.stats import publish
from monitor.streaming.topics import wait_for_broker

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 2.0
"""How long its monitor may take to stop: the parent has 3 s for all of its workers."""

_LENGTH: Final = struct.Struct("!I")


class Orders(msgspec.Struct):
    """What a worker is told at its start."""

    number: int
    host: str
    """The name of all the workers under one parent, for other hosts."""
    settings: Settings
    policy: Policy
    shadow: Policy | None
    logs: Logs


def frame(body: bytes) -> bytes:
    """Return a message as it goes through the socket."""
    return _LENGTH.pack(len(body)) + body


async def read_frame(reader: StreamReader) -> bytes | None:
    """Return the next message, or None when the other side is gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None


def main() -> None:
    """Work on the socket whose number is the first argument."""
    code = run_to_end(_work(int(sys.argv[1])))
    sys.exit(code)


async def _work(descriptor: int) -> int:
    stop = until_signal((signal.SIGTERM, signal.SIGINT))
    parent = socket.socket(fileno=descriptor)
    parent.setblocking(False)
    parent.set_inheritable(False)
    reader, writer = await asyncio.open_unix_connection(sock=parent)
    body = await read_frame(reader)
    if body is None:
        return 1
    orders = msgspec.msgpack.decode(body, type=Orders)
    set_up_logging(orders.logs, worker=orders.number)
    settle_memory()
    monitor = Monitor(orders.settings, orders.policy, orders.shadow)
    answering = asyncio.create_task(_answer(reader, writer, monitor))
    running = asyncio.create_task(_run(monitor, orders.host))
    try:
        ends: list[asyncio.Future[Any]] = [answering, running, stop]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        elif not stop.done():
            log.warning("the process that started this worker is gone; ending")
    except SlaMonitorError as error:
        log.error("%s", error)  # noqa: TRY400 - a sentence for people
        return error.exit_code
    finally:
        running.cancel()
        await asyncio.wait([running])
        await monitor.stop(STOP_SECONDS)
        answering.cancel()
        writer.close()
    return 0


async def _run(monitor: Monitor, host: str) -> None:
    """Start the monitor as soon as the broker answers, and let it run."""
    bootstrap = monitor.settings.bootstrap
    await wait_for_broker(
        monitor.settings,
        float("inf"),
        lambda _: log.warning("no broker answers at %s yet", bootstrap),
    )
    await monitor.start()
    await publish(monitor.settings, host, lambda: monitor.policy, monitor.each_part)


async def _answer(reader: StreamReader, writer: StreamWriter, monitor: Monitor) -> None:
    """Give a report for each question, until nobody is there to ask; take what policies come."""
    while (order := await read_frame(reader)) is not None:
        if order:
            policies = msgspec.msgpack.decode(order, type=tuple[Policy, Policy | None])
            await take_policies(monitor.change_policy, *policies)
            continue
        try:
            parts = monitor.parts()  # first: reading them lets time pass
            body = msgspec.msgpack.encode(Report(monitor.health(), parts))
        except Exception:  # what it does is worth more than what it shows
            log.exception("the figures cannot be read")
            body = b""
        try:
            writer.write(frame(body))
            await writer.drain()
        except OSError:
            return
