"""A report as rows: one for each period and channel, the same columns in every one of them."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from monitor.sla.durations import short_duration
from monitor.sla.periods import Open, Period, PeriodTally
from monitor.sla.policy import Formula, Policy
from monitor.sla.tally import ChannelTally, rounded_ratio, rounded_seconds
from monitor.sla.views import Book
from monitor.sla.windows import Pane, service_level

ALL: Final = "all"
"""What the rows of all channels together are called."""

Row = dict[str, Any]


class Report(NamedTuple):
    """Rows by period, and those of the whole time."""

    channels: list[str]
    """Those that had a ticket."""
    periods: list[Period]
    rows: list[Row]
    total: list[Row]


def report(tally: PeriodTally) -> Report:
    """Work out every row of a report."""
    policy, periods = tally.policy, tally.periods
    whole = tally.tally(periods, policy.channels)
    channels = [c for c in policy.channels if any(tally.tally(periods, [c]).counts)]
    unresolved = tally.unresolved(periods)
    rows = []
    for period, left in zip(periods, unresolved, strict=True):
        rows += _rows(tally, [period], period.name, channels, left)
    last = unresolved[-1] if unresolved else {}
    total = _rows(tally, periods, "total", channels, last) if any(whole.counts) else []
    return Report(channels, periods, rows, total)


def _rows(
    tally: PeriodTally,
    periods: Sequence[Period],
    name: str,
    channels: Sequence[str],
    unresolved: dict[str, Open],
) -> list[Row]:
    policy = tally.policy
    whole = tally.tally(periods, policy.channels)
    rows = []
    for channel in (*channels, ALL):
        part = whole if channel == ALL else tally.tally(periods, [channel])
        left = list(unresolved.values()) if channel == ALL else [unresolved[channel]]
        rows.append(
            {"period": name, "channel": channel}
            | _promise(part, policy)
            | _measures(part, policy, whole)
            | _backlog(policy, left)
            | _overall(tally, periods, is_all=channel == ALL)
        )
    return rows


def _promise(tally: ChannelTally, policy: Policy) -> Row:
    figures = tally.figures(policy)
    del figures["max_waiting"], figures["service_level_ratio"]
    levels = {
        f"service_level_{formula}_ratio": rounded_ratio(service_level(tally.counts, formula))
        for formula in Formula
    }
    return figures | levels


def _measures(tally: ChannelTally, policy: Policy, whole: ChannelTally) -> Row:
    counts = tally.counts
    sums = Pane()
    sums.counts = counts
    figures = sums.figures(policy.formula)
    resolved, tickets = counts[Book.RESOLVED], whole.counts[Book.CREATED]
    customers = len(whole.customers)
    return {
        "resolved": resolved,
        "resolution_mean_seconds": rounded_seconds(
            tally.resolution_us / resolved if resolved else None
        ),
        "tickets_ratio": rounded_ratio(counts[Book.CREATED] / tickets if tickets else None),
        "customers": len(tally.customers),
        "customers_ratio": rounded_ratio(len(tally.customers) / customers if customers else None),
        "csat_answers": counts[Book.SATISFIED] + counts[Book.DISSATISFIED],
        "csat_ratio": rounded_ratio(figures.csat_ratio),
        "nps_answers": sum(counts[book] for book in (Book.PROMOTER, Book.PASSIVE, Book.DETRACTOR)),
        "net_promoter_score": rounded_ratio(figures.net_promoter_score),
    }


def _backlog(policy: Policy, left: Sequence[Open]) -> Row:
    older = {
        f"unresolved_longer_than_{short_duration(age)}": sum(each.older[index] for each in left)
        for index, age in enumerate(policy.backlog_ages)
    }
    return {"unresolved": sum(each.every for each in left), **older}


def _overall(tally: PeriodTally, periods: Sequence[Period], *, is_all: bool) -> Row:
    """Return what is not told apart by channel, empty in the rows of channels."""
    base = tally.base.figures(periods[0].start, periods[-1].end)
    row = {
        "omnichannel_customers": tally.several(periods),
        "customers_at_start": base.at_start,
        "customers_joined": base.joined,
        "customers_left": base.left,
        "customer_retention_ratio": rounded_ratio(base.retention_ratio),
        "customer_churn_ratio": rounded_ratio(base.churn_ratio),
    }
    return row if is_all else dict.fromkeys(row)
