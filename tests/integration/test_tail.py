"""`tail` on the embedded broker: where it starts, what it prints, and how it ends."""

import asyncio
import json
import signal
import time
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.program import COMMAND, ROOT, run_command

TOPIC = "sla-breaches"


def breach(ticket: str, kind: str = "breached", channel: str = "chat") -> dict:
    return {
        "specversion": "1.0",
        "id": f"{ticket}/first_response/{kind}",
        "type": f"sla.first_response.{kind}",
        "time": "2026-01-31T12:00:00Z",
        "data": {
            "ticket_id": ticket,
            "channel": channel,
            "waited_seconds": 120.0,
            "threshold_seconds": 120.0,
        },
    }


@pytest.fixture
async def told(broker):
    """Return a function that commits breach events, a transaction a call."""
    async with topics.admin_client(Settings(broker.bootstrap)) as admin:
        await topics.create(admin, topics.output_specs(Settings(broker.bootstrap), 2))
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id="told")
    await producer.start()

    async def tell(*events: dict | bytes, partition: int = 0, age: float = 0.0):
        async with producer.transaction():
            for event in events:
                value = event if isinstance(event, bytes) else json.dumps(event).encode()
                moment = int((time.time() - age) * 1000)
                await producer.send(TOPIC, value, partition=partition, timestamp_ms=moment)

    tell.producer = producer  # type: ignore[attr-defined]
    yield tell
    await producer.stop()


async def tail(broker, *options):
    code, out, err = await run_command(
        "tail", "--broker", broker.bootstrap, "--no-follow", *options
    )
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()], err


def tickets(events: list[dict]) -> list[str]:
    return [event["data"]["ticket_id"] for event in events]


@asynccontextmanager
async def following(broker, *options):
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *("tail", "--broker", broker.bootstrap, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(30):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_all_that_is_there_is_printed_as_it_is_and_in_order_of_time(broker, told):
    await told(breach("a"), breach("a", "answered"), partition=1, age=40)
    await told(breach("b"), partition=0, age=30)
    await told(breach("c"), partition=1, age=20)
    await told(breach("d"), partition=0, age=10)
    events, err = await tail(broker)
    assert tickets(events) == ["a", "a", "b", "c", "d"]
    assert events[0] == breach("a")
    assert err == ""


async def test_it_ends_at_the_end_although_the_last_offsets_are_those_of_transactions(broker, told):
    await told(breach("a"))
    await told.producer.begin_transaction()
    await told.producer.send_and_wait(TOPIC, json.dumps(breach("never")).encode(), partition=0)
    await told.producer.abort_transaction()
    events, _ = await tail(broker)
    assert tickets(events) == ["a"]


async def test_it_ends_at_once_where_nothing_was_ever_told(broker, told):
    assert await tail(broker) == ([], "")


async def test_since_begins_with_the_events_of_that_time(broker, told):
    await told(breach("old"), age=7200)
    await told(breach("older"), partition=1, age=9000)
    await told(breach("new"), age=60)
    events, _ = await tail(broker, "--since", "1h")
    assert tickets(events) == ["new"]
    events, _ = await tail(broker, "--since", "36500d")
    assert len(events) == 3


async def test_only_what_is_asked_for_is_printed(broker, told):
    await told(
        breach("a"), breach("b", "at_risk"), breach("c", "answered"), breach("d", channel="phone")
    )
    events, _ = await tail(broker, "--kind", "breached", "--kind", "at_risk", "--channel", "Chat")
    assert tickets(events) == ["a", "b"]


async def test_what_is_no_breach_event_is_skipped_and_said_once(broker, told):
    await told(b"junk", breach("a"), b"{}", breach("b"))
    events, err = await tail(broker)
    assert tickets(events) == ["a", "b"]
    assert err.count("skipped what is no breach event: sla-breaches, partition 0, offset 0") == 1
    assert err.count("\n") == 1


async def test_an_event_of_several_lines_becomes_one(broker, told):
    await told(json.dumps(breach("a"), indent=2).encode())
    events, _ = await tail(broker)
    assert events == [breach("a")]


async def test_it_follows_from_the_end_and_ctrl_c_ends_it_with_130(broker, told):
    await told(breach("before"))
    async with following(broker) as process:
        line = asyncio.create_task(process.stdout.readline())
        while not line.done():
            await told(breach("after"))
            await asyncio.sleep(0.1)
        assert json.loads(await line) == breach("after")
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err.strip() == b""


async def test_it_ends_quietly_when_its_reader_goes_away_although_nothing_happens(broker, told):
    await told(breach("a"))
    async with following(broker, "--since", "1h") as process:
        assert json.loads(await process.stdout.readline()) == breach("a")
        process._transport.get_pipe_transport(1).close()
        _, err = await process.communicate()
    assert process.returncode == 141
    assert err == b""


async def test_without_its_topic_it_says_how_to_get_it(broker):
    code, out, err = await run_command("tail", "--broker", broker.bootstrap)
    assert (code, out) == (1, "")
    assert f"sla-monitor topics create --broker {broker.bootstrap}" in err
