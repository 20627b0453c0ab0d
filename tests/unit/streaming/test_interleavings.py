"""Two workers and one partition through every interleaving: nothing is lost, nothing comes twice.

The workers run the real partition tasks on a small model of Kafka (`world`, `kafka_model`). Of the
smaller worlds all states are visited that can be reached in any number of steps; of a larger one a
random part. That the search finds what is wrong is shown by tasks that are.
"""

import itertools
import logging
from collections import defaultdict
from typing import NamedTuple

import pytest
from aiokafka.errors import KafkaError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.sla.events import SECOND, AgentReplied, TicketCreated
from monitor.sla.policy_file import parse_policy
from monitor.streaming.codec import event_id
from monitor.streaming.partition import PartitionTask
from tests.unit.sla.strategies import START
from tests.unit.streaming.world import (
    SETTINGS,
    TOPICS,
    ModelStore,
    Producer,
    World,
    inputs_of,
    kept_of,
    undisturbed,
)

LATER = START + 1000 * SECOND
CREATED = TicketCreated("a", "chat", START)
LATE_REPLY = AgentReplied("a", START + 100 * SECOND)


class Case(NamedTuple):
    """What there is to read, and what the wall clock says."""

    inputs: dict
    walls: tuple

    def world(self, faults=(), **types):
        return World(self.inputs, faults, walls=self.walls, **types)


READ = Case(inputs_of(CREATED, LATE_REPLY), (LATER,))
"""A ticket at risk and its late reply, in two topics."""

TOLD = Case(inputs_of(CREATED), (LATER,))
"""A ticket that is overdue when it is read."""

DUE = Case(inputs_of(CREATED), (START + SECOND, LATER))
"""A ticket whose deadlines pass while nothing is read."""

CASES = {"READ": READ, "TOLD": TOLD, "DUE": DUE}

MORE = Case(
    inputs_of(
        CREATED,
        TicketCreated("b", "chat", START + 2 * SECOND),
        LATE_REPLY,
        AgentReplied("b", START + 130 * SECOND),
        poisoned=True,
    ),
    (START + 131 * SECOND, LATER),
)
"""Two tickets, both late, and a record that is none."""


@pytest.fixture(autouse=True, scope="module")
def _quiet():
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


# -- what must hold


def check_at_any_time(world):
    """What is committed belongs together: each record counted, each event told, by one commit."""
    kafka = world.kafka
    kept = kept_of(kafka.decided(SETTINGS.changelog))
    offsets = kafka.decided_offsets()
    counted = kept.counters.records
    read = {topic: sum(counted.get(topic, {}).values()) for topic in TOPICS}
    assert read == {topic: offsets.get(topic, (0, ""))[0] for topic in TOPICS}
    told = [
        event_id(ticket.ticket_id, telling.kind, telling.revision)
        for ticket in kept.tickets.values()
        for telling in ticket.told
    ]
    assert sorted(world.told()) == sorted(told)
    changes = [f"policy/{each.number}" for each in kept.policies if each.number]
    assert world.changes()[-len(changes) :] == changes if changes else not world.changes()
    poisoned = sum(outcomes["dead_letter"] for outcomes in counted.values())
    assert len(kafka.decided(SETTINGS.topics.dead_letters)) == poisoned


def check_at_rest(world, expected):
    """Somebody serves the partition, all is read, and what was told and kept is the truth."""
    task = world.workers[world.owner].task
    assert task is not None
    assert task.state is not None
    assert not task.state.is_dirty
    assert task.state.positions == {t: len(log) for t, log in world.kafka.inputs.items()}
    assert world.outcome() == expected
    assert task.state.policy == world.policy
    assert len(world.changes()) == len(set(world.changes()))
    kept = kept_of(world.kafka.decided(SETTINGS.changelog)).policies
    assert parse_policy(kept[-1].text) == world.policy


# -- every interleaving


class Found(NamedTuple):
    states: int
    at_rest: int
    longest: int


def explore(case, faults, **types):
    """Visit every state that a world can get into; return how many there are.

    What may go wrong need not: all that happens with fewer faults is among it.
    Depth first. A state is reached again by repeating the actions that led to it, and one seen
    before is not gone on from. From each state it must come to rest if nothing more goes wrong.
    """
    expected = undisturbed(case.inputs, case.walls[-1])
    seen, before = {}, defaultdict(set)
    resting = set()
    todo = [((), None)]
    while todo:
        path, parent = todo.pop()
        world = case.world(faults, **types)
        try:
            for action in path:
                world.do(action)
            while True:
                state = world.picture()
                if parent is not None:
                    before[state].add(parent)
                if state in seen:
                    break
                seen[state] = len(path)
                check_at_any_time(world)
                ordinary, unusual = world.ordinary(), world.unusual()
                if not ordinary:
                    check_at_rest(world, expected)
                    resting.add(state)
                todo += [((*path, action), None) for action in unusual]
                todo += [((*path, action), state) for action in ordinary[1:]]
                if not ordinary:
                    break
                path, parent = (*path, ordinary[0]), state
                world.do(ordinary[0])
        except AssertionError as error:
            error.add_note(f"after {path}")
            raise
        finally:
            world.end()
    assert _leading_to(resting, before) == set(seen), "somewhere it never comes to rest"
    return Found(len(seen), len(resting), max(seen.values()))


