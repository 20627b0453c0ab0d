"""Two workers and one partition, one step at a time: whatever can happen next is an action.

The workers are the real `Partitions` and `PartitionTask`. Every request to the model of Kafka
waits until the action that lets it arrive; between two actions the loop runs until all wait.
"""

import asyncio
import hashlib
import json
from collections import Counter, deque
from dataclasses import replace
from types import SimpleNamespace
from typing import NamedTuple

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from monitor.sla.policy import Policy
from monitor.streaming.changelog import Kept, pack_ticket
from monitor.streaming.codec import cloud_event
from monitor.streaming.partition import PartitionTask
from monitor.streaming.partitions import Partitions
from monitor.streaming.readings import Readings
from monitor.streaming.settings import Settings
from tests.unit.sla.strategies import CHAT
from tests.unit.streaming.feeding import MS, Record, begin, record
from tests.unit.streaming.kafka_model import Kafka

SETTINGS = Settings("model:1", flush_seconds=0.0, idle_commit_seconds=1e9, retry_seconds=0.0)
"""What is changed is committed at once, that is: as soon as an action lets it."""

POLICY = Policy({"chat": CHAT})
OTHER_POLICY = Policy({"chat": replace(CHAT, share=0.5)})
"""Whenever it is taken, the same is true of every ticket."""

TOPICS = ("ticket-created", "agent-replied")
KINDS = {topic: topic for topic in TOPICS}
ASSIGNED = {TP(topic, 0) for topic in TOPICS}
NAMES = ("old", "new")


