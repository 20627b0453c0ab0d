"""An hour that begins with twice the load that a partition can bear, on a clock of its own.

The real partition task on the model of Kafka. Each record takes its time, in which nothing else is
done and nothing is heard of the broker, as on a loop that is busy. Tickets arrive at twice the rate
at which records can be applied for ten minutes, then at half of it.
"""

import asyncio
import random
from collections import Counter, defaultdict, deque
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from monitor.sla.events import SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.policy import Policy
from monitor.sla.ticket import Kind
from monitor.streaming.merge import ENOUGH
from monitor.streaming.partition import PartitionTask
from monitor.streaming.readings import Readings
from monitor.streaming.settings import Settings
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CHANNELS, START
from tests.unit.sla.watching import story
from tests.unit.streaming.feeding import KINDS, TOPICS, record
from tests.unit.streaming.kafka_model import Kafka
from tests.unit.streaming.world import Loop, ModelStore

POLICY = Policy({name: CHANNELS[name] for name in ("chat", "phone")})
RATE = 20
"""Records a second that can be applied: few, so that an hour has some fifty thousand only, and
enough for the line to get as long as it may. What counts is the load's share of it."""

_LATEST = 0.9995
"""What is sent 60 ms before its limit or earlier can have been heard of in time."""

OVERLOADED = 600
HOUR = 3600
FETCHED = 2
"""Records of a topic that are applied at once: a tenth of a second's work."""

SETTINGS = Settings("model:1", max_pending=2000)


class Arrival(NamedTuple):
    """An event and when its producer sends it: at once."""

    at: int
    event: object


def hour(seed):
    """Return the events of an hour in order; nearly three records a ticket, some left alone.

    Among the replies are many in the last seconds before the limit, and some after it.
    """
    rng, found, at, number = random.Random(seed), [], 0.0, 0
    while at < HOUR:
        load = 2.0 if at < OVERLOADED else 0.5
        at += rng.expovariate(load * RATE / 2.9)
        number += 1
        created, channel = START + int(at * SECOND), rng.choice(list(POLICY.channels))
        limit = POLICY.channels[channel].limit
        ticket_id = f"T-{number}"
        found.append(TicketCreated(ticket_id, channel, created))
        moment = rng.random()
        if moment < 0.05:
            continue
        share = rng.uniform(0.01, 0.7) if moment < 0.7 else rng.uniform(0.99, _LATEST)
        replied = created + int(limit * (share if moment < 0.95 else rng.uniform(1.0001, 1.3)))
        found.append(AgentReplied(ticket_id, replied))
        found.append(TicketClosed(ticket_id, replied + rng.randrange(1, 60 * SECOND)))
    return sorted((Arrival(event.at, event) for event in found), key=lambda one: one.at)


class Hours(Loop):
    """A loop on which waiting takes no time."""

    def select(self, timeout):
        if timeout:
            self.now += timeout
        return ()


class Instantly:
    """A line to the model on which a request takes 10 ms and always arrives."""

    async def ask(self, name, effect, what=None):
        await asyncio.sleep(0.01)
        return effect()

    alive = True


class Reader:
    """What the task reads with: it knows of the logs' ends what the last fetch said."""

    def __init__(self, loop, arrivals):
        self.logs = {topic: [] for topic in TOPICS}
        self._loop = loop
        self._coming = deque(arrivals)
        self._readings = Readings()
        self._held = set()
        self._ends = dict.fromkeys(TOPICS, 0)
        self._heard = -1e9

    def wall(self):
        return START + int(self._loop.now * SECOND)

    def hear(self):
        """Take the broker's answer: what has arrived by now."""
        wall = self.wall()
        while self._coming and self._coming[0].at <= wall:
            topic, one = record(self._coming.popleft().event)
            self.logs[topic].append(one._replace(offset=len(self.logs[topic])))
        self._ends = {topic: len(log) for topic, log in self.logs.items()}
        self._heard = self._loop.now

    def chunk(self):
        """Return what is next, of whichever topic is furthest behind, or nothing."""
        lags = {
            tp: self._ends[tp.topic] - self._readings.position(tp)
            for tp in self._readings.partitions()
            if tp not in self._held
        }
        tp = max(lags, key=lags.get, default=None)
        if tp is None or not lags[tp]:
            return None
        begin = self._readings.position(tp)
        end = min(begin + FETCHED, self._ends[tp.topic])
        return self._readings.cut(tp, end, self.logs[tp.topic][begin:end])

    @property
    def is_over(self):
        return not self._coming

    # -- what the task asks for

    async def is_member(self):
        await asyncio.sleep(0.01)
        return True

    def read_from(self, tp, position):
        self._readings.begin(tp, position)

    def hold(self, tp, *, is_held):
        (self._held.add if is_held else self._held.discard)(tp)

    def is_current(self, chunk):
        return self._readings.is_current(chunk)

    def has_read_all(self, tp, position):
        fresh = self._loop.now - self._heard < SETTINGS.fresh_seconds
        return fresh and position >= self._ends[tp.topic]

    def lag(self, tp, position):
        return max(0, self._ends[tp.topic] - position)


