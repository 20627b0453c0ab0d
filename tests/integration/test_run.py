"""`run` in the weather: outages of the monitor and of the broker, bad input, and its end."""

import asyncio
import json
import re
import signal
import time

import pytest

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.clock import iso
from tests.support.kafka import producing, read_all, read_events
from tests.support.metrics_page import documented
from tests.support.program import Run, run_command
from tests.support.schemas import validator

QUICK = "channels:\n  chat: {at_risk: 2s, limit: 3s}\n"


@pytest.fixture
async def prepared(broker):
    """A broker with the input topics."""
    settings = Settings(broker.bootstrap)
    async with topics.admin_client(settings) as admin:
        await topics.create(admin, topics.input_specs(settings, 4))
    return broker


@pytest.fixture
def quick_policy(tmp_path):
    path = tmp_path / "quick.yaml"
    path.write_text(QUICK)
    return path


def created(ticket_id, at, channel="chat"):
    return {"ticket_id": ticket_id, "channel": channel, "created_at": iso(at)}


def replied(ticket_id, at):
    return {"ticket_id": ticket_id, "replied_at": iso(at)}


def is_live(scrape):
    return scrape.get("sla_caught_up") == 1


async def test_after_an_outage_nothing_answered_in_time_is_called_breached(prepared, quick_policy):
    async with Run(prepared.bootstrap, "--policy", quick_policy) as run:
        await run.until(is_live)
        assert (await run.stop())[0] == 0
    now = time.time()
    async with producing(prepared.bootstrap) as send:
        for number in range(500):
            ticket_id = f"T-{number}"
            await send("ticket-created", ticket_id, created(ticket_id, now))
            await send("agent-replied", ticket_id, replied(ticket_id, now + 1.5))
    await asyncio.sleep(max(0.0, now + 4 - time.time()))
    async with Run(prepared.bootstrap, "--policy", quick_policy) as run:
        scrape = await run.until(lambda s: is_live(s) and s.net("chat", "answered") == 500)
        await run.stop()
    assert await read_events(prepared.bootstrap) == []
    assert scrape.sum("sla_first_responses_total", channel="chat", outcome="met") == 500
    assert scrape.sum("sla_first_responses_total", channel="chat", outcome="missed") == 0


async def test_a_ticket_left_alone_is_told_once_in_order_and_then_how_it_ended(
    prepared, quick_policy
):
    async with (
        producing(prepared.bootstrap) as send,
        Run(prepared.bootstrap, "--policy", quick_policy) as run,
    ):
        await run.until(is_live)
        now = time.time()
        await send("ticket-created", "T-1", created("T-1", now))
        await run.until(lambda s: s.get("sla_tickets_at_risk", channel="chat") == 1)
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 1)
        await send("agent-replied", "T-1", replied("T-1", now + 3.5))
        await run.until(lambda s: s.net("chat", "answered") == 1)
        await run.stop()
    told = await read_events(prepared.bootstrap)
    assert [event["id"] for event in told] == [
        f"T-1/first_response/{kind}" for kind in ("at_risk", "breached", "answered")
    ]
    assert [event["data"]["waited_seconds"] for event in told] == [2.0, 3.0, 3.5]
    for event in told:
        validator("sla-breaches").validate(event)


async def test_a_running_monitor_shows_the_metrics_that_are_documented(prepared):
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        _, text = await run.get("/metrics")
    shown = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert sorted(shown) == sorted((each.name, each.type) for each in documented())


async def test_a_lost_broker_is_said_and_reading_goes_on_when_it_is_back(prepared, quick_policy):
    """What is written across such an outage is tested on Apache Kafka: this broker forgets."""
    bootstrap = prepared.bootstrap
    async with Run(bootstrap, "--policy", quick_policy) as run:
        await run.until(is_live)
        await asyncio.sleep(1.2)  # until the embedded broker has saved the topics
        prepared.kill()
        await run.until(lambda s: s.get("sla_caught_up") == 0, timeout=6)
        async with asyncio.timeout(5):
            while json.loads((await run.get("/snapshot.json"))[1])["state"] != "broker_away":
                await asyncio.sleep(0.1)
        status, text = await run.get("/readyz")
        assert (status, "broker is away" in text) == (503, True)
        await prepared.start()
        async with producing(bootstrap) as send:
            await send("ticket-created", "T-2", created("T-2", time.time()))
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 1)
        assert (await run.get("/readyz"))[0] == 200
        await run.stop()


