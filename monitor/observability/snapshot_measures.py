"""The measures of docs/measures.md as the wall shows them: plain JSON values of one day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from monitor.observability.figures import Group, Overview
from monitor.sla.events import SECOND
from monitor.sla.views import Book
from monitor.sla.windows import Figures

WINDOW: Final = "24h"


def measures(view: Overview) -> dict[str, Any]:
    """Return what is known over a day, of all channels and of each; null of nothing."""
    by_channel = _by_channel(view.groups)
    customers, base = view.customers[WINDOW], view.base[WINDOW]
    return {
        "window": WINDOW,
        "resolution_seconds": _each(by_channel, _resolution),
        "tickets_ratio": _shares(by_channel),
        "csat_ratio": _each(by_channel, _csat),
        "net_promoter_score": _each(by_channel, _nps),
        "unresolved": _unresolved(view),
        "customers": customers.every,
        "omnichannel_ratio": customers.omnichannel / customers.every if customers.every else None,
        "customer_base": base.customers,
        "retention_ratio": base.retention_ratio,
        "churn_ratio": base.churn_ratio,
    }


def _by_channel(groups: Sequence[Group]) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {}
    for group in groups:
        found.setdefault(group.channel, []).append(group.windows[WINDOW])
    return found


def _each(
    by_channel: Mapping[str, Sequence[Figures]],
    value: Callable[[Sequence[Figures]], float | None],
) -> dict[str, Any]:
    """Return a value of all channels together, and of each that has one."""
    each = {name: value(found) for name, found in by_channel.items()}
    every = [figures for found in by_channel.values() for figures in found]
    return {
        "all": value(every),
        "channels": {name: of for name, of in each.items() if of is not None},
    }


def _resolution(found: Sequence[Figures]) -> float | None:
    resolved = sum(figures.resolved for figures in found)
    total = sum(figures.resolution_us for figures in found)
    return total / SECOND / resolved if resolved else None


def _csat(found: Sequence[Figures]) -> float | None:
    satisfied = _answers(found, (Book.SATISFIED,))
    every = _answers(found, (Book.SATISFIED, Book.DISSATISFIED))
    return satisfied / every if every else None


def _nps(found: Sequence[Figures]) -> float | None:
    promoters, detractors = (_answers(found, (book,)) for book in (Book.PROMOTER, Book.DETRACTOR))
    every = promoters + detractors + _answers(found, (Book.PASSIVE,))
    return 100 * (promoters - detractors) / every if every else None


def _answers(found: Sequence[Figures], books: Iterable[Book]) -> int:
    return sum(figures.answers[book] for figures in found for book in books)


def _shares(by_channel: Mapping[str, Sequence[Figures]]) -> dict[str, float]:
    """Return each channel's share of the tickets that came; nothing if none did."""
    created = {name: sum(each.created for each in found) for name, found in by_channel.items()}
    total = sum(created.values())
    return {name: count / total for name, count in created.items()} if total else {}


def _unresolved(view: Overview) -> list[dict[str, Any]]:
    """Return how many tickets are older than each age and not over."""
    counts = [sum(each) for each in zip(*(group.older for group in view.groups), strict=True)]
    return [
        {"older_than_seconds": age / SECOND, "tickets": count}
        for age, count in zip(view.policy.backlog_ages, counts, strict=False)
    ]