def inputs_of(*events, poisoned=False):
    """Return the input's logs: these events, and if asked for a record that is none among them."""
    records = [record(event) for event in events]
    if poisoned:
        bad = Record(b"a", b"not JSON", events[0].at // MS, topic=TOPICS[0])
        records.insert(1, (TOPICS[0], bad))
    logs = {topic: [one for t, one in records if t == topic] for topic in TOPICS}
    return {t: [r._replace(offset=n) for n, r in enumerate(log)] for t, log in logs.items()}


def outcome(breaches, kept):
    """Return what was told and what is kept, without what is worked out anew from it."""
    tickets = {
        ticket_id: (t.created, t.channel, t.replied, t.closed, t.touched, t.told, t.revisions)
        for ticket_id, t in kept.tickets.items()
    }
    return breaches, tickets, kept.counters


def undisturbed(inputs, wall):
    """Return the outcome of one owner that reads everything and commits once."""
    state = begin(dict.fromkeys(TOPICS, 0), policy=POLICY, kinds=KINDS)
    for topic, log in inputs.items():
        state.take(topic, log, len(log), wall)
    state.tick((), wall)
    batch = state.drain()
    told = [
        (effect.ticket_id.encode(), msgspec.json.encode(cloud_event(effect, SETTINGS.source)))
        for effect in batch.effects
    ]
    return outcome(told, kept_of(batch.changelog))


class Loop(asyncio.BaseEventLoop):
    """An event loop that returns when all wait, and whose time only passes when it is told."""

    def __init__(self):
        super().__init__()
        self._selector = self
        self.now = 0.0

    def time(self):
        return self.now

    def select(self, timeout):
        if timeout is None or timeout > 0:
            self.stop()
        return ()

    def _process_events(self, events):
        pass


class Request(NamedTuple):
    """What is under way to Kafka; its effect happens when it arrives."""

    name: str
    what: object
    effect: object
    answer: asyncio.Future


class Line:
    """What one process sends, each request until it arrives; the process may die meanwhile."""

    def __init__(self, name):
        self.name = name
        self.alive = True
        self.requests = []
        self.forgotten = []

    async def ask(self, name, effect, what=None):
        answer = asyncio.get_running_loop().create_future()
        self.requests.append(Request(name, what, effect, answer))
        return await answer

    def arrive(self, name, *, lose=False):
        """Let what was requested arrive, and the answer too unless it is to be lost.

        What is written in one go arrives together: of a part nobody can see anything.
        """
        arriving = [request for request in self.requests if request.name == name]
        self.requests = [request for request in self.requests if request.name != name]
        for request in arriving:
            self._arrive(request, lose=lose)

    def _arrive(self, request, *, lose):
        if request.answer.cancelled() and not self._may_arrive_late(request):
            return
        try:
            found = request.effect()
        except Exception as error:  # noqa: BLE001 - what Kafka answers with
            found = error
        if not self.alive or request.answer.done():
            return
        if lose:
            found = KafkaConnectionError("the answer was lost")
        if isinstance(found, Exception):
            request.answer.set_exception(found)
        else:
            request.answer.set_result(found)

    def under_way(self):
        """List what is requested."""
        return list(dict.fromkeys(request.name for request in self.requests))

    def _may_arrive_late(self, request):
        return request.name in WRITES

    def die(self):
        self.alive = False
        self.forgotten = self.requests  # or the tasks that wait for them would be collected
        self.requests = [r for r in self.requests if r.name in WRITES]


WRITES = ("write", "offsets", "commit")


class Builder:
    """A batch of records to be."""

    def __init__(self):
        self.records = []

    def append(self, *, key, value, timestamp, headers):
        del timestamp, headers
        self.records.append((key, value))
        return True

    def record_count(self):
        return len(self.records)


class Producer:
    """aiokafka's transactional producer, as far as a task uses it."""

    def __init__(self, kafka, line, transactional_id):
        self._kafka = kafka
        self._line = line
        self._id = transactional_id
        self._epoch = 0
        self.client = self

    async def start(self):
        self._epoch = await self._line.ask("fence", lambda: self._kafka.start(self._id))

    async def begin_transaction(self):
        pass

    async def partitions_for(self, topic):
        return {0}

    def create_batch(self):
        return Builder()

    async def send_batch(self, builder, topic, partition):
        return self._write(topic, builder.records)

    async def send(self, topic, key, value, headers):
        return self._write(topic, [(key, value)])

    def _write(self, topic, records):
        """Return the answer to come, as aiokafka does: batches of several topics are on the way."""
        return asyncio.ensure_future(
            self._line.ask(
                "write",
                lambda: self._kafka.append(self._id, self._epoch, topic, records),
                (self._epoch, topic, records),
            )
        )

    async def send_offsets_to_transaction(self, offsets, group):
        found = {tp.topic: (meta.offset, meta.metadata) for tp, meta in offsets.items()}
        await self._line.ask(
            "offsets",
            lambda: self._kafka.add_offsets(self._id, self._epoch, found),
            (self._epoch, found),
        )

    async def commit_transaction(self):
        await self._line.ask(
            "commit", lambda: self._kafka.end(self._id, self._epoch, commit=True), self._epoch
        )

    async def abort_transaction(self):
        if self._line.alive:
            self._kafka.end(self._id, self._epoch, commit=False)

    async def stop(self):
        pass

    async def close(self):
        pass


class ModelStore:
    """The partition's state in the model."""

    def __init__(self, kafka, line):
        self.kafka = kafka
        self.line = line
        self._reading = None

    def producer(self):
        return Producer(self.kafka, self.line, SETTINGS.transactional_id(0))

    async def kept(self):
        return (await self._read())[0]

    async def positions(self):
        return (await self._read())[1]

    def _read(self):
        """Ask for both at once: nothing is written between the two by who comes after."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(
                self.line.ask("read", lambda: (self.read_kept(), self.read_positions()))
            )
        return self._reading

    def read_kept(self):
        return kept_of(self.kafka.committed(SETTINGS.changelog))

    def read_positions(self):
        return positions_of(self.kafka.offsets, self.kafka.inputs)


def kept_of(records):
    kept = Kept()
    for key, value in records:
        kept.take(key, value)
    return kept


def positions_of(offsets, topics):
    positions = dict.fromkeys(topics, 0) | {topic: at for topic, (at, _) in offsets.items()}
    return positions, max((json.loads(m)["clock"] for _, m in offsets.values()), default=0)


class ModelConsumer:
    """What a worker reads with: the real readings, on the model's logs."""

    def __init__(self, worker):
        self._worker = worker
        self._logs = worker.world.kafka.inputs
        self.readings = Readings()
        self.held = set()
        self.chunks = deque()

    async def is_member(self):
        return await self._worker.line.ask("member?", self._worker.is_member)

    def read_from(self, tp, position):
        self.readings.begin(tp, position)

    def hold(self, tp, *, is_held):
        (self.held.add if is_held else self.held.discard)(tp)

    def is_current(self, chunk):
        return self.readings.is_current(chunk)

    def has_read_all(self, tp, position):
        return position >= len(self._logs[tp.topic])

    def lag(self, tp, position):
        return len(self._logs[tp.topic]) - position

    def fetchable(self):
        """List the topics of which a record may come: the streams keep each topic's order."""
        waiting = {chunk.tp.topic for chunk in self.chunks}
        return [t for t in TOPICS if t not in waiting and self._can_fetch(TopicPartition(t, 0))]

    def _can_fetch(self, tp):
        return (
            tp in self.readings
            and tp not in self.held
            and self.readings.position(tp) < len(self._logs[tp.topic])
        )

    def fetch(self, topic):
        """Fetch the next record of a topic."""
        tp = TopicPartition(topic, 0)
        begin = self.readings.position(tp)
        return self.readings.cut(tp, begin + 1, [self._logs[topic][begin]])


class Worker:
    """One process: the real partitions and tasks, and how far it knows of the group."""

    def __init__(self, world, name):
        self.world = world
        self.name = name
        self.line = Line(name)
        self.known = -1
        self.phase = ""
        self.consumer = ModelConsumer(self)
        self.partitions = Partitions(self._open_task)
        self.tasks = []

    def _open_task(self, number):
        task = self.world.task_type(
            *(number, SETTINGS, self.world.policy, self.consumer),
            self.world.store_type(self.world.kafka, self.line),
            KINDS,
            over_at_reply=False,
            on_commit=lambda *_: None,
            clock=self.world.clock,
        )
        self.tasks.append(task)
        return task

    def is_member(self):
        return self.known == self.world.generation and not self.phase

    def answers(self, name):
        """Tell whether the answer makes a difference: to hear that it is no member makes none."""
        return name != "member?" or self.is_member()

    async def learn(self):
        """Hear of the group's new generation: what Faust and the transport do then."""
        self.phase = "revoking"
        await self.partitions.revoke(ASSIGNED)
        self.phase = "assigning"
        self.known = self.world.generation
        self.consumer.readings.clear()
        self.consumer.held.clear()
        self.phase = ""
        await self.partitions.assign(ASSIGNED if self.world.owner == self.name else set())

    @property
    def task(self):
        return self.partitions.tasks.get(0)

    def picture(self):
        consumer = self.consumer
        return (
            [(r.name, r.what, r.answer.done()) for r in self.line.requests],
            self.known,
            self.phase,
            [(tuple(c), consumer.is_current(c)) for c in consumer.chunks],
            [(tp, consumer.readings.position(tp)) for tp in sorted(consumer.readings.partitions())],
            len(consumer.held),
            [_task_picture(task) for task in self.tasks if not task._run.done()],
        )


def _task_picture(task):
    state = task.state
    if state is None:
        seen = None
    else:
        engine = state.engine
        seen = (
            state.positions,
            state.ends,
            engine.clock,
            [(key, pack_ticket(ticket)) for key, ticket in engine.tickets.items()],
            list(engine.changed),
            state._effects,
            len(state._dead_letters),
            state._moved,
            state.records,
        )
    return (
        seen,
        task._suspended,
        task._is_changing,
        task._policy == POLICY,
        state is not None and (state.policy == POLICY, state._policies, state._change),
        task._closing,
        task._is_committing,
        task._producer is not None,
        task._failure is not None,
        task.counts.records,
    )


class World:
    """Everything there is, and what may happen in it: `actions`, then `do` one of them.

    `faults` says how often each thing may happen that need not.
    """

    def __init__(self, inputs, faults, *, walls, task=PartitionTask, store=ModelStore):
        self.loop = Loop()
        self.kafka = Kafka(inputs)
        self.task_type = task
        self.store_type = store
        self.left = Counter(faults)
        self.wall, *self._walls = walls
        self.clock = SimpleNamespace(wall=lambda: self.wall, monotonic=self.loop.time)
        self.generation = 0
        self.owner = NAMES[0]
        self.policy = POLICY
        self.dead = []
        self.workers = {name: Worker(self, name) for name in NAMES}
        self._spawned = set()

    # -- what may happen

    def actions(self):
        """List what may happen next: first what must in the end, then what need not."""
        return [*self.ordinary(), *self.unusual()]

    def ordinary(self):
        """List what happens by itself sooner or later."""
        found = []
        for name, worker in self.workers.items():
            if worker.known != self.generation and not worker.phase:
                found.append(("learn", name))
            found += [("arrive", name, r) for r in worker.line.under_way() if worker.answers(r)]
            if worker.consumer.chunks:
                found.append(("hand", name))
            found += [("chunk", name, t) for t in worker.consumer.fetchable()]
        found += [("late", n) for n, line in enumerate(self.dead) if line.requests]
        if self._walls:
            found.append(("later",))
        if self.owner not in self.workers:
            found.append(("evict",))
        if self.kafka.owes_markers and (self._is_read() or not found):
            found.append(("markers",))  # to anybody else they make no difference
        return found

    def _is_read(self):
        return any("read" in worker.line.under_way() for worker in self.workers.values())

    def unusual(self):
        """List the faults that are left."""
        found = []
        if self.left["move"] and len(self.workers) > 1:
            found.append(("move",))
        if self.left["reload"]:
            found.append(("reload",))
        if self.left["stay"]:
            found.append(("stay",))
        for name, worker in self.workers.items():
            if self.left["crash"] and len(self.workers) > 1:
                found.append(("crash", name))
            if self.left["lose"]:
                found += [("lose", name, r) for r in worker.line.under_way()]
            if self.left["ahead"]:
                found += [("ahead", name, t) for t in worker.consumer.fetchable()]
            if self.left["stall"] and worker.phase:
                found.append(("stall",))
        return found

    def do(self, action):
        """Let one thing happen, and all that follows from it without anybody else."""
        kind, *which = action
        if kind in self.left:
            self.left[kind] -= 1
        getattr(self, f"_{kind}")(*which)
        self.loop.run_forever()

    def _markers(self):
        self.kafka.write_markers()

    def _learn(self, name):
        self._spawn(self.workers[name].learn())

    def _arrive(self, name, request):
        self.workers[name].line.arrive(request)

    def _lose(self, name, request):
        self.workers[name].line.arrive(request, lose=True)

    def _late(self, number):
        line = self.dead[number]
        line.arrive(line.under_way()[0])

    def _chunk(self, name, topic):
        worker = self.workers[name]
        self._spawn(worker.partitions.process(worker.consumer.fetch(topic)))

    def _ahead(self, name, topic):
        consumer = self.workers[name].consumer
        consumer.chunks.append(consumer.fetch(topic))

    def _hand(self, name):
        worker = self.workers[name]
        self._spawn(worker.partitions.process(worker.consumer.chunks.popleft()))

    def _later(self):
        self.wall = self._walls.pop(0)
        for worker in self.workers.values():
            if worker.task is not None:
                worker.task._wake.set()  # its timer has come

    def _move(self):
        self.generation += 1
        (self.owner,) = set(self.workers) - {self.owner}

    def _evict(self):
        self._move()

    def _reload(self):
        """Have all who live take another policy, and those who come later."""
        self.policy = OTHER_POLICY if self.policy == POLICY else POLICY
        for worker in self.workers.values():
            if worker.task is not None:
                worker.task.change_policy(self.policy)

    def _stay(self):
        self.generation += 1

    def _crash(self, name):
        line = self.workers.pop(name).line
        line.die()
        self.dead.append(line)

    def _stall(self):
        """Let so much time pass that nobody waits for a commit any longer."""
        self.loop.now += 4

    def _spawn(self, coroutine):
        task = self.loop.create_task(coroutine)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)

    # -- what is seen

    def told(self):
        """Return the ids of the breach events that a committed reader gets in the end."""
        return [json.loads(value)["id"] for value in self._decided(of_policy=False)]

    def changes(self):
        """Return the ids of the policy's changes that a committed reader gets in the end."""
        return [json.loads(value)["id"] for value in self._decided(of_policy=True)]

    def _decided(self, *, of_policy):
        decided = self.kafka.decided(SETTINGS.topics.breaches)
        return [value for key, value in decided if (key == b"policy") is of_policy]

    def outcome(self):
        """Return all that was told and is kept."""
        kept = kept_of(self.kafka.decided(SETTINGS.changelog))
        decided = self.kafka.decided(SETTINGS.topics.breaches)
        return outcome([each for each in decided if each[0] != b"policy"], kept)

    def picture(self):
        """Return a value that two worlds share only if the same can happen in both from now on."""
        seen = (
            self.kafka.picture(),
            self.wall,
            self.generation,
            self.owner,
            self.policy == POLICY,
            +self.left,
            [worker.picture() for worker in self.workers.values()],
            [[(r.name, r.what) for r in line.requests] for line in self.dead if line.requests],
        )
        return hashlib.blake2b(repr(seen).encode(), digest_size=16).digest()

    def end(self):
        """Take the world down without a word."""
        for line in (*self.dead, *(worker.line for worker in self.workers.values())):
            line.alive = False
        for _ in range(20):
            tasks = asyncio.all_tasks(self.loop)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.loop.now += 10
            self.loop.run_forever()
        self.loop.close()
