"""Another policy on Apache Kafka, for a reader of committed records; and faults at that moment."""

import asyncio
import os
import signal
import time

from tests.integration.test_reload import (  # noqa: F401 - collected here a second time
    QUICK,
    SLOW,
    changes,
    of_tickets,
    policy_file,
    test_a_restart_with_another_policy_is_the_same_as_a_reload,
    test_open_tickets_follow_a_reloaded_policy_and_nothing_is_told_or_counted_twice,
    workers_reload,
)
from tests.integration.test_run import created, is_live, prepared  # noqa: F401
from tests.integration.test_workers import pids, running, until_shared
from tests.support.kafka import producing, read_events
from tests.support.program import standing


async def test_a_worker_killed_after_a_reload_comes_back_with_the_new_policy(
    prepared,  # noqa: F811
    policy_file,  # noqa: F811
):
    await workers_reload(prepared, policy_file, signal.SIGKILL)


async def test_workers_killed_among_reloads_tell_each_change_and_each_ticket_once(
    prepared,  # noqa: F811
    policy_file,  # noqa: F811
):
    """To and fro between two policies, a worker killed each time, tickets late all the while."""
    rounds = 4
    async with (
        running(prepared.bootstrap, "--policy", policy_file) as run,
        producing(prepared.bootstrap) as send,
    ):
        await until_shared(run)
        for number in range(rounds):
            for n in range(40):
                ticket_id = f"T-{number}-{n}"
                await send("ticket-created", ticket_id, created(ticket_id, time.time() - 60))
            policy_file.write_text(SLOW if number % 2 == 0 else QUICK)
            run.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.02 * number)
            os.kill(sorted(pids(run).values())[number % 2], signal.SIGKILL)
            await asyncio.sleep(1)
            await run.until(is_live)
        every = 40 * rounds
        scrape = await run.until(
            lambda s: is_live(s) and s.get("sla_tickets_overdue", channel="chat") == every
        )
        assert scrape.net("chat", "breached") == scrape.net("chat", "at_risk") == every
        assert scrape.sum("sla_retractions_total", channel="chat") == 0
        assert scrape.sum("sla_records_total", outcome="ok") == every
        assert (await run.stop())[0] == 0
    told = await read_events(prepared.bootstrap)
    stands = standing([event for event in told if event["type"] != "sla.policy.changed"])
    assert len(stands) == len(of_tickets(told)) == 2 * every
    numbers = [f"policy/{number + 1}" for number in range(rounds)]
    assert changes(told) == numbers
