"""A replay as it runs: topics made ready, then event by event at its pace, to the end or Ctrl-C.

Ctrl-C waits for what is under way: what is said to be sent is on the broker.
"""

import asyncio
import math
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

import click
from aiokafka.errors import KafkaError

from monitor.cli.event_file import EventFile
from monitor.cli.progress import progress
from monitor.cli.replay_batches import Sender, connected_sender
from monitor.cli.replay_history import Survey, read_event
from monitor.cli.replay_report import Report, failure
from monitor.cli.replay_timeline import Pace, pace, payload
from monitor.cli.replay_topics import prepare
from monitor.errors import InputError
from monitor.sla.events import SECOND
from monitor.streaming import topics
from monitor.streaming.settings import KINDS, Settings

_TICK_SECONDS: Final = 0.02
"""The shortest pause when paced; what falls due in it is sent together, late rather than early."""

_FLUSH_SECONDS: Final = 10.0


async def replay(
    file: EventFile,
    found: Survey,
    settings: Settings,
    *,
    speed: float,
    shift_to_now: bool,
    partitions: int | None,
    timeout_seconds: float,
) -> Report:
    """Prepare the topics and send everything, until Ctrl-C; raises `SlaMonitorError`."""

    def plan() -> Pace:
        return pace(found, time.time_ns() // 1000, speed, shift_to_now=shift_to_now)

    names = dict(zip(KINDS, settings.topics.inputs, strict=True))
    try:
        plan()
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from None
    await topics.wait_for_broker(settings, timeout_seconds, lambda text: click.echo(text, err=True))
    with topics.broker_errors(settings):
        async with topics.admin_client(settings) as admin:
            count = await prepare(
                admin,
                settings,
                partitions,
                plan().age(),
                closed=found.counts["ticket-closed"] > 0,
                customer_replied=found.counts["customer-replied"] > 0,
                others={names[kind] for kind in found.counts},
                shift_to_now=shift_to_now,
            )
    report = Report(found.counts.total())
    try:
        async with connected_sender(settings, count, report.sent) as sender:
            await _send(file, names, sender, plan(), report)
    except KafkaError as error:
        raise failure(error, report, settings.bootstrap) from error
    return report


async def _send(
    file: EventFile, names: Mapping[str, str], sender: Sender, plan: Pace, report: Report
) -> None:
    """Send until the end of the file or Ctrl-C, and wait for what was handed over."""
    began = time.monotonic()
    report.shift = plan.shift
    with _ctrl_c() as pressed:
        sending = asyncio.create_task(_feed(file, names, sender, plan, pressed))
        stopping = asyncio.create_task(pressed.wait())
        try:
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if pressed.is_set():
                report.interrupted = True
                await asyncio.wait({sending}, timeout=_FLUSH_SECONDS)
            else:
                await sending
        finally:
            report.seconds = time.monotonic() - began
            for task in (sending, stopping):
                task.cancel()
            await asyncio.gather(sending, stopping, return_exceptions=True)


@contextmanager
def _ctrl_c() -> Iterator[asyncio.Event]:
    """Give what Ctrl-C sets, once: whoever presses it again does not want to wait."""
    loop = asyncio.get_running_loop()
    pressed = asyncio.Event()

    def press() -> None:
        pressed.set()
        loop.remove_signal_handler(signal.SIGINT)

    with suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)


async def _feed(
    file: EventFile, names: Mapping[str, str], sender: Sender, plan: Pace, stop: asyncio.Event
) -> None:
    """Put each event when it is due, into the topic that is named for its kind."""
    began = time.monotonic()
    with progress("Sending", file.size) as at:
        for line in file:
            event = read_event(line)
            if plan.speed != math.inf:
                wait = began + plan.due(event.at) / SECOND - time.monotonic()
                if wait > 0:
                    await sender.hand_over()
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), max(wait, _TICK_SECONDS))
            if stop.is_set():
                break
            await sender.put(
                names[line.kind],
                event.key.encode(),
                payload(line.raw, plan.shift),
                (event.at + plan.shift) // 1000,
            )
            at(file.position)
        await sender.finish()
