"""The metrics of docs/measures.md: part of the one list in `metrics`, which yields them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from monitor.observability.figures import CustomerCounts, Group, Overview
from monitor.observability.stats import PartitionStats
from monitor.sla.durations import short_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import Policy
from monitor.sla.views import Book
from monitor.sla.windows import ANSWERS

ANSWER_NAMES: Final = {book.name.lower(): book for book in ANSWERS}


class MeasuresMetrics:
    """What is shown of an `Overview` beside the promise."""

    def __init__(self, policy: Policy) -> None:
        self._ages = [short_duration(age) for age in policy.backlog_ages]
        self._groups = policy.groups
        self._labels = ["channel", "team"] if policy.teams else ["channel"]

    def of(self, view: Overview) -> Iterator[Metric]:
        """Yield every metric with its present value."""
        yield from self._counted(view.parts)
        yield from self._windows(view.groups)
        yield self._unresolved(view.groups)
        yield from _customers(view.customers)
        yield from _changes(view)
        yield from _base(view)
        yield GaugeMetricFamily(
            "sla_surveys_unmatched",
            "Survey answers of which no channel is known: their ticket is not, or not any more.",
            sum(part.unmatched_surveys for part in view.parts),
        )

    def _counted(self, parts: Sequence[PartitionStats]) -> Iterator[Metric]:
        resolution = SummaryMetricFamily(
            "sla_ticket_resolution_seconds",
            "Time from creation to close of tickets that were answered. A late correction adds, "
            "and takes nothing away.",
            labels=["partition", *self._labels],
        )
        answers = CounterMetricFamily(
            "sla_survey_answers",
            "What customers said in surveys.",
            labels=["partition", *self._labels, "answer"],
        )
        for part in parts:
            for names, group in zip(self._groups, part.counts.groups, strict=False):
                values = [str(part.partition), *names[: len(self._labels)]]
                for answer, book in ANSWER_NAMES.items():
                    answers.add_metric([*values, answer], group.booked[book])
                resolved = group.booked[Book.RESOLVED]
                resolution.add_metric(values, resolved, group.resolution_us / SECOND)
        yield from (resolution, answers)

    def _windows(self, groups: Sequence[Group]) -> Iterator[Metric]:
        resolution = SummaryMetricFamily(
            "sla_window_ticket_resolution_seconds",
            "Time from creation to close of tickets that were answered, in a sliding window.",
        )
        answers = self._gauge(
            "sla_window_survey_answers",
            "What customers said in surveys in a sliding window.",
            *("window", "answer"),
        )
        csat = self._gauge(
            "sla_window_csat_ratio",
            "Share of satisfied answers in a sliding window; NaN without any.",
            "window",
        )
        nps = self._gauge(
            "sla_window_net_promoter_score",
            "Percentage of promoters less that of detractors, -100 to 100, in a sliding window; "
            "NaN without an answer.",
            "window",
        )
        for group in groups:
            values = [group.channel, group.team][: len(self._labels)]
            for window, figures in group.windows.items():
                labels = dict(zip(self._labels, values, strict=True)) | {"window": window}
                name = resolution.name
                resolution.add_sample(f"{name}_count", labels, figures.resolved)
                resolution.add_sample(f"{name}_sum", labels, figures.resolution_us / SECOND)
                for answer, book in ANSWER_NAMES.items():
                    answers.add_metric([*values, window, answer], figures.answers[book])
                csat.add_metric([*values, window], _or_nan(figures.csat_ratio))
                nps.add_metric([*values, window], _or_nan(figures.net_promoter_score))
        yield from (resolution, answers, csat, nps)

    def _unresolved(self, groups: Sequence[Group]) -> Metric:
        unresolved = self._gauge(
            "sla_tickets_unresolved",
            "Tickets that are not over, and are older than this.",
            "older_than",
        )
        for group in groups:
            values = [group.channel, group.team][: len(self._labels)]
            for age, count in zip(self._ages, group.older, strict=False):
                unresolved.add_metric([*values, age], count)
        return unresolved

    def _gauge(self, name: str, text: str, *labels: str) -> GaugeMetricFamily:
        return GaugeMetricFamily(name, text, labels=[*self._labels, *labels])


def _customers(customers: Mapping[str, CustomerCounts]) -> Iterator[Metric]:
    """Tell of all hosts what cannot be added up."""
    by_channel = GaugeMetricFamily(
        "sla_window_customers",
        "Different customers who opened a ticket in a sliding window. Each host tells of all: "
        "take the greatest, not the sum.",
        labels=["channel", "window"],
    )
    overall = GaugeMetricFamily(
        "sla_window_customers_overall",
        "Different customers on all channels together, each counted once, and of them those who "
        "used several channels. Each host tells of all: take the greatest, not the sum.",
        labels=["window", "kind"],
    )
    for window, counts in customers.items():
        for channel, count in counts.by_channel.items():
            by_channel.add_metric([channel, window], count)
        overall.add_metric([window, "all"], counts.every)
        overall.add_metric([window, "omnichannel"], counts.omnichannel)
    yield from (by_channel, overall)


def _changes(view: Overview) -> Iterator[Metric]:
    labels = ["partition", "change"]
    changes = CounterMetricFamily(
        "sla_customer_changes", "Customers who joined and left.", labels=labels
    )
    taken_back = CounterMetricFamily(
        "sla_customer_retractions",
        "Of these changes, those that a late event proved false.",
        labels=labels,
    )
    for part in view.parts:
        number, counted = str(part.partition), part.counts.customers
        changes.add_metric([number, "joined"], counted.joined)
        changes.add_metric([number, "left"], counted.left)
        taken_back.add_metric([number, "joined"], counted.joined_taken_back)
        taken_back.add_metric([number, "left"], counted.left_taken_back)
    yield from (changes, taken_back)


def _base(view: Overview) -> Iterator[Metric]:
    changes = GaugeMetricFamily(
        "sla_window_customer_changes",
        "Customers who joined and left in a sliding window.",
        labels=["window", "change"],
    )
    retention = GaugeMetricFamily(
        "sla_window_customer_retention_ratio",
        "(Customers now - those who joined) / customers at the start of a sliding window; NaN of "
        "none. Of this host's partitions: over several hosts take the counts.",
        labels=["window"],
    )
    churn = GaugeMetricFamily(
        "sla_window_customer_churn_ratio",
        "Customers who left / customers at the start of a sliding window; NaN of none. Of this "
        "host's partitions: over several hosts take the counts.",
        labels=["window"],
    )
    customers = 0
    for window, base in view.base.items():
        customers = base.customers
        changes.add_metric([window, "joined"], base.joined)
        changes.add_metric([window, "left"], base.left)
        retention.add_metric([window], _or_nan(base.retention_ratio))
        churn.add_metric([window], _or_nan(base.churn_ratio))
    yield GaugeMetricFamily("sla_customers", "Customers there are.", customers)
    yield from (changes, retention, churn)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
