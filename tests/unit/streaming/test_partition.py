"""When a partition task opens: never while its partition may be somebody else's."""

import asyncio

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CoordinatorLoadInProgressError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from monitor.sla.policy import DEFAULT_POLICY
from monitor.streaming import offsets
from monitor.streaming.partition import PartitionTask
from monitor.streaming.settings import Settings

SETTINGS = Settings("127.0.0.1:1", retry_seconds=0.001)
TPS = [TopicPartition("ticket-created", 3), TopicPartition("agent-replied", 3)]


class Group:
    """Stands for the consumer: says what the group says."""

    def __init__(self):
        self.ours = True
        self.asked = asyncio.Event()

    async def is_member(self):
        self.asked.set()
        return self.ours


class Task(PartitionTask):
    """Counts how often it is opened, and is fenced when told to."""

    def __init__(self, group):
        self.opened = 0
        self.fenced = asyncio.Event()
        super().__init__(
            *(3, SETTINGS, DEFAULT_POLICY, group, None, {}),
            over_at_reply=False,
            on_commit=lambda *_: None,
        )

    async def _open(self):
        self.opened += 1
        self.fenced.clear()

    async def _serve(self):
        await self.fenced.wait()
        raise ProducerFenced


@pytest.fixture
async def group():
    return Group()


@pytest.fixture
async def task(group):
    task = Task(group)
    yield task
    task.fenced.set()
    await task.close(1)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_fenced_task_stays_away_until_the_group_says_that_the_partition_is_its_own(
    task, group
):
    await until(lambda: task.opened == 1)
    group.ours = False
    task.fenced.set()
    for _ in range(5):
        group.asked.clear()
        await group.asked.wait()
    assert task.opened == 1
    group.ours = True
    await until(lambda: task.opened == 2)


async def test_a_task_fenced_in_a_rebalance_waits_for_its_outcome(task, group):
    await until(lambda: task.opened == 1)
    await task.suspend()
    group.asked.clear()
    task.fenced.set()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(group.asked.wait(), 0.05)
    assert task.opened == 1
    task.resume()
    await until(lambda: task.opened == 2)


async def test_a_task_that_waits_for_the_group_can_be_closed_at_once(group):
    group.ours = False
    task = Task(group)
    await group.asked.wait()
    async with asyncio.timeout(1):
        await task.close(5)
    assert task.opened == 0


def answering(monkeypatch, found):
    class Admin:
        def __init__(self, **_):
            pass

        async def start(self):
            pass

        async def close(self):
            pass

        async def list_consumer_group_offsets(self, group, partitions):
            return found

    monkeypatch.setattr(offsets, "AIOKafkaAdminClient", Admin)


async def test_a_group_with_no_offsets_yet_begins_at_the_start(monkeypatch):
    answering(monkeypatch, {tp: OffsetAndMetadata(-1, "") for tp in TPS})
    assert await offsets.committed(SETTINGS, TPS) == ({}, 0)


async def test_the_clock_is_the_latest_of_those_stored(monkeypatch):
    answering(
        monkeypatch,
        {
            TPS[0]: OffsetAndMetadata(7, '{"clock": 50}'),
            TPS[1]: OffsetAndMetadata(8, '{"clock": 60}'),
        },
    )
    committed = {"ticket-created": 7, "agent-replied": 8}
    assert await offsets.committed(SETTINGS, TPS) == (committed, 60)


async def test_a_coordinator_still_loading_is_not_taken_for_a_group_with_no_offsets(monkeypatch):
    answering(monkeypatch, {})
    with pytest.raises(CoordinatorLoadInProgressError):
        await offsets.committed(SETTINGS, TPS)
