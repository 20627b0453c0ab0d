"""Another policy for a running monitor: open tickets follow, nothing is told or counted twice."""

import asyncio
import os
import signal
import time

import pytest

from tests.integration.test_run import created, is_live, prepared, replied  # noqa: F401
from tests.integration.test_workers import pids, running, until_shared
from tests.support.kafka import producing, read_events
from tests.support.program import Run, standing
from tests.support.schemas import validator


def policy(at_risk, limit):
    return f"channels:\n  chat: {{at_risk: {at_risk}s, limit: {limit}s}}\n"


QUICK, SLOW, STRICT = policy(2, 3), policy(300, 600), policy(1, 2)


@pytest.fixture
def policy_file(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(QUICK)
    return path


async def reload(run, path, text, limit):
    """Have a running monitor read its file again; return once the policy is in force."""
    path.write_text(text)
    run.process.send_signal(signal.SIGHUP)
    await run.until(
        lambda s: s.get("sla_target_seconds", channel="chat", threshold="limit") == limit
    )


def of_tickets(events):
    return [event["id"] for event in events if event["type"] != "sla.policy.changed"]


def changes(events):
    found = [event for event in events if event["type"] == "sla.policy.changed"]
    for event in found:
        validator("policy-changed").validate(event)
    return [event["id"] for event in found]


async def test_open_tickets_follow_a_reloaded_policy_and_nothing_is_told_or_counted_twice(
    prepared,  # noqa: F811
    policy_file,
):
    async with (
        producing(prepared.bootstrap) as send,
        Run(prepared.bootstrap, "--policy", policy_file) as run,
    ):
        await run.until(is_live)
        await send("ticket-created", "T-1", created("T-1", time.time()))
        await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 1)
        now = time.time()
        await send("ticket-created", "T-2", created("T-2", now))
        await run.until(lambda s: s.get("sla_tickets_waiting", channel="chat") == 2)
        await reload(run, policy_file, SLOW, 600)
        await asyncio.sleep(max(0.0, now + 4 - time.time()))
        scrape = await run.metrics()
        # T-1 was late by the policy of its time, and waits still; T-2 has time.
        assert scrape.get("sla_tickets_overdue", channel="chat") == 1
        assert scrape.get("sla_tickets_at_risk", channel="chat") == 1
        assert (
            abs(scrape.get("sla_next_deadline_timestamp_seconds", channel="chat") - now - 600) < 1
        )
        policy_file.write_text("channels:\n  chat: {limit: soon}\n")
        run.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(10):
            while not [line for line in run.log if "the policy in force stays" in line]:
                await asyncio.sleep(0.05)
        await reload(run, policy_file, STRICT, 2)
        scrape = await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 2)
        await send("agent-replied", "T-1", replied("T-1", time.time()))
        scrape = await run.until(lambda s: s.net("chat", "answered") == 1)
        counted = {kind: scrape.net("chat", kind) for kind in ("created", "at_risk", "breached")}
        assert counted == {"created": 2, "at_risk": 2, "breached": 2}
        assert scrape.sum("sla_retractions_total", channel="chat") == 0
        assert scrape.sum("sla_records_total", outcome="ok") == 3
        assert (await run.stop())[0] == 0
    told = await read_events(prepared.bootstrap)
    assert changes(told) == ["policy/1", "policy/2"]
    assert sorted(of_tickets(told)) == sorted(
        [
            *(f"T-1/first_response/{kind}" for kind in ("at_risk", "breached", "answered")),
            *(f"T-2/first_response/{kind}" for kind in ("at_risk", "breached")),
        ]
    )


async def test_a_restart_with_another_policy_is_the_same_as_a_reload(
    prepared,  # noqa: F811
    policy_file,
):
    policy_file.write_text(STRICT)
    async with producing(prepared.bootstrap) as send:
        async with Run(prepared.bootstrap, "--policy", policy_file) as run:
            await run.until(is_live)
            for number in range(20):
                ticket_id = f"T-{number}"
                await send("ticket-created", ticket_id, created(ticket_id, time.time()))
            await run.until(lambda s: s.get("sla_tickets_overdue", channel="chat") == 20)
            await run.stop()
        for text in (SLOW, SLOW, STRICT):
            policy_file.write_text(text)
            async with Run(prepared.bootstrap, "--policy", policy_file) as run:
                scrape = await run.until(lambda s: is_live(s) and s.net("chat", "breached") == 20)
                assert scrape.get("sla_tickets_overdue", channel="chat") == 20
                assert scrape.sum("sla_retractions_total", channel="chat") == 0
                await asyncio.sleep(0.5)
                await run.stop()
    told = await read_events(prepared.bootstrap)
    assert changes(told) == ["policy/1", "policy/2"]
    assert len(of_tickets(told)) == 40
    standing([event for event in told if event["type"] != "sla.policy.changed"])


async def test_all_workers_take_a_reloaded_policy_and_so_does_one_that_is_started_later(
    prepared,  # noqa: F811
    policy_file,
):
    await workers_reload(prepared, policy_file, signal.SIGTERM)


async def test_a_shadow_policy_has_figures_of_its_own_and_tells_nothing(
    prepared,  # noqa: F811
    policy_file,
    tmp_path,
):
    shadow_file = tmp_path / "shadow.yaml"
    shadow_file.write_text(QUICK)
    policy_file.write_text(SLOW)
    waiting = {"channel": "chat", "policy": "shadow"}
    async with (
        producing(prepared.bootstrap) as send,
        running(prepared.bootstrap, "--policy", policy_file, "--shadow", shadow_file) as run,
    ):
        await until_shared(run)
        for number in range(20):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", time.time()))
        scrape = await run.until(lambda s: s.get("sla_shadow_tickets_overdue", **waiting) == 20)
        assert scrape.get("sla_tickets_waiting", channel="chat") == 20
        assert scrape.get("sla_tickets_at_risk", channel="chat") == 0
        assert scrape.sum("sla_tickets_overdue") == 0
        shadow_file.write_text(SLOW)
        run.process.send_signal(signal.SIGHUP)
        await run.until(lambda s: s.get("sla_shadow_tickets_overdue", **waiting) == 0)
        assert (await run.stop())[0] == 0
    assert await read_events(prepared.bootstrap) == []


async def workers_reload(prepared, policy_file, which):  # noqa: F811 - the fixtures' values
    """Have two workers reload, one of them after it was ended by this signal."""
    async with (
        running(prepared.bootstrap, "--policy", policy_file) as run,
        producing(prepared.bootstrap) as send,
    ):
        await until_shared(run)
        now = time.time()
        for number in range(40):
            await send("ticket-created", f"T-{number}", created(f"T-{number}", now))
        await run.until(lambda s: s.get("sla_tickets_waiting", channel="chat") == 40)
        await reload(run, policy_file, SLOW, 600)
        os.kill(min(pids(run).values()), which)
        await asyncio.sleep(max(0.0, now + 5 - time.time()))
        scrape = await run.until(
            lambda s: is_live(s) and s.get("sla_tickets_waiting", channel="chat") == 40
        )
        assert scrape.get("sla_tickets_at_risk", channel="chat") == 0
        assert (await run.stop())[0] == 0
    told = await read_events(prepared.bootstrap)
    assert changes(told) == ["policy/1"]
    assert of_tickets(told) == []
