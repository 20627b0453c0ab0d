"""`traffic`: made-up tickets that a monitor on the same broker takes up."""

import asyncio
import signal

from tests.support.program import COMMAND, ROOT, Run, run_command


async def test_its_tickets_come_to_the_monitor_until_it_is_stopped(broker):
    await run_command("topics", "create", "--broker", broker.bootstrap, "--partitions", 2)
    async with Run(broker.bootstrap) as run:
        traffic = await asyncio.create_subprocess_exec(
            *(*COMMAND, "traffic", "--broker", broker.bootstrap, "--seed", "3"), cwd=ROOT
        )
        try:
            scrape = await run.until(
                lambda scrape: any(
                    value > 0
                    for (name, labels), value in scrape.values.items()
                    if name == "sla_ticket_events_total" and ("kind", "created") in labels
                ),
                timeout=120,
            )
        finally:
            traffic.send_signal(signal.SIGTERM)
            async with asyncio.timeout(10):
                code = await traffic.wait()
        assert code == 0
        assert "dead_letter" in scrape.text
        assert not [
            value
            for (name, labels), value in scrape.values.items()
            if name == "sla_records_total" and ("outcome", "dead_letter") in labels and value
        ]


async def test_without_topics_it_says_how_to_make_them(broker):
    code, _, err = await run_command("traffic", "--broker", broker.bootstrap)
    assert code == 1
    assert f"sla-monitor topics create --broker {broker.bootstrap}" in err


async def test_without_a_broker_it_ends_with_the_code_for_that():
    code, _, err = await run_command("traffic", "--broker", "127.0.0.1:1", "--connect-timeout", 0)
    assert code == 3
    assert "no Kafka broker answers" in err
