"""`run --workers` on Apache Kafka: a worker that is killed, which only a real broker evicts."""

import asyncio
import os
import signal
import time

from tests.integration.test_hosts import (  # noqa: F401 - collected here a second time
    test_a_host_that_leaves_hands_over_and_is_not_missed,
)
from tests.integration.test_workers import (  # noqa: F401 - collected here a second time
    created,
    is_alive,
    is_live,
    pids,
    prepared,
    quick_policy,
    running,
    snapshot,
    test_ctrl_c_ends_all_with_130_and_no_traceback,
    test_the_figures_of_all_workers_add_up_on_one_web_port,
    test_workers_whose_parent_was_killed_end_by_themselves,
    until,
    until_shared,
)
from tests.support.kafka import producing, read_events

TOTAL = 60


async def test_a_worker_killed_is_started_again_and_the_sums_come_back(
    prepared,  # noqa: F811 - the fixture
    quick_policy,  # noqa: F811
):
    async with (
        running(prepared.bootstrap, "--policy", quick_policy) as run,
        producing(prepared.bootstrap) as send,
    ):
        await until_shared(run)
        now = time.time()
        for number in range(TOTAL):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now))
        before = await run.until(
            lambda s: (
                s.get("sla_tickets_overdue", channel="chat") == TOTAL
                and s.get("sla_detection_delay_seconds_count") == 2 * TOTAL
            )
        )
        killed = pids(run)[2]
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        scrape = await run.until(lambda s: not is_live(s), timeout=3)
        assert scrape.get("sla_tickets_overdue", channel="chat") < TOTAL
        assert scrape.get("sla_detection_delay_seconds_count") == 2 * TOTAL
        await asyncio.sleep(1.1)  # the wall's second
        assert "Nobody serves partition" in (await snapshot(run))["notice"]
        # What falls due meanwhile is told by whoever serves the partitions then.
        now = time.time()
        for number in range(TOTAL, 2 * TOTAL):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now))
        await until(lambda: pids(run)[2] != killed)
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 2 * TOTAL)
        print(f"\nwhole again {time.monotonic() - began:.1f} s after the kill")
        await until_shared(run)
        after = await run.until(is_live)
        assert after.get("sla_detection_delay_seconds_count") > before.get(
            "sla_detection_delay_seconds_count"
        )
        await asyncio.sleep(1.1)
        assert (await snapshot(run))["notice"] == ""
        assert any("worker 2 was ended by SIGKILL" in line for line in run.log)
        processes = pids(run).values()
        code, seconds = await run.stop()
        assert code == 0
        assert seconds < 3
        assert not [pid for pid in processes if is_alive(pid)]
    told = [event["id"] for event in await read_events(prepared.bootstrap)]
    expected = {
        f"T-{number}/first_response/{kind}"
        for number in range(2 * TOTAL)
        for kind in ("at_risk", "breached")
    }
    assert sorted(told) == sorted(expected)


async def test_a_worker_that_dies_again_and_again_is_started_after_growing_pauses(
    prepared,  # noqa: F811
):
    async with running(prepared.bootstrap) as run:
        await until_shared(run)
        for _ in range(3):
            pid = pids(run)[1]
            os.kill(pid, signal.SIGKILL)
            await until(lambda pid=pid: pids(run)[1] != pid)
        pauses = [line for line in run.log if "worker 1 was ended by SIGKILL" in line]
        assert [line.split(" in ")[-1].strip() for line in pauses] == ["0.5 s", "1 s", "2 s"]
        assert (await run.stop())[0] == 0
