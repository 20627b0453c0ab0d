"""What is true now, added up over partitions: one value for all who show it."""

import dataclasses
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from itertools import zip_longest
from operator import attrgetter, is_
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from monitor.observability.stats import (
    HOUR,
    LONGEST_WAITING,
    Counts,
    Delays,
    GroupStats,
    PartitionStats,
    Sums,
    Waiting,
)
from monitor.sla.base import BaseFigures
from monitor.sla.budget import error_budget
from monitor.sla.calendar import Calendar
from monitor.sla.distinct import HASH, estimate, estimate_shared
from monitor.sla.policy import FIELDS, Policy, Target
from monitor.sla.promises import decide
from monitor.sla.quantiles import quantiles
from monitor.sla.views import Book
from monitor.sla.windows import PANES, WINDOWS, Figures, Pane, decided

_HOUR_PANE: Final = WINDOWS[HOUR] // PANES

BUDGET_WINDOW: Final = "24h"
"""The window in which the error budget is counted: no day begins or ends with a jump."""


class State(StrEnum):
    """How far the figures can be trusted."""

    STARTING = "starting"
    LIVE = "live"
    BEHIND = "behind"
    BROKER_AWAY = "broker_away"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How the monitor itself is doing; times in seconds since 1970."""

    now: float
    state: State
    clock: float | None
    """The least of the partitions' clocks."""
    lag_records: int
    partitions: int
    """Those that are assigned, open or not, and those that nobody serves."""
    partitions_caught_up: int
    last_commit: float
    delays: Delays = msgspec.field(default_factory=Delays)
    owned: tuple[int, ...] = ()
    """The partitions assigned to it, open or not."""
    unserved: tuple[int, ...] = ()
    """Partitions whose worker is gone, and which nobody else has taken over yet."""


class CustomerCounts(NamedTuple):
    """How many different customers opened a ticket in a window."""

    by_channel: Mapping[str, int]
    every: int
    """Whoever used several channels counts once."""
    omnichannel: int
    """Those who used several."""


class Minute(NamedTuple):
    """One minute of the last hour."""

    created: int
    answered: int
    missed: int
    p90_us: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """One channel's figures, or one team's in it; times in microseconds."""

    channel: str
    team: str
    target: Target
    open: int
    waiting: int
    at_risk: int
    overdue: int
    likely_late: int
    error_budget: Fraction
    """How many more may miss, and the target be met in the budget's window; negative: too many.

    In full only once it is rounded down, which sums are to be before they are shown.
    """
    oldest: int | None
    next_deadline: int | None
    older: Sequence[int]
    """Unresolved tickets older than each of `Policy.backlog_ages`."""
    windows: Mapping[str, Figures]
    parts: Sequence[GroupStats]
    """What was added up: the hour and the tickets are only worked out where they are shown."""
    hours: Calendar | None = None
    """The hours of its tickets, unless a rule says otherwise; always without any."""

    def opens_at(self, now: int) -> int | None:
        """Return when the team will be there again, None while it is."""
        if self.hours is None or self.hours.is_open(now):
            return None
        return self.hours.next_opening(now)


@dataclass(frozen=True, slots=True)
class Overview:
    """All figures of some partitions; counters are not added up, but shown one by one."""

    policy: Policy
    groups: Sequence[Group]
    parts: Sequence[PartitionStats]
    health: Health
    base: Mapping[str, BaseFigures]
    """The customer base by window."""
    customers: Mapping[str, CustomerCounts]
    """Those who opened a ticket, by window."""
    sketched: Sequence[Sequence[GroupStats]]
    """Of which partitions' groups these are."""
    clocks: "Mapping[str, Overview]" = field(default_factory=dict)
    """The same of the other clocks, by name."""
    shadow: "Overview | None" = None
    """The same of a policy that is only tried, if there is one."""


def overview(
    policy: Policy,
    parts: Sequence[PartitionStats],
    health: Health,
    *,
    everywhere: Sequence[PartitionStats] | None = None,
    shadow: Policy | None = None,
    before: Overview | None = None,
) -> Overview:
    """Add up the partitions' figures, group by group.

    `everywhere` are the partitions of all hosts, if there are more: different customers cannot be
    added up later. `before` is the last one made: what would be added up of the very same figures
    is taken from it.
    """
    if before is None or before.policy is not policy:
        before = Overview(policy, (), (), health, {}, {}, ())
    groups = _groups(policy, parts, before.groups)
    sketched = [part.groups for part in (parts if everywhere is None else everywhere)]
    base = {name: _base(part.base.get(name) for part in parts) for name in WINDOWS}
    customers = before.customers
    if not (customers and _are_the_same(before.sketched, sketched)):
        customers = {name: _customers(policy, sketched, name) for name in WINDOWS}
    clocks = {
        name: overview(
            *(promises, [_of_clock(part, name) for part in parts], health),
            before=before.clocks.get(name),
        )
        for name, promises in policy.clocks.items()
    }
    # Counts have no names: those of a partition that has not taken the policy yet wait for it.
    counted = [part for part in parts if _names(part) == list(policy.groups)]
    tried = None
    if shadow is not None:
        alone = [replace(part, groups=part.shadow, shadow=[], clocks={}) for part in parts]
        tried = overview(dataclasses.replace(shadow, clocks={}), alone, health)
    return Overview(policy, groups, counted, health, base, customers, sketched, clocks, tried)


