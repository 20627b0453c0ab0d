"""The one list of the metrics and their names (DESIGN 4).

Everything is read from the figures at the moment of the scrape, so nothing can drift from the
tickets. Where there is nothing to say (the oldest of nobody, the ratio of an empty window) a
gauge is NaN: the series is there, and no comparison with it is true.

Gauges are sums over the partitions. The counters that are kept with a partition's state are not:
they have a label for it. A sum would fall while a partition moves or is opened, and Prometheus
would take that for a counter that began anew, and all that is left of it for a burst. Each
partition's own series only ever grows, whoever shows it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from monitor import __version__
from monitor.observability.clock_names import clock_name
from monitor.observability.figures import Group, Health, Overview, State
from monitor.observability.measures import ANSWER_NAMES, MeasuresMetrics
from monitor.observability.stats import DELAY_EDGES, PartitionStats
from monitor.observability.warnings import warnings
from monitor.sla.events import SECOND
from monitor.sla.policy import FIELDS, Clock, Policy
from monitor.sla.tally import goals_by_channel
from monitor.sla.ticket import Kind
from monitor.sla.views import Book

_GAUGES: Sequence[tuple[str, str, Callable[[Group], float | None]]] = (
    ("sla_tickets_open", "Tickets that are not over yet.", lambda g: g.open),
    ("sla_tickets_waiting", "Tickets with no first response yet.", lambda g: g.waiting),
    (
        "sla_tickets_at_risk",
        "Tickets waiting longer than the at-risk threshold, the overdue ones among them.",
        lambda g: g.at_risk,
    ),
    ("sla_tickets_overdue", "Tickets waiting longer than the limit.", lambda g: g.overdue),
    (
        "sla_error_budget_tickets",
        "How many more tickets may miss, and the target be met over 24 h; below 0 it is missed.",
        lambda g: float(g.error_budget),
    ),
    (
        "sla_oldest_waiting_timestamp_seconds",
        "When the ticket that has waited longest was created; NaN if none waits.",
        lambda g: _seconds(g.oldest),
    ),
    (
        "sla_next_deadline_timestamp_seconds",
        "The nearest limit that a waiting ticket has not passed; NaN if there is none.",
        lambda g: _seconds(g.next_deadline),
    ),
)

SHADOW_PREFIX = "sla_shadow_"

_OUTCOMES = {"met": Book.MET, "missed": Book.MISSED, "abandoned": Book.ABANDONED}

_EVENTS = {
    "created": Book.CREATED,
    "at_risk": Book.AT_RISK,
    "breached": Book.MISSED,
    "answered": Book.ANSWERED,
    "closed": Book.UNANSWERED,
    "expired": Book.EXPIRED,
    "clock_skew": Book.CLOCK_SKEW,
    "channel_conflict": Book.CHANNEL_CONFLICT,
    "short_abandoned": Book.SHORT_ABANDONED,
    "resolved": Book.RESOLVED,
}

_WINDOW_STATES = (
    *("created", "answered", "closed", "resolved", "met", "missed"),
    *("abandoned", "short_abandoned"),
)

_TAKEN_BACK = {**_EVENTS, **ANSWER_NAMES, "met": Book.MET, "abandoned": Book.ABANDONED}


_CLOCK_WORDS: Mapping[str, Mapping[str, str]] = {
    Clock.NEXT_REPLY: {
        "first human reply": "next human reply",
        "first response": "next reply",
        "was created": "began to wait",
    },
    Clock.RESOLUTION: {
        "first human reply": "close",
        "first response": "close",
        "answered in time": "closed in time",
    },
}
"""What is said of the first response, as it is said of the other clocks."""


class Metrics:
    """What is shown of an `Overview`."""

    def __init__(self, policy: Policy, shadow: Policy | None = None) -> None:
        self.policy = policy
        self._shadow = None if shadow is None else Metrics(shadow)
        self._labels = ["channel", "team"] if policy.teams else ["channel"]
        self._measures = MeasuresMetrics(policy)
        self._goals = goals_by_channel(policy)
        self._clocks = {name: Metrics(promises) for name, promises in policy.clocks.items()}

    def of(self, view: Overview) -> Iterator[Metric]:
        """Yield every metric with its present value."""
        yield from self._kept(view)
        yield from self._measures.of(view)
        yield from warnings(self.policy, self._labels, view)
        for name, clock in view.clocks.items():
            for family in self._clocks[name]._kept(clock):  # noqa: SLF001 - another of us
                yield renamed(family, name)
        if self.policy.rules:
            yield self._rules()
        if self.policy.calendars:
            yield from self._hours(view.groups, int(view.health.now * SECOND))
        yield _records(view.parts)
        yield from self._health(view.health)
        if self._shadow is not None and view.shadow is not None:
            yield from map(as_shadow, self._shadow._now(view.shadow))  # noqa: SLF001 - likewise

    def _now(self, view: Overview) -> Iterator[Metric]:
        """Yield what is true now, and was in the windows: what is known without a counter."""
        yield from self._backlog(view.groups)
        yield from self._windows(view.groups)
        yield from self._targets()

    def _kept(self, view: Overview) -> Iterator[Metric]:
        """Yield how the promises of one clock are kept."""
        yield from self._backlog(view.groups)
        yield from self._counters(view.parts)
        yield from self._windows(view.groups)
        yield from self._targets()
        if self._goals:
            yield from self._goals_kept(view.parts)

    def _backlog(self, groups: Sequence[Group]) -> Iterator[Metric]:
        for name, text, read in _GAUGES:
            gauge = GaugeMetricFamily(name, text, labels=self._labels)
            for group in groups:
                gauge.add_metric(self._values(group), _or_nan(read(group)))
            yield gauge

    def _counters(self, parts: Sequence[PartitionStats]) -> Iterator[Metric]:
        latency = HistogramMetricFamily(
            "sla_first_response_seconds",
            "Time to the first human reply. A late correction adds, and takes nothing away.",
            labels=["partition", *self._labels],
        )
        outcomes = self._counter(
            "sla_first_responses",
            "Decided promises: answered in time, limit passed, or closed unanswered before it.",
            "outcome",
        )
        events = self._counter(
            "sla_ticket_events",
            "What happened to tickets; closed are those without a reply, retracted those told "
            "and taken back.",
            "kind",
        )
        taken_back = self._counter(
            "sla_retractions",
            "Of the events and outcomes counted, those that a late event proved false.",
            "kind",
        )
        for part in parts:
            for names, group in zip(self.policy.groups, part.counts.groups, strict=False):
                values = [str(part.partition), *names[: len(self._labels)]]
                buckets = _cumulative(_seconds_names(group.edges), group.buckets)
                latency.add_metric(values, buckets, group.sum_us / SECOND)
                for outcome, book in _OUTCOMES.items():
                    outcomes.add_metric([*values, outcome], group.booked[book])
                for kind, book in _EVENTS.items():
                    events.add_metric([*values, kind], group.booked[book])
                events.add_metric([*values, "retracted"], group.told[Kind.RETRACTED])
                for kind, book in _TAKEN_BACK.items():
                    taken_back.add_metric([*values, kind], group.taken_back[book])
        yield from (latency, outcomes, events, taken_back)

    def _windows(self, groups: Sequence[Group]) -> Iterator[Metric]:
        latency = SummaryMetricFamily(
            "sla_window_first_response_seconds",
            "Time to the first human reply in a sliding window, quantiles within 1 %.",
        )
        level = GaugeMetricFamily(
            "sla_window_service_level_ratio",
            "Share of decided tickets answered in time in a sliding window; NaN if none was.",
            labels=[*self._labels, "window"],
        )
        tickets = GaugeMetricFamily(
            "sla_window_tickets",
            "Tickets created, answered, closed, resolved (closed after a first response), met, "
            "missed, abandoned within the limit, and those of them that left at once, in a "
            "sliding window.",
            labels=[*self._labels, "window", "state"],
        )
        for group in groups:
            values = self._values(group)
            for window, figures in group.windows.items():
                labels = dict(zip(self._labels, values, strict=True)) | {"window": window}
                for quantile, us in (("0.5", figures.p50_us), ("0.9", figures.p90_us)):
                    value = _or_nan(_seconds(us))
                    latency.add_sample(latency.name, {**labels, "quantile": quantile}, value)
                latency.add_sample(f"{latency.name}_count", labels, figures.answered)
                latency.add_sample(f"{latency.name}_sum", labels, figures.sum_us / SECOND)
                level.add_metric([*values, window], _or_nan(figures.service_level_ratio))
                for state in _WINDOW_STATES:
                    tickets.add_metric([*values, window, state], getattr(figures, state))
        yield from (latency, level, tickets)

    def _targets(self) -> Iterator[Metric]:
        seconds = GaugeMetricFamily(
            "sla_target_seconds", "What the policy promises.", labels=["channel", "threshold"]
        )
        ratio = GaugeMetricFamily(
            "sla_target_ratio", "The share of tickets to be answered in time.", labels=["channel"]
        )
        for name, target in self.policy.channels.items():
            seconds.add_metric([name, "at_risk"], target.at_risk / SECOND)
            seconds.add_metric([name, "limit"], target.limit / SECOND)
            ratio.add_metric([name], target.share)
        yield from (seconds, ratio)

    def _hours(self, groups: Sequence[Group], now: int) -> Iterator[Metric]:
        open_ = GaugeMetricFamily(
            "sla_hours_open",
            "1 while the team is there and clocks run, 0 while it is closed.",
            labels=self._labels,
        )
        opening = GaugeMetricFamily(
            "sla_next_opening_timestamp_seconds",
            "When the team is back; NaN while it is there.",
            labels=self._labels,
        )
        for group in groups:
            opens_at = group.opens_at(now)
            open_.add_metric(self._values(group), int(opens_at is None))
            opening.add_metric(self._values(group), _or_nan(_seconds(opens_at)))
        yield from (open_, opening)

    def _goals_kept(self, parts: Sequence[PartitionStats]) -> Iterator[Metric]:
        """Yield what becomes of each of a list of targets; the last one is the limit."""
        promised = GaugeMetricFamily(
            "sla_goal_ratio",
            "The share of tickets to be answered within a time, of each of a channel's targets.",
            labels=["channel", "within"],
        )
        for channel, goals in self._goals.items():
            for goal in goals:
                promised.add_metric([channel, within(goal.within)], goal.share)
        kept = self._goal_counter(
            "sla_goal_responses",
            "Tickets answered within a target's time (met), or not (missed).",
        )
        taken_back = self._goal_counter(
            "sla_goal_retractions", "Of those, the ones that a late event proved false."
        )
        for part in parts:
            for names, group in zip(self.policy.groups, part.counts.groups, strict=False):
                values = [str(part.partition), *names[: len(self._labels)]]
                for time, (met, missed, unmet, unmissed) in group.goals.items():
                    kept.add_metric([*values, within(time), "met"], met)
                    kept.add_metric([*values, within(time), "missed"], missed)
                    taken_back.add_metric([*values, within(time), "met"], unmet)
                    taken_back.add_metric([*values, within(time), "missed"], unmissed)
        yield from (promised, kept, taken_back)

    def _goal_counter(self, name: str, text: str) -> CounterMetricFamily:
        return CounterMetricFamily(
            name, text, labels=["partition", *self._labels, "within", "outcome"]
        )

    def _rules(self) -> Metric:
        """Return what rules promise to some of the tickets; a label left empty stands for any."""
        seconds = GaugeMetricFamily(
            "sla_rule_target_seconds",
            "What a rule of the policy promises to the tickets that fit.",
            labels=[*FIELDS, "threshold"],
        )
        for rule in self.policy.rules:
            if rule.limit is not None:
                when = ["|".join(rule.when.get(name, ())) for name in FIELDS]
                seconds.add_metric([*when, "limit"], rule.limit / SECOND)
                if rule.at_risk is not None:
                    seconds.add_metric([*when, "at_risk"], rule.at_risk / SECOND)
        return seconds

    def _health(self, health: Health) -> Iterator[Metric]:
        delay = HistogramMetricFamily(
            "sla_detection_delay_seconds",
            "From the moment at which a ticket was at risk or breached to the commit of the event.",
        )
        delays = health.delays
        delay.add_metric([], _cumulative(_names(DELAY_EDGES), delays.counts), delays.sum_seconds)
        yield delay
        yield GaugeMetricFamily(
            "sla_lag_records", "Input records still to be read.", health.lag_records
        )
        yield GaugeMetricFamily(
            "sla_caught_up",
            "1 while all there is in Kafka has been read, and the broker answers.",
            int(health.state is State.LIVE),
        )
        yield GaugeMetricFamily(
            "sla_last_commit_timestamp_seconds",
            "When state, events and offsets were last committed.",
            health.last_commit,
        )
        yield GaugeMetricFamily(
            "sla_partitions_unserved",
            "Partitions that no monitor on any host serves; each host tells of all.",
            len(health.unserved),
        )
        yield _info("sla_build_info", "The program's version.", {"version": __version__})
        yield _info(
            "sla_policy_info",
            "The policy in force.",
            {"formula": self.policy.formula.value, "channels": ",".join(self.policy.channels)},
        )

    def _counter(self, name: str, text: str, label: str) -> CounterMetricFamily:
        return CounterMetricFamily(name, text, labels=["partition", *self._labels, label])

    def _values(self, group: Group) -> list[str]:
        return [group.channel, group.team] if self.policy.teams else [group.channel]


def as_shadow(family: Metric) -> Metric:
    """Return a metric as that of a policy which is only tried.

    Its name is another, so that no sum, alert or dashboard takes it for the real one.
    """

    def name(of: str) -> str:
        return f"{SHADOW_PREFIX}{of.removeprefix('sla_')}"

    family.name = name(family.name)
    family.documentation = f"Of the policy that is only tried. {family.documentation}"
    family.samples = [
        sample._replace(name=name(sample.name), labels={**sample.labels, "policy": "shadow"})
        for sample in family.samples
    ]
    return family


def renamed(family: Metric, clock: str) -> Metric:
    """Return a metric of the first response under the name of another clock."""
    family.name = clock_name(family.name, clock)
    for first, other in _CLOCK_WORDS[clock].items():
        family.documentation = family.documentation.replace(first, other)
    family.samples = [
        sample._replace(name=clock_name(sample.name, clock)) for sample in family.samples
    ]
    return family


def within(us: int) -> str:
    """Return a target's time as a label: seconds, as in the histogram's `le`."""
    return repr(us / SECOND)


def _records(parts: Sequence[PartitionStats]) -> Metric:
    records = CounterMetricFamily(
        "sla_records",
        "Input records committed, by what became of them.",
        labels=["partition", "topic", "outcome"],
    )
    for part in parts:
        for topic, outcomes in part.counts.records.items():
            for outcome, count in outcomes.items():
                records.add_metric([str(part.partition), topic, outcome], count)
    return records


def _cumulative(names: Sequence[str], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return bucket by bucket how many lie within its upper edge."""
    return list(zip(names, accumulate(counts), strict=True))


@lru_cache
def _seconds_names(edges: tuple[int, ...]) -> list[str]:
    return _names([edge / SECOND for edge in edges])


def _names(edges: Sequence[float]) -> list[str]:
    """Name buckets after their upper edges, in seconds."""
    return [*(repr(float(edge)) for edge in edges), "+Inf"]


def _info(name: str, text: str, labels: dict[str, str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=list(labels))
    family.add_metric(list(labels.values()), 1)
    return family


def _seconds(us: float | None) -> float | None:
    return None if us is None else us / SECOND


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