def _leading_to(states, before):
    found, todo = set(), list(states)
    while todo:
        state = todo.pop()
        if state not in found:
            found.add(state)
            todo += before[state]
    return found


@pytest.mark.parametrize(
    ("case", "faults"),
    [
        *itertools.product(["READ", "DUE"], [{"crash": 1}, {"stay": 1}, {"ahead": 1}]),
        ("READ", {"lose": 1}),
        ("READ", {"reload": 1}),
        ("TOLD", {"move": 1}),
        pytest.param("TOLD", {"move": 1, "crash": 1}, marks=pytest.mark.slow),
        pytest.param("READ", {"move": 1}, marks=pytest.mark.slow),
        ("TOLD", {"reload": 1, "crash": 1}),
        ("DUE", {"reload": 1, "lose": 1}),
    ],
    ids=str,
)
def test_every_interleaving_loses_nothing_and_tells_nothing_twice(case, faults):
    found = explore(CASES[case], faults)
    print(f"{case} {faults}: {found}")
    assert found.at_rest > 0


# -- longer ones, with more that goes wrong

OFTEN = {"move": 6, "stay": 3, "crash": 1, "lose": 4, "ahead": 6, "stall": 2, "reload": 3}


class Longer(RuleBasedStateMachine):
    """Any action at any time, for as long as hypothesis likes; then all comes to rest."""

    def __init__(self):
        super().__init__()
        self.world = MORE.world(OFTEN)

    @rule(data=st.data())
    def act(self, data):
        unusual = self.world.unusual()
        actions = self.world.ordinary()
        if not actions or (unusual and data.draw(st.integers(0, 4), "unusual") == 0):
            actions = unusual
        if actions:
            self.world.do(data.draw(st.sampled_from(actions), "action"))

    @invariant()
    def what_is_committed_belongs_together(self):
        check_at_any_time(self.world)

    def teardown(self):
        try:
            rest(self.world)
            check_at_rest(self.world, undisturbed(MORE.inputs, MORE.walls[-1]))
        finally:
            self.world.end()


def rest(world):
    """Let happen what happens by itself, and time pass where that is what is waited for."""
    for _ in range(300):
        ordinary = world.ordinary()
        if not ordinary:
            return
        world.do(ordinary[0])
    raise AssertionError("it does not come to rest")


Longer.TestCase.settings = settings(
    max_examples=settings.default.max_examples // 2, stateful_step_count=60, deadline=None
)
TestLonger = Longer.TestCase


# -- it finds what is wrong


class Anybody(ModelStore):
    """Gives each worker's producer an id of its own: nobody is fenced."""

    def producer(self):
        return Producer(self.kafka, self.line, f"sla-monitor-{self.line.name}")


class LateFence(ModelStore):
    """Fences when it first writes, not before it reads."""

    def producer(self):
        return LateProducer(self.kafka, self.line, SETTINGS.transactional_id(0))


class LateProducer(Producer):
    async def start(self):
        pass

    async def begin_transaction(self):
        if not self._epoch:
            await super().start()


class OffsetsApart(ModelStore):
    """Commits offsets beside the transaction."""

    def producer(self):
        return ApartProducer(self.kafka, self.line, SETTINGS.transactional_id(0))


class ApartProducer(Producer):
    async def send_offsets_to_transaction(self, offsets, group):
        found = {tp.topic: (meta.offset, meta.metadata) for tp, meta in offsets.items()}
        await self._line.ask("offsets", lambda: self._kafka.offsets.update(found), found)


class ReadsAborted(ModelStore):
    """Reads the changelog without asking what was committed."""

    def read_kept(self):
        log = self.kafka.logs.get(SETTINGS.changelog, [])
        return kept_of([(e.key, e.value) for e in log if not e.is_marker])


class TakesAnything(PartitionTask):
    """Takes every chunk, wherever it comes from."""

    async def take(self, chunk):
        state = self.state
        if state is None or self._suspended:
            return
        state.take(chunk.tp.topic, chunk.records, chunk.end, self._clock.wall())
        self._tick(state)
        self._wake.set()


class GoesOn(PartitionTask):
    """Goes on with what it has after a commit that failed."""

    async def _commit(self, state):
        try:
            await super()._commit(state)
        except KafkaError:
            self._is_committing = False
            self._committed.set()


@pytest.mark.parametrize(
    ("types", "faults"),
    [
        ({"store": Anybody}, {"move": 1}),
        ({"store": LateFence}, {"move": 1}),
        ({"store": OffsetsApart}, {"crash": 1}),
        ({"store": OffsetsApart}, {"lose": 1}),
        ({"store": ReadsAborted}, {"crash": 1}),
        ({"task": TakesAnything}, {"stay": 1, "ahead": 1}),
        ({"task": GoesOn}, {"lose": 1}),
    ],
    ids=lambda value: str(value).replace(f"{__name__}.", ""),
)
def test_a_task_that_does_it_wrong_is_found(types, faults):
    with pytest.raises(AssertionError) as found:
        explore(READ, faults, **types)
    assert found.value.__notes__