def _groups(
    policy: Policy, parts: Sequence[PartitionStats], before: Sequence[Group]
) -> list[Group]:
    found: dict[tuple[str, str], list[GroupStats]] = {name: [] for name in policy.groups}
    for part in parts:
        for group in part.groups:
            # One written under another policy may name groups that this one does not.
            found.get((group.channel, group.team), []).append(group)
    known = {(group.channel, group.team): group for group in before}
    return [
        same
        if (same := known.get(name)) and _are_the_same(same.parts, stats)
        else _group(policy, *name, stats)
        for name, stats in found.items()
    ]


def _are_the_same(known: Sequence[object], others: Sequence[object]) -> bool:
    return len(known) == len(others) and all(map(is_, known, others))


def _names(part: PartitionStats) -> list[tuple[str, str]]:
    return [(group.channel, group.team) for group in part.groups]


def _of_clock(part: PartitionStats, name: str) -> PartitionStats:
    """Return a partition's figures as if that clock were all there is."""
    counts = Counts(part.counts.clocks.get(name, []))
    groups = part.clocks.get(name, [])
    return replace(part, groups=groups, counts=counts, clocks={})


def _base(parts: Iterable[BaseFigures | None]) -> BaseFigures:
    found = [part for part in parts if part is not None]
    return BaseFigures(*(sum(figures) for figures in zip((0, 0, 0), *found, strict=True)))


def _customers(
    policy: Policy, parts: Sequence[Sequence[GroupStats]], window: str
) -> CustomerCounts:
    """Count customers once, in however many partitions, teams and channels they are."""
    by_channel: dict[str, list[Sequence[int]]] = {channel: [] for channel in policy.channels}
    for groups in parts:
        for group in groups:
            if group.channel in by_channel and window in group.customers:
                by_channel[group.channel].append(array(HASH, group.customers[window]))
    return CustomerCounts(
        {name: estimate(sketches) for name, sketches in by_channel.items()},
        estimate(sketch for sketches in by_channel.values() for sketch in sketches),
        estimate_shared(list(by_channel.values())),
    )


def _group(policy: Policy, channel: str, team: str, parts: Sequence[GroupStats]) -> Group:
    target = policy.channels[channel]
    panes = {name: _sum(part.windows[name] for part in parts) for name in WINDOWS}
    budget = error_budget(*decided(panes[BUDGET_WINDOW].counts, policy.formula), target.share)
    return Group(
        channel,
        team,
        target,
        open=sum(part.open for part in parts),
        waiting=sum(part.waiting for part in parts),
        at_risk=sum(part.at_risk for part in parts),
        overdue=sum(part.overdue for part in parts),
        likely_late=sum(part.likely_late for part in parts),
        error_budget=budget,
        oldest=_least(part.oldest for part in parts),
        next_deadline=_least(part.next_deadline for part in parts),
        older=[sum(each) for each in zip_longest(*(part.older for part in parts), fillvalue=0)]
        or [0] * len(policy.backlog_ages),
        windows={name: pane.figures(policy.formula) for name, pane in panes.items()},
        parts=parts,
        hours=_hours(policy, channel, team),
    )


def _hours(policy: Policy, channel: str, team: str) -> Calendar | None:
    if not policy.calendars:
        return None
    return decide(policy, dict(zip(FIELDS, (channel, team, "", ""), strict=True))).target.calendar


def longest_waiting(group: Group) -> list[Waiting]:
    """Return the tickets of a group that are due first; of one promise they wait longest."""
    found = [ticket for part in group.parts for ticket in part.longest]
    order = attrgetter("due_at", "created", "ticket_id")
    return sorted(found, key=order)[:LONGEST_WAITING]


def last_hour(group: Group, clock: int) -> tuple[int, list[Minute]]:
    """Return when the last hour's first minute begins, and its minutes; the last is not over."""
    first = clock // _HOUR_PANE - PANES + 1
    minutes = []
    for number in range(first, first + PANES):
        found = (part.minutes.get(number) for part in group.parts)
        pane = _sum(sums for sums in found if sums is not None)
        p90 = quantiles(pane.latencies, (0.9,))
        minutes.append(
            Minute(
                pane.counts[Book.CREATED],
                pane.counts[Book.ANSWERED],
                pane.counts[Book.MISSED],
                p90[0],
            )
        )
    return first * _HOUR_PANE, minutes


def _sum(all_sums: Iterable[Sums]) -> Pane:
    total = Pane()
    for sums in all_sums:
        total.counts = [a + b for a, b in zip(total.counts, sums.counts, strict=True)]
        total.sum_us += sums.sum_us
        total.resolution_us += sums.resolution_us
        if not total.latencies:
            total.latencies = dict(sums.latencies)
            continue
        latencies, get = total.latencies, total.latencies.get
        for index, count in sums.latencies.items():
            latencies[index] = get(index, 0) + count
    return total


def _least(values: Iterable[int | None]) -> int | None:
    return min((value for value in values if value is not None), default=None)
