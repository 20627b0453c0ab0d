"""The wall: read from six metres, so few words, large, and a column for every channel."""

from typing import Final
from urllib.parse import quote

from grafana_foundation_sdk.builders import bargauge, stat
from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink

from monitor.observability.dashboards import figures
from monitor.observability.dashboards.frame import COLUMNS, Grid, new_board, with_window
from monitor.observability.dashboards.kinds import bar, big
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    NOBODY_WAITS,
    ON_GOOD,
    ON_UNKNOWN,
    PLAIN,
    WARN,
    About,
)
from monitor.observability.dashboards.promql import CAUGHT_UP, Scope
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import Policy, Target

MOST_COLUMNS: Final = 6
"""More channels than that go on below: a narrower column cannot be read from afar."""


def wall(policy: Policy, runbook: str) -> Dashboard:
    """Return the wall's dashboard."""
    board = new_board(
        "sla-wall",
        policy,
        runbook,
        since="now-1h",
        description="Who waits too long, now: one column a channel. Best on a television, with "
        "?kiosk at the end of its address.",
    )
    with_window(board, "1h")
    grid = Grid(board)
    for panel in (_currency(), _first_deadline(policy), *_totals(policy)):
        grid.add(panel, COLUMNS // 4, 3)
    names = list(policy.channels)
    for first in range(0, len(names), MOST_COLUMNS):
        _columns(grid, policy, names[first : first + MOST_COLUMNS])
    return board


def _columns(grid: Grid, policy: Policy, names: list[str]) -> None:
    width = COLUMNS // len(names)
    scopes = [(Scope(policy, name), policy.channels[name]) for name in names]
    for make, height in _ROWS:
        grid.end_row()
        for scope, target in scopes:
            grid.add(make(scope, target), width, height)
    grid.end_row()


def _name(scope: Scope, target: Target) -> stat.Panel:
    del target
    return figures.name(scope)


def _state(scope: Scope, target: Target) -> stat.Panel:
    promise = (
        f"First reply promised within {format_duration(target.limit)}, "
        f"at risk after {format_duration(target.at_risk)}."
    )
    link = DashboardLink(f"{scope.channel} in detail").url(
        f"/d/sla-channel?var-channel={quote(scope.channel, safe='')}&${{__url_time_range}}"
    )
    return figures.state(scope, f"{scope.channel}: now", promise).data_links([link])


def _countdown(scope: Scope, target: Target) -> stat.Panel:
    # A ticket is at risk while less than this is left.
    margin = (target.limit - target.at_risk) / SECOND
    steps = ((None, WARN), (margin, GOOD))
    return figures.countdown(scope, f"{scope.channel}: next deadline", steps)


def _wait(scope: Scope, target: Target) -> bargauge.Panel:
    at_risk, limit = target.at_risk / SECOND, target.limit / SECOND
    about = About(
        f"{scope.channel}: longest wait",
        f"How long the oldest waiting ticket has waited; the bar is full at the limit of "
        f"{format_duration(target.limit)}.",
        "dthms",
        steps=((None, GOOD), (at_risk, WARN), (limit, BAD)),
        words={"nan": (NOBODY_WAITS, PLAIN)},
    )
    return bar(about, {"waits": scope.longest_wait()}, most=limit)


def _level(scope: Scope, target: Target) -> stat.Panel:
    title = f"{scope.channel}: answered in time, last $window (promised {target.share:.0%})"
    return figures.service_level(scope, title, ((None, BAD), (target.share, GOOD)))


def _backlog(scope: Scope, target: Target) -> stat.Panel:
    del target
    return figures.backlog(scope, f"{scope.channel}: backlog")


def _currency() -> stat.Panel:
    about = About(
        "These figures are",
        "Whether the monitor has read all there is. While it catches up, figures are those of the "
        "time that it has reached.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words={"0": ("STALE", ON_UNKNOWN), "1": ("CURRENT", ON_GOOD)},
    )
    link = DashboardLink("Monitor health").url("/d/sla-health?${__url_time_range}")
    return big(about, {"caught up": CAUGHT_UP}, solid=True).data_links([link])


def _first_deadline(policy: Policy) -> stat.Panel:
    deadline = Scope(policy).series("sla_next_deadline_timestamp_seconds")
    about = About(
        "First deadline of all",
        "Time left until the nearest limit of any waiting ticket passes, and its channel.",
        "dthms",
        no_value=NOBODY_WAITS,
        steps=((None, PLAIN),),
    )
    first = f"clamp_min(bottomk(1, (min by (channel) ({deadline}) > 0) - time()), 0)"
    return big(about, {"{{channel}}": first}, named=True)


def _totals(policy: Policy) -> tuple[stat.Panel, stat.Panel]:
    waiting, overdue = (
        f"sum({Scope(policy).series(f'sla_tickets_{name}')})" for name in ("waiting", "overdue")
    )
    return (
        big(
            About("Waiting in all", "Tickets with no first response, all channels.", "short"),
            {"waiting": waiting},
        ),
        big(
            About(
                "Overdue in all",
                "Tickets waiting longer than their limit, all channels.",
                "short",
                steps=((None, GOOD), (1, BAD)),
            ),
            {"overdue": overdue},
        ),
    )


_ROWS: Final = (
    (_name, 2),
    (_state, 5),
    (_countdown, 5),
    (_wait, 3),
    (_level, 5),
    (_backlog, 5),
)
"""What a column shows, and how high: with the row above, a television's 1080 lines are full."""