class Hour:
    """The hour itself, and the most there ever was of what waits in memory."""

    def __init__(self, arrivals):
        self.loop = Hours()
        self.reader = Reader(self.loop, arrivals)
        self.told = []
        self.most = Counter()
        self.caught_up_at = None

    def run(self):
        self.loop.run_until_complete(self._run())
        self.loop.close()

    async def _run(self):
        clock = SimpleNamespace(wall=self.reader.wall, monotonic=self.loop.time)
        self.task = PartitionTask(
            *(
                0,
                SETTINGS,
                POLICY,
                self.reader,
                ModelStore(Kafka(self.reader.logs), Instantly()),
                KINDS,
            ),
            over_at_reply=False,
            on_commit=lambda effects, wall: self.told.extend(effects),
            clock=clock,
        )
        hearing = asyncio.create_task(self._hear())
        while not self.reader.is_over or self.task.lag() or self.loop.now < HOUR + 600:
            chunk = self.reader.chunk()
            if chunk is None:
                await asyncio.sleep(0.02)
            else:
                # All that it takes to apply them, with nothing heard meanwhile.
                self.loop.now += len(chunk.records) / RATE
                await self.task.take(chunk)
                await asyncio.sleep(0)
            self._look()
        hearing.cancel()
        await self.task.close(5)

    async def _hear(self):
        while True:
            self.reader.hear()
            await asyncio.sleep(0.02)

    def _look(self):
        state = self.task.state
        if state is None:
            return
        ends, positions = state.ends, state.positions
        self.most["lag"] = max(self.most["lag"], self.task.lag())
        self.most["line"] = max(self.most["line"], *(ends[t] - positions[t] for t in TOPICS))
        self.most["pending"] = max(self.most["pending"], state.pending)
        self.most["tickets"] = max(self.most["tickets"], len(state.engine.tickets))
        if state.engine.clock:
            behind = (self.reader.wall() - state.engine.clock) / SECOND
            self.most["seconds_behind"] = max(self.most["seconds_behind"], behind)
        if self.loop.now > OVERLOADED and self.caught_up_at is None and not self.task.behind():
            self.caught_up_at = self.loop.now


@pytest.mark.slow
def test_an_hour_that_begins_with_twice_the_load_is_caught_up_with_and_told_right():
    arrivals = hour(1)
    run = Hour(arrivals)
    run.run()
    most = run.most
    print(
        f"{len(arrivals)} records, caught up after {run.caught_up_at:.0f} s, at most: {dict(most)}"
    )
    assert most["lag"] > 0.4 * OVERLOADED * RATE, "it was overloaded"
    assert most["seconds_behind"] > 120, "for longer than a reply may take"
    assert OVERLOADED < run.caught_up_at < 3 * OVERLOADED + 60
    # What waits in memory has limits that the load has no part in.
    assert ENOUGH <= most["line"] <= ENOUGH + FETCHED
    assert most["pending"] <= SETTINGS.max_pending + FETCHED
    # Tickets are remembered for a day, and there were no more of them than that.
    assert most["tickets"] == sum(type(arrival.event) is TicketCreated for arrival in arrivals)
    assert Kind.RETRACTED not in {effect.kind for effect in run.told}
    told = {key: [t[:2] for t in mine] for key, mine in story(run.told).items()}
    assert told == true_stages(arrivals, run.reader.wall())


def true_stages(arrivals, clock):
    """Return what is to be told of each ticket, worked out from its own events alone."""
    by_ticket = defaultdict(list)
    for arrival in arrivals:
        by_ticket[arrival.event.ticket_id].append(arrival.event)
    found = {}
    for events in by_ticket.values():
        found |= oracle.truths(events, POLICY, clock)
    return {key: one.stages for key, one in found.items() if one.stages}
