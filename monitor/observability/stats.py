"""One partition's figures as a value: it can be sent, kept, and added to those of others."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from monitor.sla.backlog import Urgent
from monitor.sla.base import BaseFigures, Changes
from monitor.sla.clocked import ClockedEngine
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import NEVER, SECOND
from monitor.sla.forecast import likely_late
from monitor.sla.measures import Measures
from monitor.sla.scores import Scores
from monitor.sla.shadow import Shadow
from monitor.sla.span_engine import SpanEngine, ticket_of
from monitor.sla.ticket import Kind
from monitor.sla.views import Book
from monitor.sla.windows import WINDOWS, Pane, totals, window_start

LONGEST_WAITING: Final = 8
"""How many tickets a channel shows by name."""

LONGEST_TEXT: Final = 120
"""What a producer calls a ticket may be a megabyte long; walls and hosts get the beginning."""

HOUR: Final = "1h"
"""The window whose panes are the minutes of the last hour."""

DELAY_EDGES: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)
"""The upper edges of the detection delay's buckets, in seconds."""


class Sums(msgspec.Struct, frozen=True, array_like=True):
    """What was counted in a window or in one minute of it."""

    counts: list[int]
    """By `Book`."""
    sum_us: int
    latencies: dict[int, int]
    """First responses by the bucket of `quantiles`."""
    resolution_us: int = 0

    def __post_init__(self) -> None:
        if len(self.counts) != len(Book):
            raise ValueError("another version of the monitor, which counts other things")


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """A waiting ticket that is shown by name."""

    due_at: int
    created: int
    ticket_id: str
    team: str
    priority: str
    at_risk_at: int
    chance: float | None
    """How likely it is to miss its limit, or did: 1 once it has; None where nothing is forecast."""


class GroupStats(msgspec.Struct, frozen=True, kw_only=True):
    """One channel's figures, or one team's in it; times in microseconds."""

    channel: str
    team: str
    open: int
    waiting: int
    at_risk: int
    overdue: int
    likely_late: int
    """Waiting within the limit, and more likely than not to miss it."""
    oldest: int | None
    next_deadline: int | None
    longest: list[Waiting]
    """Those that are due first, the first of them first."""
    windows: dict[str, Sums]
    minutes: dict[int, Sums]
    """The last hour's minutes by number; where nothing happened there is none."""
    older: list[int] = []
    """Unresolved tickets older than each of `Policy.backlog_ages`."""
    customers: dict[str, bytes] = {}
    """By window a sketch of the customers who opened a ticket, see `monitor.sla.distinct`."""


class GroupCounts(msgspec.Struct, frozen=True, array_like=True):
    """What is counted of one channel, or of one team in it, as of `GroupTotals`."""

    booked: list[int]
    """By `Book`."""
    taken_back: list[int]
    told: list[int]
    """By `Kind`."""
    edges: tuple[int, ...]
    buckets: list[int]
    sum_us: int
    likely_late: Scores
    """The record of the forecast, and of the at-risk threshold taken for one."""
    at_risk: Scores
    goals: dict[int, list[int]] = {}
    resolution_us: int = 0


class Counts(msgspec.Struct, frozen=True):
    """A partition's counters at one commit.

    They are kept with its state, so whoever has the partition goes on from them. What was applied
    and not committed may have to be done again, by others: shown, it would have to be taken back.
    """

    groups: list[GroupCounts] = []
    """By `Policy.groups`."""
    records: dict[str, dict[str, int]] = {}
    """Records read by topic and outcome."""
    customers: Changes = msgspec.field(default_factory=Changes)
    clocks: dict[str, list[GroupCounts]] = {}
    """Those of the other clocks, by name."""

    @property
    def total(self) -> int:
        """All that was ever counted: of one partition's counts, the larger are the newer."""
        groups: int = sum(sum(g.booked) + sum(g.taken_back) + sum(g.told) for g in self.groups)
        customers: int = sum(msgspec.structs.astuple(self.customers))
        records: int = sum(sum(outcomes.values()) for outcomes in self.records.values())
        return groups + customers + records


class PartitionStats(msgspec.Struct, frozen=True, kw_only=True):
    """All that is shown of one partition."""

    partition: int
    clock: int
    groups: list[GroupStats]
    counts: Counts
    lag: int
    caught_up: bool
    last_commit: float
    base: dict[str, BaseFigures] = {}
    """The customer base by window."""
    unmatched_surveys: int = 0
    clocks: dict[str, list[GroupStats]] = {}
    """The figures of the other clocks, by name."""
    shadow: list[GroupStats] = []
    """Those of a policy that is only tried."""


class Delays(msgspec.Struct):
    """From the moment at which something was due to its commit: a histogram in seconds."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(DELAY_EDGES) + 1))
    sum_seconds: float = 0.0

    def observe(self, effects: Iterable[Effect], wall: int) -> None:
        """Note what a commit has told, and when (microseconds)."""
        for effect in effects:
            if effect.kind in (Kind.AT_RISK, Kind.BREACHED):
                delay = max(0, wall - effect.at) / SECOND
                self.counts[bisect_left(DELAY_EDGES, delay)] += 1
                self.sum_seconds += delay

    def add(self, other: "Delays") -> None:
        """Add another's counts."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum_seconds += other.sum_seconds


