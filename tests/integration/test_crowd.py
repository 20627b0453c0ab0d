"""What the crowd before the web port costs those who are waiting: as good as nothing."""

import asyncio
import json
import sys
import time
from contextlib import asynccontextmanager
from statistics import median, quantiles

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from monitor.streaming.tasks import end
from monitor.wall.settings import DEFAULT_LIMITS as LIMITS
from tests.integration.test_run import created, is_live, prepared  # noqa: F401 - a fixture
from tests.support.crowd import PAGES
from tests.support.kafka import producing
from tests.support.program import ROOT, Run

AT_RISK_SECONDS = 1.0
POLICY = "channels:\n  chat: {at_risk: 1s, limit: 1h}\n"
TICKETS_A_SECOND = 25
DURING_SECONDS = 5


@pytest.mark.alone
async def test_a_crowd_before_the_wall_delays_nothing_that_is_told(prepared, tmp_path):  # noqa: F811
    """Without turns for requests a flood got 1,600 answers a second, and the median rose tenfold.

    The bound on the median leaves room for a machine with other things to do; that on the answers
    is exact.
    """
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    async with Run(prepared.bootstrap, "--policy", policy) as run, watching(prepared) as delays:
        await run.until(is_live)
        await delays(1.5)  # what comes late because of the start
        before = await delays(3)
        url = f"http://127.0.0.1:{run.port}"
        began = time.monotonic()
        async with crowd(url) as got, scraping(url) as scrapes:
            during = await delays(DURING_SECONDS)
        took = time.monotonic() - began
        after = await delays(2)
        await run.stop()
    print("\nfrom due to readable by a committed reader, at_risk:")
    for name, found in (("before", before), ("during", during), ("after", after)):
        print(f"  {name:7} {figures(found)}")
    print(f"  a scrape beside it: {figures(scrapes)}\n  the crowd got {got}")
    assert len(during) > DURING_SECONDS * TICKETS_A_SECOND / 2
    assert median(during) < 3 * max(median(before), median(after)) + 0.25
    assert (
        sum(map(got.get, ("200", "404"))) < took * LIMITS.requests_a_second + LIMITS.burst_requests
    )
    assert median(scrapes) < 1  # Prometheus's patience
    assert got["reads of streams"] > PAGES * DURING_SECONDS / 2
    assert got["200"] > 0


def figures(seconds):
    p50, p99 = (round(quantiles(seconds, n=100)[n] * 1000) for n in (49, 98))
    return f"{len(seconds)}, p50 {p50} ms, p99 {p99} ms, max {max(seconds) * 1000:.0f} ms"


@asynccontextmanager
async def watching(broker):
    """Yield what collects the delays of so many seconds, while tickets come all the time."""
    consumer = AIOKafkaConsumer(
        "sla-breaches",
        bootstrap_servers=broker.bootstrap,
        isolation_level="read_committed",
        fetch_max_wait_ms=10,
        auto_offset_reset="latest",
        metadata_max_age_ms=500,
    )
    created_at, found = {}, []

    async def tell(send):
        while True:
            ticket_id = f"T-{len(created_at)}"
            created_at[ticket_id] = time.time()
            await send("ticket-created", ticket_id, created(ticket_id, created_at[ticket_id]))
            await asyncio.sleep(1 / TICKETS_A_SECOND)

    async def listen():
        async for record in consumer:
            due = created_at[json.loads(record.value)["subject"]] + AT_RISK_SECONDS
            found.append(time.time() - due)

    async def delays(seconds):
        found.clear()
        await asyncio.sleep(seconds)
        return found.copy()

    async with producing(broker.bootstrap) as send:
        await consumer.start()
        tasks = [asyncio.create_task(tell(send)), asyncio.create_task(listen())]
        try:
            yield delays
        finally:
            await end(tasks)
            await consumer.stop()


@asynccontextmanager
async def scraping(url):
    """Yield the times that scrapes take meanwhile, as one Prometheus sends them."""
    found = []

    async def scrape():
        async with aiohttp.ClientSession() as session:
            while True:
                began = time.monotonic()
                async with session.get(f"{url}/metrics") as response:
                    await response.read()
                found.append(time.monotonic() - began)
                await asyncio.sleep(0.2)

    task = asyncio.create_task(scrape())
    try:
        yield found
    finally:
        await end([task])


@asynccontextmanager
async def crowd(url):
    """Have a crowd before the port; yield what it got, which is known in the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.crowd", url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    got = {}
    try:
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"ready\n"
        yield got
        async with asyncio.timeout(20):
            got.update(json.loads((await process.communicate(b""))[0]))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
