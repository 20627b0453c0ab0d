"""The other clocks on their way through Kafka: told as by the backtest, once, restarted too."""

import asyncio
import json
import random
import time

import pytest

from tests.support.clock import iso
from tests.support.kafka import read_events
from tests.support.program import Run, run_command
from tests.support.schemas import validator

POLICY = """\
calendars:
  office: {zone: Europe/Bucharest, hours: {mon-sun: 08:00-18:00}}
channels:
  chat:  {limit: 2m, next_reply: {limit: 3m}}
  email:
    targets: [50% within 2h, 90% within 8h]
    hours: office
    next_reply: {limit: 4h, hours: office}
    resolution: {limit: 20h, pause: waiting_for_customer}
rules:
  - {when: {channel: chat, tier: gold}, limit: 1m}
"""
BEGIN = 1_767_600_000  # 2026-01-05T08:00:00Z
TICKETS = 150


def talk(dice, number):
    """Yield the events of one ticket."""
    ticket_id, at = f"T-{number}", BEGIN + number * 60 + dice.random()
    channel = dice.choice(("chat", "email"))
    pace = 60 if channel == "chat" else 7200
    tier = dice.choice(("gold", "basic"))
    fields = {"channel": channel, "created_at": iso(at), "tier": tier}
    yield at, {"type": "ticket-created", "ticket_id": ticket_id, **fields}
    for _ in range(dice.randrange(7)):
        at += dice.expovariate(1 / pace)
        kind = dice.choice(("agent-replied", "customer-replied"))
        yield at, {"type": kind, "ticket_id": ticket_id, "replied_at": iso(at)}
    at += dice.expovariate(1 / pace)
    yield at, {"type": "ticket-closed", "ticket_id": ticket_id, "closed_at": iso(at)}


@pytest.fixture
def files(tmp_path):
    """A policy, and a history of talks."""
    dice = random.Random(5)
    events = [event for number in range(TICKETS) for event in talk(dice, number)]
    history, policy = tmp_path / "talks.jsonl", tmp_path / "policy.yaml"
    history.write_text("".join(json.dumps(e) + "\n" for _, e in sorted(events, key=lambda e: e[0])))
    policy.write_text(POLICY)
    return history, policy


async def told_by(bootstrap, expected):
    """Return what is told, once it is as much as expected or a minute has gone."""
    deadline = time.monotonic() + 60
    told = await read_events(bootstrap)
    while len(told) < len(expected) and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        told = await read_events(bootstrap)
    return told


async def test_a_history_of_talks_ends_as_its_backtest_also_after_a_restart(broker, files):
    history, policy = files
    code, out, err = await run_command("backtest", history, "--events", "--policy", policy)
    assert code == 0, err
    expected = {event["id"]: event for event in map(json.loads, out.splitlines())}
    clocks = {event["type"].split(".")[1] for event in expected.values()}
    assert clocks == {"first_response", "next_reply", "resolution"}
    for event in expected.values():
        validator("sla-breaches").validate(event)
    _, figures, _ = await run_command("backtest", history, "--json", "--policy", policy)
    chat = json.loads(figures)["clocks"]["next_reply"]["chat"]

    code, _, err = await run_command("replay", history, "--broker", broker.bootstrap)
    assert code == 0, err
    assert "customer-replied" in err
    for _ in range(2):
        async with Run(broker.bootstrap, "--policy", policy) as run:
            told = await told_by(broker.bootstrap, expected)
            scrape = await run.until(
                lambda s: s.get("sla_caught_up") == 1 and s.net("email", "created") > 0
            )
            await run.stop()
        assert len({event["id"] for event in told}) == len(told)
        assert {event["id"]: event for event in told} == expected
        met = scrape.sum("sla_next_replies_total", channel="chat", outcome="met")
        missed = scrape.sum("sla_next_replies_total", channel="chat", outcome="missed")
        assert (met, missed) == (chat["answered_within_limit"], chat["breached"])
        total = scrape.sum("sla_next_reply_seconds_sum", channel="chat")
        assert round(total, 3) == chat["next_reply_sum_seconds"]
        assert scrape.sum("sla_records_total", topic="customer-replied", outcome="ok") > 0
