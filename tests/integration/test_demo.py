"""The demo as a newcomer meets it, and how soon a ticket left alone is told."""

import asyncio
import json
import os
import re
import signal
import statistics
import time

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer

from tests.support.clock import iso
from tests.support.kafka import producing
from tests.support.program import COMMAND, ROOT, Scrape, free_port

AT_RISK_SECONDS = 90
TICKETS = 100


class Demo:
    """`sla-monitor demo` as a process of its own."""

    def __init__(self, *options, **environment):
        self._options = options
        self._environment = os.environ | environment
        self.lines = []

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "demo",
            *map(str, self._options),
            stderr=asyncio.subprocess.PIPE,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
            env=self._environment,
        )
        async with asyncio.timeout(30):
            async for line in self.process.stderr:
                self.lines.append(line.decode())
                if "Ctrl-C" in self.lines[-1]:
                    break
        text = "".join(self.lines)
        self.web = re.search(r"http://[\d.:]+", text)[0]
        self.bootstrap = re.search(r"--broker ([\d.:]+)", text)[1]
        self._rest = asyncio.create_task(self._read_on())
        return self

    async def _read_on(self):
        async for line in self.process.stderr:
            self.lines.append(line.decode())

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.terminate()  # killed it would leave its broker's folder behind
        try:
            async with asyncio.timeout(10):
                await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
            await self._rest

    async def get(self, path):
        async with aiohttp.ClientSession() as session, session.get(self.web + path) as response:
            return await response.text()

    async def until_live(self):
        """Wait until all is read and shown: at first the wall may be live with earlier figures."""
        async with asyncio.timeout(30):
            while True:
                shown = json.loads(await self.get("/snapshot.json"))
                if shown["state"] == "live" and not shown["lag_records"]:
                    return
                await asyncio.sleep(0.1)

    async def until_committed(self):
        """Return the metrics once the day of history is in the counters: they are of commits."""
        async with asyncio.timeout(10):
            while True:
                scrape = Scrape(await self.get("/metrics"))
                created = sum(c["windows"]["24h"]["created"] for c in await self.channels())
                if created <= scrape.sum("sla_ticket_events_total", kind="created"):
                    return scrape
                await asyncio.sleep(0.1)

    async def channels(self):
        return json.loads(await self.get("/snapshot.json"))["channels"]


async def test_the_demo_shows_four_live_channels_with_a_day_of_history():
    async with Demo("--web-port", free_port()) as demo:
        await demo.until_live()
        shown = json.loads(await demo.get("/snapshot.json"))
        assert [c["channel"] for c in shown["channels"]] == ["phone", "chat", "social", "email"]
        assert all(c["windows"]["24h"]["answered"] > 50 for c in shown["channels"])
        clocks = {c["channel"]: [k["clock"] for k in c["clocks"]] for c in shown["channels"]}
        assert clocks["chat"] == ["next_reply"]
        assert clocks["email"] == ["next_reply", "resolution"]
        measures = shown["measures"]
        assert 0.7 < measures["csat_ratio"]["all"] < 1
        assert measures["net_promoter_score"]["all"] > 0
        assert measures["resolution_seconds"]["all"] > 0
        assert 0.95 < measures["retention_ratio"] < 1
        assert measures["customer_base"] > 1900
        scrape = await demo.until_committed()
        assert scrape.sum("sla_next_replies_total", channel="chat", outcome="met") > 100
        assert scrape.sum("sla_resolutions_total", channel="email", outcome="met") > 20
        assert not scrape.sum("sla_records_total", outcome="dead_letter")
        demo.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            assert await demo.process.wait() == 130
    assert not [line for line in demo.lines if "Traceback" in line or "ERROR" in line]


async def test_a_second_demo_beside_the_first_picks_other_ports():
    async with Demo() as first, Demo() as second:
        assert first.web != second.web
        assert first.bootstrap != second.bootstrap
        await first.until_live()
        await second.until_live()


@pytest.mark.parametrize(
    ("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
async def test_it_leaves_nothing_behind_however_it_is_ended(tmp_path, sign, code):
    """SIGHUP is what a terminal sends that is closed."""
    async with Demo("--web-port", free_port(), TMPDIR=str(tmp_path)) as demo:
        assert list(tmp_path.iterdir())
        demo.process.send_signal(sign)
        async with asyncio.timeout(10):
            assert await demo.process.wait() == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.alone
async def test_a_ticket_left_alone_is_readable_as_at_risk_within_half_a_second(capsys):
    async with Demo("--web-port", free_port()) as demo:
        await demo.until_live()
        waits, scraped = await leave_alone(demo)
    waits.sort()
    p50, p99 = statistics.median(waits), waits[int(0.99 * len(waits))]
    with capsys.disabled():
        print(
            f"\nat_risk readable after its threshold, {len(waits)} tickets on the demo: "
            f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, max {waits[-1] * 1000:.0f} ms"
        )
    assert waits[-1] < 0.5
    assert waits[0] > 0
    assert scraped


async def leave_alone(demo):
    """Send tickets whose thresholds fall one after the other; time their events as read.

    Returns the delays in seconds, and whether each scrape after an event showed all told so far.
    """
    consumer = AIOKafkaConsumer(
        "sla-breaches", bootstrap_servers=demo.bootstrap, isolation_level="read_committed"
    )
    await consumer.start()
    await consumer.seek_to_end()
    began = time.time()
    thresholds = {f"alone-{n}": began + 1.5 + n * 0.05 for n in range(TICKETS)}
    async with producing(demo.bootstrap) as send:
        for ticket_id, threshold in thresholds.items():
            fields = {
                "ticket_id": ticket_id,
                "channel": "chat",
                "created_at": iso(threshold - AT_RISK_SECONDS),
            }
            await send("ticket-created", ticket_id, fields)
    waits, scraped = [], True
    async with asyncio.timeout(60):
        async for record in consumer:
            read_at = time.time()
            event = json.loads(record.value)
            if event["subject"] in thresholds and event["type"].endswith("at_risk"):
                waits.append(read_at - thresholds[event["subject"]])
                if len(waits) % 20 == 0:
                    scrape = Scrape(await demo.get("/metrics"))
                    scraped &= scrape.get("sla_tickets_at_risk", channel="chat") >= len(waits)
            if len(waits) == TICKETS:
                break
    await consumer.stop()
    return waits, scraped


@pytest.mark.parametrize("speed", [60])
async def test_a_fast_demo_breaches_within_seconds(speed):
    async with Demo("--speed", speed, "--web-port", free_port()) as demo:
        await demo.until_live()
        async with asyncio.timeout(30):
            while True:
                scrape = Scrape(await demo.get("/metrics"))
                rush = scrape.get("sla_window_tickets", channel="chat", window="5m", state="missed")
                if rush > 0:
                    break
                await asyncio.sleep(0.2)
