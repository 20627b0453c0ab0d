"""What a partition task says it has counted: what is committed, and nothing that may be undone."""

import asyncio

import pytest

from monitor.sla.events import TicketCreated
from monitor.sla.views import Book
from monitor.streaming import partition
from monitor.streaming.partition import PartitionTask
from monitor.streaming.settings import Settings
from tests.unit.sla.strategies import START
from tests.unit.streaming.feeding import KINDS, POLICY, TOPICS, WALL, begin, record

CREATED = TOPICS[0]


class Group:
    """Stands for the consumer: the partition is never ours, so the task leaves us alone."""

    async def is_member(self):
        return False


class Producer:
    """Commits when it is let, or fails."""

    def __init__(self):
        self.answer = asyncio.get_running_loop().create_future()

    async def send_offsets_to_transaction(self, offsets, group):
        pass

    async def commit_transaction(self):
        await self.answer

    async def abort_transaction(self):
        pass

    async def stop(self):
        pass


@pytest.fixture
async def task(monkeypatch):
    async def write(*_):
        pass

    monkeypatch.setattr(partition.outputs, "write", write)
    task = PartitionTask(
        *(3, Settings("127.0.0.1:1"), POLICY, Group(), None, KINDS),
        over_at_reply=False,
        on_commit=lambda *_: None,
    )
    task._producer = Producer()
    yield task
    await task.close(1)


def created(task):
    return sum(group.booked[Book.CREATED] for group in task.counts.groups)


def read(state, ticket_id):
    position = state.positions[CREATED]
    written = record(TicketCreated(ticket_id, "chat", START))[1]
    state.take(CREATED, [written], position + 1, WALL)
    state.tick((), WALL)


async def committing(task, state):
    commit = asyncio.create_task(task._commit(state))
    await asyncio.sleep(0)
    return commit


async def test_what_is_read_counts_when_the_commit_that_took_it_is_through(task):
    state = begin()
    read(state, "a")
    commit = await committing(task, state)
    read(state, "b")
    assert created(task) == 0
    task._producer.answer.set_result(None)
    await commit
    assert created(task) == 1
    assert task.counts.records == {
        topic: {"ok": int(topic == CREATED), "dead_letter": 0} for topic in TOPICS
    }


async def test_what_a_failed_commit_took_never_counted(task):
    state = begin()
    read(state, "a")
    commit = await committing(task, state)
    task._producer.answer.set_exception(TimeoutError())
    with pytest.raises(TimeoutError):
        await commit
    assert created(task) == 0
