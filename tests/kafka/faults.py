"""Several workers of one group under faults from a seed, and a tally that counts for itself."""

import asyncio
import itertools
import json
import os
import random
import signal
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from monitor.streaming import topics
from monitor.streaming.settings import Settings
from tests.support.clock import iso
from tests.support.kafka import read_events
from tests.support.program import EndedError, Run, standing

PARTITIONS = 12
SESSION_SECONDS = 6.0
VERBOSE = "FAULTS_VERBOSE" in os.environ


class Limits(NamedTuple):
    """What is promised on a channel, in seconds."""

    at_risk: float
    limit: float


def policy_text(limits):
    """Return the policy file for limits by channel."""
    lines = [f"  {c}: {{at_risk: {v.at_risk:g}s, limit: {v.limit:g}s}}" for c, v in limits.items()]
    return "\n".join(["channels:", *lines, ""])


# -- a history and its truth


class Record(NamedTuple):
    """An input record and when it is due to be sent."""

    at: float
    topic: str
    fields: dict


def make_history(seed, tickets, limits, *, begin, seconds):
    """Return the records of made-up tickets in order of time.

    Among them are tickets left alone, second replies, automated ones, replies before their ticket
    and closes with no reply. All happens within one and a half limits after its ticket.
    """
    rng = random.Random(seed)
    records = []
    for number in range(tickets):
        key, channel = f"T-{seed}-{number}", rng.choice(list(limits))
        at = begin + seconds * number / tickets
        limit = limits[channel].limit
        moment = rng.random()
        created = {"ticket_id": key, "channel": channel, "created_at": iso(at)}
        records.append(Record(at, "ticket-created", created))

        def add(topic, field, after, *, at=at, key=key, **more):
            fields = {"ticket_id": key, field: iso(at + after), **more}
            records.append(Record(at + after, topic, fields))

        if moment < 0.03:
            add("agent-replied", "replied_at", -rng.uniform(0.001, 0.5))
        elif moment < 0.75:
            first = limit * rng.uniform(0.01, 1.5)
            add("agent-replied", "replied_at", first)
            if rng.random() < 0.3:
                add("agent-replied", "replied_at", first + limit * rng.uniform(0.001, 0.3))
            if rng.random() < 0.1:
                add("agent-replied", "replied_at", first * rng.uniform(0.1, 0.9), automated=True)
            if rng.random() < 0.5:
                add("ticket-closed", "closed_at", first + limit * rng.uniform(0.001, 0.3))
        elif moment < 0.85:
            add("ticket-closed", "closed_at", limit * rng.uniform(0.01, 1.5))
    return sorted(records, key=lambda record: record.at)


class Truth(NamedTuple):
    """What must stand in the end."""

    tallies: dict
    events: set
    records: Counter


def truth_of(records, limits):
    """Work out from the records alone what is to be told and counted, once all is decided."""
    tickets = {}
    for record in records:
        fields = record.fields
        if fields.get("automated"):
            continue
        known = tickets.setdefault(fields["ticket_id"], {})
        for name in ("created_at", "replied_at", "closed_at"):
            if name in fields:
                known[name] = min(record.at, known.get(name, record.at))
        known.setdefault("channel", fields.get("channel"))
        known["channel"] = known["channel"] or fields.get("channel")
    tallies = {channel: Counter() for channel in limits}
    events = set()
    for key, known in tickets.items():
        at_risk, limit = limits[known["channel"]]
        tally = tallies[known["channel"]]
        replied, closed = (
            max(0.0, known[name] - known["created_at"]) if name in known else float("inf")
            for name in ("replied_at", "closed_at")
        )
        waited = min(replied, closed)
        how = "answered" if replied <= closed else "closed"
        ended = waited < float("inf")
        tally["created"] += 1
        tally["passed_at_risk"] += waited > at_risk
        tally["breached"] += waited > limit
        tally["answered"] += ended and how == "answered"
        tally["abandoned"] += ended and how == "closed"
        tally["answered_within_limit"] += how == "answered" and replied <= limit
        told = ["at_risk"] * (waited > at_risk) + ["breached"] * (waited > limit)
        told += [how] * (ended and bool(told))
        events |= {(key, f"sla.first_response.{kind}") for kind in told}
    names = (
        *("created", "answered", "abandoned", "expired"),
        *("answered_within_limit", "passed_at_risk", "breached"),
    )
    return Truth(
        {channel: {name: tally[name] for name in names} for channel, tally in tallies.items()},
        events,
        Counter(record.topic for record in records),
    )


async def prepare(bootstrap):
    settings = Settings(bootstrap)
    async with topics.admin_client(settings) as admin:
        await topics.create(admin, topics.input_specs(settings, PARTITIONS))