async def test_sigterm_ends_it_in_time_even_while_the_broker_is_away(prepared):
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        prepared.kill()
        await run.until(lambda s: s.get("sla_caught_up") == 0, timeout=6)
        code, seconds = await run.stop()
    assert code == 0
    assert seconds < 3


async def test_ctrl_c_ends_it_with_130_and_no_traceback(prepared):
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        run.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(5):
            assert await run.process.wait() == 130
    assert "Traceback" not in "".join(run.log)


async def test_what_cannot_be_used_goes_whole_to_the_dead_letters_and_stops_nothing(prepared):
    async with (
        producing(prepared.bootstrap) as send,
        Run(prepared.bootstrap) as run,
    ):
        await run.until(is_live)
        now = time.time()
        bad = {
            "ticket-created": [b"{", b"[]", json.dumps(created("T-9", now, "fax")).encode()],
            "agent-replied": [b'{"ticket_id": "T-9"}', b"\xff", b""],
            "ticket-closed": [b'{"ticket_id": "T-9", "closed_at": "2026-01-01T00:00:00"}'],
        }
        for topic, values in bad.items():
            for value in values:
                await send(topic, "T-9", value)
        await send("ticket-created", None, created("T-9", now))
        await send("agent-replied", "T-9", None)
        await send("ticket-created", "T-1", created("T-1", now))
        await run.until(
            lambda s: (
                s.get("sla_tickets_waiting", channel="chat") == 1
                and s.sum("sla_records_total", topic="ticket-created", outcome="dead_letter") == 4
                and s.sum("sla_records_total", topic="agent-replied", outcome="dead_letter") == 4
                and s.sum("sla_records_total", topic="ticket-closed", outcome="dead_letter") == 1
            )
        )
        await run.stop()
    letters = await read_all(prepared.bootstrap, "sla-dead-letters")
    assert len(letters) == 9
    for letter in letters:
        headers = {key: value.decode() for key, value in letter.headers}
        assert set(headers) == {"sla.topic", "sla.partition", "sla.offset", "sla.reason"}
        validator("sla-dead-letters.headers").validate(headers)
        assert len(headers["sla.reason"]) > 20
    sent = sorted(value for values in bad.values() for value in values)
    got = sorted(letter.value for letter in letters if letter.value is not None)
    assert [value for value in got if value in sent] == sent


async def test_a_missing_input_topic_is_said_with_the_way_out(broker):
    code, out, err = await run_command("run", "--broker", broker.bootstrap, "--web-port", "0")
    assert (code, out) == (1, "")
    assert "topics create" in err
    assert "Traceback" not in err


async def test_a_broker_that_is_away_at_start_is_waited_for_and_then_exit_3():
    began = time.monotonic()
    code, out, err = await run_command(
        "run", "--broker", "127.0.0.1:1", "--connect-timeout", "1.5", "--web-port", "0"
    )
    assert (code, out) == (3, "")
    assert 1.4 < time.monotonic() - began < 10
    lines = err.strip().splitlines()
    assert len(lines) == 2
    assert all("127.0.0.1:1" in line for line in lines)


async def test_a_broker_that_comes_up_late_is_joined(prepared):
    await asyncio.sleep(1.2)  # until the embedded broker has saved the topics
    prepared.kill()
    async with Run(prepared.bootstrap, "--connect-timeout", 30) as run:
        await asyncio.sleep(1.0)
        await prepared.start()
        await run.until(is_live)
        assert (await run.stop())[0] == 0
