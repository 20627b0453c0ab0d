"""A ticket that is forgotten is gone: from memory, from the figures, and in time from the log."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from monitor.sla.policy import DEFAULT_POLICY
from monitor.sla.views import Book
from monitor.streaming.monitor import Monitor
from monitor.streaming.settings import Settings
from tests.kafka import faults
from tests.kafka.faults import Record
from tests.kafka.test_more_faults import create_quickly_compacted_changelog
from tests.support.clock import iso
from tests.support.kafka import read_all

OLD, WAITING = 600, 40
DAY = 86_400


@pytest.fixture
async def settings(broker):
    await faults.prepare(broker.bootstrap)
    settings = Settings(broker.bootstrap, app_id="sla-forgotten", forget_seconds=1.0)
    await create_quickly_compacted_changelog(settings)
    return settings


@asynccontextmanager
async def monitoring(settings):
    monitor = Monitor(settings, DEFAULT_POLICY)
    await monitor.start()
    try:
        yield monitor
    finally:
        await monitor.stop()


def remembered(monitor):
    """Return the ids of all tickets in memory, or nothing while a partition is not open yet."""
    states = [task.state for task in monitor._partitions.tasks.values()]
    if len(states) < faults.PARTITIONS or not all(states):
        return None
    return {ticket_id for state in states for ticket_id in state.engine.tickets}


def shown(monitor):
    """Return how many are open and waiting, and how many were ever created."""
    groups = [group for part in monitor.parts() for group in part.groups]
    counts = [group for part in monitor.parts() for group in part.counts.groups]
    return (
        sum(group.open for group in groups),
        sum(group.waiting for group in groups),
        sum(group.booked[Book.CREATED] for group in counts),
    )


async def until(condition, what, timeout=60):
    async with asyncio.timeout(timeout):
        while not await condition():
            await asyncio.sleep(0.2)
    print(what)


def ticket(name, at, *, closed=False):
    """Return the records of a ticket, if told so one that is answered and closed soon."""
    records = [
        Record(at, "ticket-created", {"ticket_id": name, "channel": "email", "created_at": iso(at)})
    ]
    if closed:
        replied = {"ticket_id": name, "replied_at": iso(at + 30)}
        records.append(Record(at + 30, "agent-replied", replied))
        ended = {"ticket_id": name, "closed_at": iso(at + 60)}
        records.append(Record(at + 60, "ticket-closed", ended))
    return records


async def test_of_a_forgotten_ticket_nothing_is_left_and_a_restart_has_exactly_the_others(settings):
    bootstrap, now = settings.bootstrap, time.time()
    old = {f"old-{n}" for n in range(OLD)}
    kept = {f"waiting-{n}" for n in range(WAITING)}
    records = [
        *(
            r
            for n, name in enumerate(sorted(old))
            for r in ticket(name, now - 2 * DAY + n, closed=True)
        ),
        *(r for n, name in enumerate(sorted(kept)) for r in ticket(name, now - 3_600 + n)),
    ]
    await faults.send_history(bootstrap, sorted(records, key=lambda record: record.at))
    async with monitoring(settings) as monitor:

        async def all_forgotten():
            return remembered(monitor) == kept

        await until(all_forgotten, "gone from memory")

        async def all_committed():
            return shown(monitor) == (WAITING, WAITING, OLD + WAITING)

        await until(all_committed, "gone from the figures, but not from what was counted")
        number = 0

        async def none_left():
            """Write a little more, so that segments end, and look at the whole log."""
            nonlocal number
            number += 1
            names = [f"new-{number}-{n}" for n in range(3 * faults.PARTITIONS)]
            kept.update(names)
            more = [record for name in names for record in ticket(name, time.time())]
            await faults.send_history(bootstrap, more)
            await asyncio.sleep(1)
            left = await read_all(bootstrap, settings.changelog)
            keys = {record.key.decode(errors="replace") for record in left}
            print(f"{len(left)} records left, {len(keys & old)} keys of forgotten tickets")
            return not keys & old

        await until(none_left, "gone from the changelog, tombstones and all", timeout=90)

        async def all_read():
            return remembered(monitor) == kept

        await until(all_read, f"{len(kept)} tickets in memory")
        before = shown(monitor)
    async with monitoring(settings) as again:

        async def all_back():
            return remembered(again) == kept

        await until(all_back, f"{len(kept)} tickets after a restart")
        assert shown(again)[:2] == before[:2] == (len(kept), len(kept))
        assert shown(again)[2] == OLD + len(kept)