async def send_history(bootstrap, records, *, seconds=0.0, live=False):
    """Send records in order, spread over `seconds`; or live, each at its own time."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, linger_ms=5)
    await producer.start()
    began, sent = time.time(), []
    try:
        for number, (at, topic, fields) in enumerate(records):
            due = at if live else began + seconds * number / len(records)
            if (wait := due - time.time()) > 0.005:
                await asyncio.sleep(wait)
            sent.append(
                await producer.send(
                    topic,
                    key=(fields.get("ticket_id") or fields["customer_id"]).encode(),
                    value=json.dumps(fields).encode(),
                    timestamp_ms=int(at * 1000),
                )
            )
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


# -- workers


class Workers:
    """`sla-monitor run` processes of one group; each ends as it is told to, and of nothing else."""

    def __init__(self, bootstrap, app_id, policy):
        self.alive = []
        self.frozen = set()
        self._all = []
        self._thawing = set()
        options = ["--verbose"] if VERBOSE else []
        self._new = lambda: Run(bootstrap, "--policy", policy, *options, app_id=app_id)

    async def start(self):
        """Start one, up to where it joins the group.

        Before that it has no say in how it ends: by SIGTERM while it loads its modules, and with
        exit code 3, as it should, where there is no broker.
        """
        run = self._new()
        await run.__aenter__()
        self._all.append(run)
        async with asyncio.timeout(30):
            while not any("INFO reading " in line for line in run.log):
                assert run.process.returncode is None, "".join(run.log)
                await asyncio.sleep(0.05)
        self.alive.append(run)

    async def kill(self, run):
        self.alive.remove(run)
        run.process.kill()
        assert await run.process.wait() == -signal.SIGKILL, "".join(run.log)

    async def terminate(self, run):
        self.alive.remove(run)
        code, seconds = await run.stop()
        assert code == 0, "".join(run.log)
        return seconds

    def freeze(self, run, seconds):
        """Stop a worker in the middle of whatever it does, and let it go on later: a zombie."""
        run.process.send_signal(signal.SIGSTOP)
        self.frozen.add(run)

        async def thaw():
            await asyncio.sleep(seconds)
            run.process.send_signal(signal.SIGCONT)
            self.frozen.discard(run)

        task = asyncio.create_task(thaw())
        self._thawing.add(task)
        task.add_done_callback(self._thawing.discard)

    async def thawed(self):
        while self._thawing:
            await asyncio.wait(self._thawing)

    def busy(self):
        """Return the workers that are neither stopped nor gone."""
        return [run for run in self.alive if run not in self.frozen]

    async def scale(self, count):
        while len(self.busy()) > count:
            await self.terminate(self.busy()[-1])
        await asyncio.gather(*(self.start() for _ in range(count - len(self.alive))))

    async def scrapes(self):
        return await asyncio.gather(*(run.metrics() for run in self.alive))

    async def end(self):
        for run in self._all:
            await run.__aexit__()

    def log(self):
        """Return what all workers said, in order of time."""
        entries = []
        for number, run in enumerate(self._all):
            for line in run.log:
                if line[:2] == "20":
                    entries.append(f"{line[:23]} [{number}]{line[23:]}")
                elif entries:
                    entries[-1] += line
        return "".join(sorted(entries))


@asynccontextmanager
async def workers_of(bootstrap, app_id, policy):
    workers = Workers(bootstrap, app_id, policy)
    try:
        yield workers
    except BaseException:
        print(workers.log())
        raise
    finally:
        await workers.end()


# -- faults


async def strike(workers, broker, rng, faults, *, pause, kinds):
    """Do that many faults, one after the other; return what was done."""
    began, done = time.monotonic(), Counter()
    for kind in _drawn(rng, faults, kinds):
        await asyncio.sleep(rng.uniform(*pause))
        print(f"{time.strftime('%H:%M:%S')} {time.monotonic() - began:6.1f} s: {kind}", flush=True)
        done[kind] += 1
        busy = workers.busy()
        one = rng.choice(busy)
        if kind == "kill":
            await workers.kill(one)
            await asyncio.sleep(rng.uniform(0, 1))
            await workers.start()
        elif kind == "terminate":
            await workers.terminate(one)
            await workers.start()
        elif kind == "freeze":
            workers.freeze(one, rng.uniform(SESSION_SECONDS + 1, SESSION_SECONDS + 4))
            if len(busy) == 1:
                await workers.start()
        elif kind == "blink":
            workers.freeze(one, rng.uniform(0.5, SESSION_SECONDS - 1))
            if len(busy) == 1:
                await workers.start()
        elif kind == "scale":
            await workers.scale(rng.choice([1, 2, 4]))
        elif kind == "broker":
            broker.kill()
            await asyncio.sleep(rng.uniform(0, 2))
            await broker.start()
    await workers.thawed()
    return done


def _drawn(rng, faults, kinds):
    """Return kinds of faults in random order: each once, then each about as often as it weighs."""
    more = rng.choices(list(kinds), weights=kinds.values(), k=max(0, faults - len(kinds)))
    drawn = [*kinds, *more][:faults]
    rng.shuffle(drawn)
    return drawn


# -- how long partitions stand still


async def wait_until_served(workers, timeout):
    """Wait until every worker that is alive has read all of some partitions."""
    async with asyncio.timeout(timeout):
        while True:
            try:
                if all(scrape.get("sla_caught_up") == 1 for scrape in await workers.scrapes()):
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def probing(bootstrap, *, after=2.0, every=0.1):
    """Send a ticket a partition all the time, and read when each is told to be at risk.

    Yields a function that returns the longest delay from due to readable since it was last asked.
    """
    partitions = range(PARTITIONS)
    due, waits = {}, []
    consumer = AIOKafkaConsumer(
        "sla-breaches",
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="latest",
        fetch_max_wait_ms=20,
    )

    async def read():
        async for record in consumer:
            key = record.key.decode()
            assert key in due, f"told twice: {key}"
            waits.append(time.time() - due.pop(key))

    async def send(producer):
        for number in itertools.count():
            for partition in partitions:
                now, key = time.time(), f"P-{partition}-{number}"
                due[key] = now + after
                fields = {"ticket_id": key, "channel": "chat", "created_at": iso(now)}
                value = json.dumps(fields).encode()
                await producer.send(
                    "ticket-created", key=key.encode(), value=value, partition=partition
                )
            await asyncio.sleep(every)

    def longest():
        """Return the longest delay since last asked; what is overdue now counts as well."""
        now = time.time()
        worst = max([*waits, *(now - at for at in due.values())])
        waits.clear()
        return worst

    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer, consumer:
        tasks = [asyncio.create_task(read()), asyncio.create_task(send(producer))]
        await asyncio.sleep(after + 1)
        longest()
        yield longest
        for task in tasks:
            assert not task.done(), task
            task.cancel()
        await asyncio.wait(tasks)


# -- what must hold afterwards


async def wait_until_committed(bootstrap, app_id, timeout, names=None):
    """Wait until the offsets in the transactions are the ends of all usual input partitions.

    Or of those of other topics, by their `names`.
    """
    names = names or Settings(bootstrap).topics.usual
    tps = [TopicPartition(name, number) for name in names for number in range(PARTITIONS)]
    async with (
        AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=app_id, enable_auto_commit=False
        ) as reader,
        asyncio.timeout(timeout),
    ):
        reader.assign(tps)
        ends = await reader.end_offsets(tps)
        while [tp for tp in tps if ends[tp] and await reader.committed(tp) != ends[tp]]:
            await asyncio.sleep(0.2)


async def wait_until_counted(workers, truth, timeout):
    """Wait until all workers together have read and counted everything once, and own it all.

    What is counted need not be committed yet.
    """
    deadline = time.monotonic() + timeout
    counted = "no metrics"
    while True:
        try:
            scrapes = await workers.scrapes()
        except aiohttp.ClientError:
            scrapes = []
        if scrapes:
            counted = {
                channel: _sum(scrape.tally(channel) for scrape in scrapes)
                for channel in truth.tallies
            }
            lag = sum(scrape.get("sla_lag_records") for scrape in scrapes)
            read = {
                topic: sum(
                    scrape.sum("sla_records_total", topic=topic, outcome="ok") for scrape in scrapes
                )
                for topic in truth.records
            }
            if (
                counted == truth.tallies
                and lag == 0
                and read == truth.records
                and all(scrape.get("sla_caught_up") == 1 for scrape in scrapes)
            ):
                return
            counted = f"{counted}\nlag {lag}, read {read}"
        if time.monotonic() > deadline:
            expected = f"{truth.tallies}\n{dict(truth.records)}"
            raise AssertionError(f"not within {timeout} s:\n{counted}\nexpected:\n{expected}")
        await asyncio.sleep(0.2)


def _sum(tallies):
    total = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)


async def check_events(bootstrap, truth, source=None):
    """Assert that what stands for a reader of committed records is the truth; return all events.

    Where several monitors tell, `source` says whose events count.
    """
    events = await read_events(bootstrap)
    if source is not None:
        events = [event for event in events if event["source"] == source]
    stands = {(event["subject"], event["type"]) for event in standing(events).values()}
    missing, extra = truth.events - stands, stands - truth.events
    assert (len(missing), len(extra)) == (0, 0), [*sorted(missing)[:3], *sorted(extra)[:3]]
    assert len(standing(events)) == len(truth.events)
    return events


async def end_in_order(workers):
    """End the workers that are left; none may have died, nor said more than it should."""
    for run in list(workers.alive):
        if run.process.returncode is not None:
            raise EndedError("".join(run.log))
        await workers.terminate(run)
    assert VERBOSE or "Traceback" not in workers.log()


def write_event_file(path, records):
    with path.open("w") as file:
        for record in records:
            file.write(json.dumps({"type": record.topic, **record.fields}) + "\n")
