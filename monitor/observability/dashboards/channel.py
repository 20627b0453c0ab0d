"""One channel in depth: where the time goes, and who breaks the promise when."""

from grafana_foundation_sdk.builders import heatmap, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitor.observability.dashboards import figures, outcomes
from monitor.observability.dashboards.clocks import add_clocks
from monitor.observability.dashboards.frame import Grid, new_board, with_channel, with_window
from monitor.observability.dashboards.kinds import big, coloured, heat, lines, stepped
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
from monitor.sla.policy import Policy


def channel(policy: Policy, runbook: str) -> Dashboard:
    """Return the dashboard of the channel that the reader chooses."""
    board = new_board(
        "sla-channel",
        policy,
        runbook,
        since="now-6h",
        description="One channel: how long customers wait for a first reply, measured against "
        "what is promised, and how the backlog flows.",
    )
    with_channel(board, policy)
    with_window(board, "1h")
    scope = Scope(policy, "$channel")
    board.annotation(outcomes.breaches(scope))
    grid = Grid(board)
    for panel in (
        figures.state(scope, "$channel now", ""),
        _countdown(scope),
        _wait(scope),
        _level(scope),
        figures.backlog(scope, "Backlog"),
        _promise(scope),
    ):
        grid.add(panel, 4, 4)
    for chart in (_latency(scope), _quantiles(scope), _flow(scope), _waiting(scope)):
        grid.add(chart, 12, 9)
    grid.add(outcomes.rescued(scope), 8, 8)
    grid.add(outcomes.told(scope), 8, 8)
    grid.add(outcomes.levels(scope), 8, 8)
    grid.add(outcomes.formulas(scope), 24, 10)
    add_clocks(grid, scope)
    return board


def _countdown(scope: Scope) -> stat.Panel:
    return figures.countdown(scope, "Next deadline", ((None, PLAIN),))


def _wait(scope: Scope) -> stat.Panel:
    about = About(
        "Longest wait",
        "How long the oldest waiting ticket has waited; red once its limit has passed.",
        "dthms",
        words={"nan": (NOBODY_WAITS, PLAIN)},
    )
    queries = {"waits": scope.longest_wait(), "limit": scope.target("limit")}
    panel = big(about, queries, named=False)
    return outcomes.red_from(panel, "B", "limit")


def _level(scope: Scope) -> stat.Panel:
    about = About(
        "Answered in time, last $window",
        "Share of decided tickets that were answered within the limit in the chosen window, and "
        "the share that is promised.",
        "percentunit",
        words={"nan": (NOTHING_DECIDED, PLAIN)},
        no_value=NOTHING_DECIDED,
    )
    queries = {"answered in time": scope.service_level("$window"), "promised": scope.share()}
    return big(about, queries).decimals(0)


def _promise(scope: Scope) -> stat.Panel:
    about = About(
        "Promised",
        "A ticket is at risk when it has waited longer than the first, and has broken its "
        "promise when it has waited longer than the second.",
        "dthms",
    )
    queries = {"at risk after": scope.target("at_risk"), "limit": scope.target("limit")}
    panel = stepped(big(about, queries), "at risk after", ((None, WARN),))
    return stepped(panel, "limit", ((None, BAD),))


def _latency(scope: Scope) -> heatmap.Panel:
    about = About(
        "First responses by how long the customer had waited",
        "How many first responses fell into each span of waiting time. At-risk threshold and "
        "limit are edges between rows (the panel beside draws them as lines). Late corrections "
        "are not taken off.",
        "s",
        no_value="no first response in this time",
    )
    bucket = scope.series("sla_first_response_seconds_bucket")
    return heat(about, f"sum by (le) (increase({bucket}[$__rate_interval]))")


def _quantiles(scope: Scope) -> timeseries.Panel:
    about = About(
        "Waiting time to the first response, last $window, against the promise",
        "Half and nine tenths of the first responses in the chosen window came within this time; "
        "the highest of all hosts and teams. Dashed: at-risk threshold and limit.",
        "s",
        no_value="no first response in this window",
    )
    queries = {
        "quantile {{quantile}}": scope.quantile("$window"),
        "at risk after": scope.target("at_risk"),
        "limit": scope.target("limit"),
    }
    panel = lines(about, queries, fill=0)
    coloured(panel, "at risk after", WARN, dashed=True)
    return coloured(panel, "limit", BAD, dashed=True)


def _flow(scope: Scope) -> timeseries.Panel:
    about = About(
        "Backlog flow",
        "Tickets a minute that came, that got their first response, and that were closed without "
        "one: where the first is above the others together, the backlog grows.",
        "cpm",
        no_value="nothing happened",
    )
    name = "sla_ticket_events_total"
    queries = {
        "created": scope.per_minute(name, kind="created"),
        "answered": scope.per_minute(name, kind="answered"),
        "closed unanswered": scope.per_minute(name, kind="closed"),
    }
    panel = coloured(lines(about, queries), "created", PLAIN)
    coloured(panel, "answered", GOOD)
    return coloured(panel, "closed unanswered", "purple")


def _waiting(scope: Scope) -> timeseries.Panel:
    about = About(
        "Backlog",
        "Tickets with no first response: all, at risk (the overdue among them), and overdue.",
        "short",
    )
    queries = {
        "waiting": scope.gauge("sla_tickets_waiting"),
        "at risk": scope.gauge("sla_tickets_at_risk"),
        "overdue": scope.gauge("sla_tickets_overdue"),
    }
    panel = coloured(lines(about, queries, fill=20), "waiting", "blue")
    coloured(panel, "at risk", WARN)
    return coloured(panel, "overdue", BAD)
