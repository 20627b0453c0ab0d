"""The live path agrees with the backtest: real histories through the broker into the monitor."""

import asyncio

import pytest

from monitor.sla.policy import DEFAULT_POLICY
from monitor.streaming.monitor import Monitor
from monitor.streaming.settings import Settings
from tests.support.histories import (
    LARGER_ARE_SLOW,
    LARGEST_IS_SLOW,
    check_against_backtest,
    counts,
    history,
    shuffled,
    tally,
)
from tests.support.program import Run, run_command


async def replay(broker, path):
    code, _, err = await run_command("replay", path, "--broker", broker.bootstrap)
    assert code == 0, err


def decided(name, channel):
    """Return a condition: all is read and every deadline of the history is decided."""
    figures = tally(name)[1]

    def is_decided(scrape):
        return (
            scrape.get("sla_caught_up") == 1
            and scrape.tally(channel) == counts(figures)
            and scrape.get("sla_tickets_waiting", channel=channel) == 0
        )

    return is_decided


@pytest.mark.parametrize("name", LARGEST_IS_SLOW)
async def test_a_history_replayed_into_kafka_ends_as_its_backtest(broker, name):
    await replay(broker, history(name))
    async with Run(broker.bootstrap) as run:
        scrape = await run.until(decided(name, tally(name)[0]))
        await check_against_backtest(scrape, broker.bootstrap, name, in_order=True)
        code, seconds = await run.stop()
    assert code == 0
    assert seconds < 3


@pytest.mark.parametrize("name", LARGER_ARE_SLOW)
async def test_a_clean_restart_in_the_middle_of_a_history_changes_nothing(broker, name):
    await replay(broker, history(name))
    lines = tally(name)[1]["created"]
    await read_half(Settings(broker.bootstrap, max_poll_records=50, flush_seconds=0.05), lines)
    async with Run(broker.bootstrap) as run:
        scrape = await run.until(decided(name, tally(name)[0]))
        await check_against_backtest(scrape, broker.bootstrap, name, in_order=True)


async def read_half(settings, tickets):
    """Run a monitor until it has read about half of a history, and stop it cleanly."""
    monitor = Monitor(settings, DEFAULT_POLICY)
    await monitor.start()
    try:
        async with asyncio.timeout(60):
            while tickets_read(monitor) < tickets // 2:
                await asyncio.sleep(0.005)
    finally:
        await monitor.stop()
    health = monitor.health()
    assert health.lag_records == 0
    assert health.partitions == 0


def tickets_read(monitor):
    """Count what was read, be it committed or not: half of it is soon past."""
    states = [task.state for task in monitor._partitions.tasks.values()]
    counted = [state.records.get("ticket-created", {}) for state in states if state]
    return sum(outcomes.get("ok", 0) for outcomes in counted)


@pytest.mark.parametrize("name", LARGER_ARE_SLOW)
async def test_a_shuffled_history_ends_in_the_same_truth(broker, name, tmp_path):
    await replay(broker, shuffled(history(name), tmp_path, within=10_000, seed=11))
    async with Run(broker.bootstrap) as run:
        scrape = await run.until(decided(name, tally(name)[0]))
        await check_against_backtest(scrape, broker.bootstrap, name, in_order=False)