def count(
    engine: Engine,
    records: Mapping[str, Mapping[str, int]],
    customers: Changes | None = None,
) -> Counts:
    """Take down a partition's counters as they stand."""
    return Counts(
        _counts(engine),
        {topic: dict(outcomes) for topic, outcomes in records.items()},
        msgspec.structs.replace(customers or Changes()),
        {name: _counts(each) for name, each in _clocks(engine).items()},
    )


def _counts(engine: Engine) -> list[GroupCounts]:
    return [
        GroupCounts(
            list(totals.booked),
            list(totals.taken_back),
            list(totals.told),
            totals.edges,
            list(totals.buckets),
            totals.sum_us,
            forecast.record.likely_late.copy(),
            forecast.record.at_risk.copy(),
            {within: list(counts) for within, counts in totals.goals.items()},
            totals.resolution_us,
        )
        for totals, forecast in zip(engine.totals.by_group, engine.forecasts.by_group, strict=True)
    ]


def _clocks(engine: Engine) -> Mapping[str, Engine]:
    return engine.clocks if isinstance(engine, ClockedEngine) else {}


def partition_stats(
    number: int,
    engine: Engine,
    *,
    counts: Counts,
    lag: int,
    caught_up: bool,
    last_commit: float,
    measures: Measures | None = None,
    shadow: Shadow | None = None,
) -> PartitionStats:
    """Take down a partition's figures as they stand; what comes later does not change them.

    Its forecasts are of its own share of the queue: places and replies are both fewer.
    """
    engine.look()
    return PartitionStats(
        partition=number,
        clock=engine.clock,
        groups=_groups(engine),
        clocks={name: _groups(each, hour=False) for name, each in _clocks(engine).items()},
        counts=counts,
        lag=lag,
        caught_up=caught_up,
        last_commit=last_commit,
        base=measures.base.figures() if measures else {},
        unmatched_surveys=measures.surveys.unmatched if measures else 0,
        shadow=_shadow(shadow) if shadow else [],
    )


def _shadow(shadow: Shadow) -> list[GroupStats]:
    shadow.engine.look()
    return _groups(shadow.engine, longest=0, hour=False)


def _groups(
    engine: Engine, *, longest: int = LONGEST_WAITING, hour: bool = True
) -> list[GroupStats]:
    groups = range(len(engine.policy.groups))
    return [_group(engine, index, longest, hour=hour) for index in groups]


def _group(engine: Engine, index: int, longest: int, *, hour: bool) -> GroupStats:
    channel, team = engine.policy.groups[index]
    backlog, windows = engine.backlogs[index], engine.windows.by_group[index]
    urgent = backlog.most_urgent(longest) if longest else ()
    minutes: Mapping[int, Pane] = windows[HOUR].panes if hour else {}
    forecast = engine.forecasts.by_group[index]
    chances = forecast.chances(engine.clock)
    chance_of = forecast.of(chances)
    return GroupStats(
        channel=channel,
        team=team,
        open=backlog.open,
        waiting=backlog.waiting,
        at_risk=backlog.at_risk,
        overdue=backlog.overdue,
        likely_late=likely_late(chances),
        oldest=backlog.oldest(),
        next_deadline=backlog.next_deadline(),
        # A clock that stands until the customer has written is due at no known time.
        longest=[_waiting(engine, each, chance_of) for each in urgent if each.due_at < NEVER],
        windows={name: _sums(total) for name, total in totals(windows).items()},
        minutes={number: _sums(pane) for number, pane in minutes.items()},
        older=backlog.older_than(engine.policy.backlog_ages, engine.clock),
        customers=_customers(engine, index),
    )


def _customers(engine: Engine, index: int) -> dict[str, bytes]:
    starts = {name: window_start(name, engine.clock) for name in WINDOWS}
    sketches = engine.customers.least(index, engine.clock, starts.values())
    return {name: sketch.tobytes() for name, sketch in zip(starts, sketches, strict=True)}


def _waiting(engine: Engine, urgent: Urgent, chance_of: Callable[[int], float | None]) -> Waiting:
    due_at, created, ticket_id, at_risk_at = urgent
    ticket = engine.tickets[ticket_id]
    if isinstance(engine, SpanEngine):
        ticket_id, _ = ticket_of(ticket_id)
    ticket_id, team, priority = map(_short, (ticket_id, ticket.team, ticket.priority))
    chance = chance_of(created)
    return Waiting(due_at, created, ticket_id, team, priority, at_risk_at, chance)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def _sums(pane: Pane) -> Sums:
    return Sums(list(pane.counts), pane.sum_us, dict(pane.latencies), pane.resolution_us)
