"""The clocks of a channel beside the first response: the next reply, and the resolution."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from grafana_foundation_sdk.builders import stat, timeseries

from monitor.observability.dashboards.frame import Grid
from monitor.observability.dashboards.kinds import big, coloured, lines, stepped
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    NOBODY_WAITS,
    NOTHING_DECIDED,
    PLAIN,
    WARN,
    About,
)
from monitor.observability.dashboards.promql import Scope
from monitor.sla.policy import Clock


@dataclass(frozen=True, slots=True)
class _Words:
    """How one more clock is spoken of."""

    title: str
    runs: str
    """While what it runs."""
    done: str
    """What is promised."""


_WORDS: Final = {
    Clock.NEXT_REPLY: _Words(
        "Next reply", "while a customer who has written again waits", "answered"
    ),
    Clock.RESOLUTION: _Words("Resolution", "until a ticket is closed", "closed"),
}


def add_clocks(grid: Grid, scope: Scope) -> None:
    """Add the panels of every other clock that the policy has."""
    for clock in map(Clock, scope.policy.clocks):
        grid.end_row()
        of_clock = replace(scope, clock=clock)
        for figure in _figures(of_clock, _WORDS[clock]):
            grid.add(figure, 6, 4)
        grid.add(_quantiles(of_clock, _WORDS[clock]), 12, 8)
        grid.add(_backlog(of_clock, _WORDS[clock]), 12, 8)


def _figures(scope: Scope, words: _Words) -> Iterator[stat.Panel]:
    yield _running(scope, words)
    yield _countdown(scope, words)
    yield _level(scope, words)
    yield _promise(scope, words)


def _none(words: _Words) -> str:
    return f"promises no {words.title.lower()}"


def _running(scope: Scope, words: _Words) -> stat.Panel:
    about = About(
        f"{words.title}: running",
        f"Clocks that run {words.runs}: all of them, those past the at-risk threshold, and of "
        "these the ones whose limit has passed.",
        "short",
        no_value=_none(words),
    )
    panel = stepped(big(about, _counts(scope)), "at risk", ((None, GOOD), (1, WARN)))
    return stepped(panel, "overdue", ((None, GOOD), (1, BAD)))


def _countdown(scope: Scope, words: _Words) -> stat.Panel:
    about = About(
        f"{words.title}: next deadline",
        "Time left until the nearest limit passes (hours:minutes:seconds). What is overdue "
        "already does not count, nor does a clock that stands.",
        "dthms",
        words={"nan": (NOBODY_WAITS, PLAIN)},
        no_value=_none(words),
    )
    return big(about, {"left": scope.next_deadline()})


def _level(scope: Scope, words: _Words) -> stat.Panel:
    about = About(
        f"{words.title}: in time, last $window",
        f"Share of decided clocks that were {words.done} within the limit in the chosen window, "
        "and the share that is promised.",
        "percentunit",
        words={"nan": (NOTHING_DECIDED, PLAIN)},
        no_value=NOTHING_DECIDED,
    )
    queries = {"in time": scope.service_level("$window"), "promised": scope.share()}
    return big(about, queries).decimals(0)


def _promise(scope: Scope, words: _Words) -> stat.Panel:
    about = About(
        f"{words.title}: promised",
        "At risk when the clock has run longer than the first, and a broken promise when it has "
        "run longer than the second.",
        "dthms",
        no_value=_none(words),
    )
    queries = {"at risk after": scope.target("at_risk"), "limit": scope.target("limit")}
    panel = stepped(big(about, queries), "at risk after", ((None, WARN),))
    return stepped(panel, "limit", ((None, BAD),))


def _quantiles(scope: Scope, words: _Words) -> timeseries.Panel:
    about = About(
        f"{words.title}: time it took, last $window, against the promise",
        f"Half and nine tenths were {words.done} within this time, as the clock ran; the highest "
        "of all hosts and teams. Dashed: at-risk threshold and limit.",
        "s",
        no_value=f"none {words.done} in this window",
    )
    queries = {
        "quantile {{quantile}}": scope.quantile("$window"),
        "at risk after": scope.target("at_risk"),
        "limit": scope.target("limit"),
    }
    panel = coloured(lines(about, queries, fill=0), "at risk after", WARN, dashed=True)
    return coloured(panel, "limit", BAD, dashed=True)


def _backlog(scope: Scope, words: _Words) -> timeseries.Panel:
    about = About(
        f"{words.title}: running, at risk, overdue",
        f"Clocks that run {words.runs}: all, at risk (the overdue among them), and overdue.",
        "short",
        no_value=_none(words),
    )
    panel = coloured(lines(about, _counts(scope), fill=20), "running", "blue")
    coloured(panel, "at risk", WARN)
    return coloured(panel, "overdue", BAD)


def _counts(scope: Scope) -> dict[str, str]:
    return {
        "running": scope.gauge("sla_tickets_waiting"),
        "at risk": scope.gauge("sla_tickets_at_risk"),
        "overdue": scope.gauge("sla_tickets_overdue"),
    }
