"""`run` on Apache Kafka: the tests of the embedded broker, and what only a real one can bear."""

import asyncio
import time

from tests.integration.test_run import (  # noqa: F401 - collected here a second time
    created,
    is_live,
    prepared,
    quick_policy,
    replied,
    test_a_missing_input_topic_is_said_with_the_way_out,
    test_a_ticket_left_alone_is_told_once_in_order_and_then_how_it_ended,
    test_after_an_outage_nothing_answered_in_time_is_called_breached,
    test_ctrl_c_ends_it_with_130_and_no_traceback,
    test_what_cannot_be_used_goes_whole_to_the_dead_letters_and_stops_nothing,
)
from tests.support.kafka import producing, read_events
from tests.support.program import Run


async def test_a_broker_killed_while_running_loses_nothing_and_doubles_nothing(
    prepared,  # noqa: F811 - the fixture
    quick_policy,  # noqa: F811
):
    bootstrap = prepared.bootstrap
    async with Run(bootstrap, "--policy", quick_policy) as run:
        await run.until(is_live)
        for number in range(2):
            now = time.time()
            async with producing(bootstrap) as send:
                for n in range(20):
                    ticket_id = f"T-{number}-{n}"
                    await send("ticket-created", ticket_id, created(ticket_id, now))
                    if n % 2:
                        await send("agent-replied", ticket_id, replied(ticket_id, now + 1))
            # The thresholds of the first lot fall while the broker is away.
            await asyncio.sleep(number)
            prepared.kill()
            await run.until(lambda s: s.get("sla_caught_up") == 0, timeout=8)
            await prepared.start()
            await run.until(is_live)
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 20)
        # Gauges are of now, counters of the last commit, which the broker may still be asked for.
        await run.until(lambda s: s.net("chat", "answered") == 20)
        await run.until(lambda s: s.get("sla_lag_records") == 0)
        code, seconds = await run.stop()
    assert code == 0
    assert seconds < 3
    told = await read_events(bootstrap)
    expected = {
        f"T-{number}-{n}/first_response/{kind}"
        for number in range(2)
        for n in range(0, 20, 2)
        for kind in ("at_risk", "breached")
    }
    assert sorted(event["id"] for event in told) == sorted(expected)
