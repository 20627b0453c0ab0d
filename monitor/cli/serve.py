"""A monitor with its web port: what `run` and `demo` share."""

import asyncio
import gc
import logging
import socket
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp.web import Application
from msgspec.structs import replace

from monitor.observability.exposition import exposition
from monitor.observability.figures import Health, Overview, overview
from monitor.observability.metrics import Metrics
from monitor.observability.snapshot import snapshot
from monitor.observability.stats import PartitionStats
from monitor.observability.whole import Elsewhere
from monitor.sla.policy import Policy
from monitor.streaming.monitor import Monitor
from monitor.streaming.settings import Settings, Topics
from monitor.streaming.stats import listen, publish
from monitor.streaming.tasks import end
from monitor.wall.listening import listening
from monitor.wall.metrics import MetricsPage
from monitor.wall.server import Wall
from monitor.wall.settings import WebSettings

log = logging.getLogger(__name__)

STOP_SECONDS = 2.2
"""How long stopping may take: SIGTERM has to end in 3 s."""


def settle_memory() -> None:
    """Have the cyclic garbage collector look at what is new only, and seldom.

    Nothing that the monitor keeps of tickets holds a cycle, and walking through them again and
    again costs more than all the rules.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


ChangePolicy = Callable[[Policy, Policy | None], Awaitable[None]]
"""Has a monitor take a policy, and one to be tried beside it."""


class Served(NamedTuple):
    """What runs: where it is seen, and how it is given another policy."""

    address: str
    """Of the wall."""
    change_policy: ChangePolicy


@asynccontextmanager
async def serving(
    settings: Settings,
    policy: Policy,
    web: WebSettings,
    *,
    shadow: Policy | None = None,
    notice: str = "",
) -> AsyncIterator[Served]:
    """Run a monitor and its web port.

    Raises `UsageError` when the port is taken, and what `Monitor.start` raises.
    """
    settle_memory()
    monitor = Monitor(settings, policy, shadow)
    name = new_host_name()
    elsewhere = Elsewhere(name)

    def read() -> tuple[list[PartitionStats], Health]:
        return monitor.parts(), monitor.health()

    async def scrape() -> tuple[list[PartitionStats], Health]:
        parts = []
        for part in monitor.each_part():
            parts.append(part)
            await asyncio.sleep(0)  # a deadline must not wait for the figures of all
        return parts, monitor.health()

    async with web_port(
        *(web, lambda: (monitor.policy, monitor.shadow), read, scrape),
        elsewhere=elsewhere,
        notice=notice,
    ) as address:
        inputs, partitions = await monitor.start()
        say_what_is_read(inputs, partitions)
        try:
            async with in_background(
                publish(settings, name, lambda: monitor.policy, monitor.each_part),
                listen(settings, elsewhere, partitions),
            ):
                yield Served(address, monitor.change_policy)
        finally:
            await monitor.stop(STOP_SECONDS)


@asynccontextmanager
async def web_port(
    web: WebSettings,
    policies: Callable[[], tuple[Policy, Policy | None]],
    read: Callable[[], tuple[list[PartitionStats], Health]],
    scrape: Callable[[], Awaitable[tuple[list[PartitionStats], Health]]],
    *,
    elsewhere: Elsewhere,
    notice: str = "",
) -> AsyncIterator[str]:
    """Serve the wall and /metrics; yield the address.

    `policies` returns the one in force, and one that is only tried.

    The metrics are those of this host alone, the wall shows `elsewhere` too: whoever scrapes adds
    hosts up, whoever looks does not. Only what nobody serves is the same on every host.

    It comes first, so that a port that is taken is known before the group is joined.
    """
    known = policies()
    shown = Metrics(*known)
    scraped: Overview | None = None
    seen: Overview | None = None

    async def metrics() -> str:
        nonlocal known, shown, scraped
        policy, shadow = policies()
        if policy is not known[0] or shadow is not known[1]:
            known = policy, shadow
            shown = Metrics(policy, shadow)
        parts, health = await scrape()
        all_parts, everywhere = elsewhere.whole(parts, health, time.monotonic())
        # What nobody serves is in no host's own figures, so each tells of it.
        health = replace(health, unserved=everywhere.unserved)
        scraped = overview(
            *(policy, parts, health), everywhere=all_parts, shadow=shadow, before=scraped
        )
        return exposition(shown.of(scraped))

    def whole() -> dict[str, Any]:
        nonlocal seen
        parts, health = elsewhere.whole(*read(), time.monotonic())
        seen = overview(policies()[0], parts, health, before=seen)
        return snapshot(seen, notice)

    app = Application()
    Wall(whole, limits=web.limits).add_routes(app)
    MetricsPage(metrics).add_routes(app)
    if exposure := web.exposure():
        log.warning("%s", exposure)
    async with listening(app, web) as address:
        yield address


@asynccontextmanager
async def in_background(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have coroutines run meanwhile."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        await end(tasks)


def new_host_name() -> str:
    """Return what tells one monitor from others in what they publish: its host, and a number."""
    return f"{socket.gethostname()}/{uuid.uuid4().hex[:8]}"


def say_what_is_read(inputs: Sequence[str], partitions: int) -> None:
    """Log once what the group reads."""
    log.info("reading %s, %d partitions each", ", ".join(inputs), partitions)
    closed = Topics().closed
    if closed not in inputs:
        log.info("no topic %s: a ticket is over at its first response", closed)
