"""Two monitors of one group, as on two hosts: each wall shows all, /metrics its own only."""

import asyncio
import time
from contextlib import suppress

import aiohttp

from tests.integration.test_run import created, prepared  # noqa: F401 - a fixture among them
from tests.integration.test_workers import snapshot
from tests.support.kafka import producing
from tests.support.program import Run

TICKETS = 60


async def shown(run, condition, timeout=25.0):
    """Look at the wall until a condition holds; return what it showed then."""
    seen = None
    try:
        async with asyncio.timeout(timeout):
            while not (seen and condition(seen)):
                await asyncio.sleep(0.1)
                with suppress(aiohttp.ClientError):  # it starts
                    seen = await snapshot(run)
    except TimeoutError:
        raise AssertionError(f"not within {timeout} s:\n{''.join(run.log)}\n{seen}") from None
    return seen


def waiting(seen):
    return sum(channel["waiting"] for channel in seen["channels"])


def is_whole(seen):
    return seen["state"] == "live" and waiting(seen) == TICKETS and seen["partitions"] == 4


async def test_each_wall_shows_the_whole_and_names_what_nobody_serves_after_a_kill(
    prepared,  # noqa: F811
):
    """This broker never evicts a dead member, so what a killed host owned stays with nobody."""
    bootstrap = prepared.bootstrap
    async with (
        Run(bootstrap) as one,
        Run(bootstrap, "--workers", 2) as other,
        producing(bootstrap) as send,
    ):
        now = time.time()
        for number in range(TICKETS):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now, "email"))
        for run in (one, other):
            assert (await shown(run, is_whole))["notice"] == ""
        own = [await run.until(lambda s: s.get("sla_caught_up") == 1) for run in (one, other)]
        parts = [scrape.get("sla_tickets_waiting", channel="email") for scrape in own]
        assert min(parts) > 0
        assert sum(parts) == TICKETS
        assert [scrape.get("sla_partitions_unserved") for scrape in own] == [0, 0]
        one.process.kill()
        # Of two partitions one may be missed a moment before the other.
        seen = await shown(other, lambda s: s["notice"] and waiting(s) == parts[1])
        assert "Nobody serves partition" in seen["notice"]
        assert (seen["state"], seen["partitions"]) == ("behind", 4)
        assert (await other.metrics()).get("sla_partitions_unserved") > 0
        assert (await other.stop())[0] == 0


async def test_a_host_that_leaves_hands_over_and_is_not_missed(prepared):  # noqa: F811
    bootstrap = prepared.bootstrap
    async with Run(bootstrap) as one, Run(bootstrap) as other, producing(bootstrap) as send:
        now = time.time()
        for number in range(TICKETS):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now, "email"))
        await shown(one, is_whole)
        await shown(other, is_whole)
        code, seconds = await one.stop()
        assert code == 0
        assert seconds < 3
        scrape = await other.until(
            lambda s: s.get("sla_tickets_waiting", channel="email") == TICKETS, timeout=10
        )
        assert scrape.get("sla_tickets_open", channel="email") == TICKETS
        assert (await shown(other, is_whole))["notice"] == ""
        assert (await other.stop())[0] == 0
