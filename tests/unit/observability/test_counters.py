"""Whatever becomes of partitions and workers, no series of a counter falls, and none is lost."""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from monitor.observability.figures import Health, State, overview
from monitor.observability.host import Host, Report
from monitor.observability.metrics import Metrics
from monitor.observability.stats import Delays, count, partition_stats
from monitor.sla.events import SECOND
from monitor.sla.views import Book
from tests.unit.streaming.feeding import POLICY, WALL, Feed, Log, live_events, record

PARTITIONS = range(3)
WORKERS = [(host, number) for host in range(2) for number in range(2)]
"""Two hosts of two workers: each host is one series of every partition that it shows."""

partitions, workers = st.sampled_from(PARTITIONS), st.sampled_from(WORKERS)


class Task:
    """An open partition: its state, and its counts as they were when it last committed."""

    def __init__(self, log):
        self.state = log.begin_again()
        self.counts = self.count()

    def count(self):
        return count(self.state.engine, self.state.records)


class Process:
    """One worker's process."""

    def __init__(self):
        self.tasks = {}
        self.delays = Delays()


class Machine(RuleBasedStateMachine):
    """Two hosts, and partitions that are read, committed, lost, and moved between them."""

    def __init__(self):
        super().__init__()
        self.feeds = [Feed([]) for _ in PARTITIONS]
        self.logs = [Log() for _ in PARTITIONS]
        self.owner = [WORKERS[number] for number in PARTITIONS]
        self.processes = {worker: Process() for worker in WORKERS}
        self.hosts = [Host(2) for _ in range(2)]
        self.shown = [{}, {}]
        self.wall = WALL

    def task(self, number):
        return self.processes[self.owner[number]].tasks.get(number)

    def zombies(self):
        return [
            (process, number)
            for worker, process in self.processes.items()
            for number in process.tasks
            if self.owner[number] != worker
        ]

    # -- a partition's life

    @rule(number=partitions)
    def open(self, number):
        process = self.processes[self.owner[number]]
        if number not in process.tasks:
            process.tasks[number] = Task(self.logs[number])

    @rule(number=partitions, events=st.lists(live_events, min_size=1, max_size=4))
    def write(self, number, events):
        for event in events:
            topic, written = record(event)
            self.feeds[number].topics[topic].append(written)

    @rule(number=partitions, worker=workers)
    def read(self, number, worker):
        """Read all there is, as the owner or as one that does not know yet."""
        self.wall += SECOND
        task = self.processes[worker].tasks.get(number)
        if task:
            self.feeds[number].read_all(task.state, self.wall)

    @rule(number=partitions)
    def commit(self, number):
        task = self.task(number)
        if task:
            task.counts = task.count()
            told = len(self.logs[number].commit(task.state).effects)
            self.processes[self.owner[number]].delays.counts[0] += told

    @rule(number=partitions)
    def fail(self, number):
        self.processes[self.owner[number]].tasks.pop(number, None)

    @rule(number=partitions, to=workers)
    def move(self, number, to):
        self.fail(number)
        self.owner[number] = to

    @precondition(lambda self: not self.zombies())
    @rule(number=partitions, to=workers)
    def take_over_from_one_that_does_not_know_yet(self, number, to):
        self.owner[number] = to
        self.open(number)

    @rule()
    def notice(self):
        for process, number in self.zombies():
            del process.tasks[number]

    # -- a worker's life

    @precondition(lambda self: not self.zombies())
    @rule(worker=workers)
    def end(self, worker):
        host, number = worker
        self.processes[worker] = Process()
        self.hosts[host].members[number].ended()

    @rule(worker=workers)
    def report(self, worker):
        host, number = worker
        process = self.processes[worker]
        parts = [
            partition_stats(
                each, task.state.engine, counts=task.counts, lag=0, caught_up=True, last_commit=0.0
            )
            for each, task in process.tasks.items()
        ]
        delays = Delays()
        delays.add(process.delays)
        health = Health(
            now=0.0,
            state=State.LIVE,
            clock=None,
            lag_records=0,
            partitions=len(parts),
            partitions_caught_up=len(parts),
            last_commit=0.0,
            delays=delays,
            owned=tuple(process.tasks),
        )
        self.hosts[host].members[number].heard(Report(health, parts), 0.0)

    # -- what Prometheus sees

    @rule(host=st.sampled_from((0, 1)))
    def scrape(self, host):
        now = self.read_counters(host)
        before = self.shown[host]
        fallen = {
            name: (before[name], now[name]) for name in now if now[name] < before.get(name, 0)
        }
        assert not fallen
        before.update(now)

    def read_counters(self, host):
        view = overview(POLICY, *self.hosts[host].read(0.0, 0.0))
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in Metrics(POLICY).of(view)
            if family.type in ("counter", "histogram")
            for sample in family.samples
        }

    def teardown(self):
        self.notice()
        for number in PARTITIONS:
            self.open(number)
        for worker in WORKERS:
            self.report(worker)
        total = Counter()
        for host in range(2):
            self.scrape(host)
            total.update(self.read_counters(host))
        for number in PARTITIONS:
            truth = Task(self.logs[number]).count()
            self.check(total, number, truth)

    def check(self, total, number, truth):
        of = {"partition": str(number)}
        for (channel, _), group in zip(POLICY.groups, truth.groups, strict=True):
            labels = {"channel": channel, **of}
            for outcome in (Book.MET, Book.MISSED, Book.ABANDONED):
                name = series("sla_first_responses_total", outcome=outcome.name.lower(), **labels)
                assert total[name] == group.booked[outcome]
            name = series("sla_first_response_seconds_count", **labels)
            assert total[name] == sum(group.buckets)
        for topic, outcomes in truth.records.items():
            for outcome, read in outcomes.items():
                name = series("sla_records_total", topic=topic, outcome=outcome, **of)
                assert total[name] == read


def series(name, **labels):
    return (name, *sorted(labels.items()))


TestCounters = Machine.TestCase
