"""The metrics that tell how far warnings can be trusted; part of the list in `metrics`.

The counters are kept with a partition's state, as all of its counters are, and have its label;
the gauges are of all the partitions shown.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from monitor.observability.figures import Overview
from monitor.observability.stats import GroupCounts, PartitionStats
from monitor.sla.events import SECOND
from monitor.sla.policy import Policy
from monitor.sla.scores import BINS, Scores

_WARNINGS: Final[Mapping[str, Callable[[GroupCounts], Scores]]] = {
    "likely_late": lambda group: group.likely_late,
    "at_risk": lambda group: group.at_risk,
}
_OUTCOMES: Final[Mapping[str, Callable[[Scores], int]]] = {
    "true_positive": lambda scores: scores.true_positive,
    "false_positive": lambda scores: scores.false_positive,
    "false_negative": lambda scores: scores.false_negative,
}
_CHANCES: Final = [f"{(row + 0.5) / BINS:.2f}" for row in range(BINS)]
_QUANTILES: Final = (0.5, 0.1)


def warnings(policy: Policy, labels: Sequence[str], view: Overview) -> Iterator[Metric]:
    """Yield the forecast, its record, and that of the at-risk threshold taken for one."""
    late = GaugeMetricFamily(
        "sla_tickets_likely_late",
        "Tickets waiting within the limit that are more likely than not to miss it.",
        labels=labels,
    )
    for group in view.groups:
        late.add_metric([group.channel, group.team][: len(labels)], group.likely_late)
    yield late
    yield from _counters(policy, labels, view.parts)
    yield from _gauges(policy, labels, view.parts)


def _counters(
    policy: Policy, labels: Sequence[str], parts: Sequence[PartitionStats]
) -> Iterator[Metric]:
    tickets = CounterMetricFamily(
        "sla_warnings",
        "Tickets by what warned of them and what came: a true_positive was warned of and missed "
        "its limit, a false_positive was warned of and did not, a false_negative missed it with "
        "no warning.",
        labels=["partition", *labels, "warning", "outcome"],
    )
    error = SummaryMetricFamily(
        "sla_forecast_squared_error",
        "Forecasts of which it is known what came: _sum over _count is the Brier score.",
        labels=["partition", *labels, "warning"],
    )
    for part in parts:
        for names, group in zip(policy.groups, part.counts.groups, strict=False):
            for warning, read in _WARNINGS.items():
                values = [str(part.partition), *names[: len(labels)], warning]
                scores = read(group)
                for outcome, count in _OUTCOMES.items():
                    tickets.add_metric([*values, outcome], count(scores))
                error.add_metric(values, sum(scores.forecasts), scores.squared_error)
    yield from (tickets, error)


def _gauges(
    policy: Policy, labels: Sequence[str], parts: Sequence[PartitionStats]
) -> Iterator[Metric]:
    lead = SummaryMetricFamily(
        "sla_warning_lead_seconds",
        "From the warning to the limit, of tickets that then missed it; NaN if none did.",
    )
    forecasts = GaugeMetricFamily(
        "sla_forecasts",
        "Forecasts of which it is known what came, by the chance they named, in tenths.",
        labels=[*labels, "chance"],
    )
    missed = GaugeMetricFamily(
        "sla_forecasts_missed_ratio",
        "The share of these that missed the limit: reliable if it is the chance; NaN if none.",
        labels=[*labels, "chance"],
    )
    for index, names in enumerate(policy.groups):
        values, limit = names[: len(labels)], policy.channels[names[0]].limit / SECOND
        total = {warning: _total(parts, index, read) for warning, read in _WARNINGS.items()}
        for warning, scores in total.items():
            for quantile in _QUANTILES:
                share = scores.lead(quantile)
                seconds = math.nan if share is None else share * limit
                shown = {"warning": warning, "quantile": str(quantile)}
                named = dict(zip(labels, values, strict=True)) | shown
                lead.add_sample(lead.name, named, seconds)
        for chance, row in zip(_CHANCES, total["likely_late"].reliability(), strict=True):
            forecasts.add_metric([*values, chance], row.forecasts if row else 0)
            missed.add_metric([*values, chance], row.missed_ratio if row else math.nan)
    yield from (lead, forecasts, missed)


def _total(
    parts: Sequence[PartitionStats], index: int, read: Callable[[GroupCounts], Scores]
) -> Scores:
    total = Scores()
    for part in parts:
        # One written under another policy may have fewer groups.
        for group in part.counts.groups[index : index + 1]:
            total.add(read(group))
    return total
