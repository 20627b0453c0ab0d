"""What all dashboards have in common: names, variables, links, and how panels find their place."""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    CustomVariable,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableHide,
    VariableOption,
)

from monitor.observability.dashboards.panels import DATASOURCE, Panel
from monitor.sla.policy import OTHER_TEAM, Policy
from monitor.sla.windows import WINDOWS

COLUMNS: Final = 24
_BOARDS: Final = {
    "sla-wall": "Wall",
    "sla-channel": "Channel",
    "sla-measures": "Measures",
    "sla-health": "Monitor health",
}


class Grid:
    """Gives panels their place from left to right, and their numbers."""

    def __init__(self, board: Dashboard) -> None:
        self.board = board
        self._x = self._y = self._height = self._count = 0

    def add(self, panel: Panel, width: int, height: int) -> None:
        """Put a panel to the right of the last one, or below if there is no room."""
        if self._x + width > COLUMNS:
            self.end_row()
        self._count += 1
        self.board.with_panel(
            panel.id(self._count).grid_pos(GridPos(height, width, self._x, self._y))
        )
        self._x += width
        self._height = max(self._height, height)

    def end_row(self) -> None:
        """Go on at the left, below all there is."""
        self._x, self._y, self._height = 0, self._y + self._height, 0


def new_board(uid: str, policy: Policy, runbook: str, *, since: str, description: str) -> Dashboard:
    """Return a dashboard without panels, with its data source, its team variable and links."""
    board = (
        Dashboard(f"SLA: {_BOARDS[uid]}")
        .uid(uid)
        .description(description)
        .tags(["sla-monitor"])
        .readonly()
        .timezone("browser")
        .time(since, "now")
        .refresh("5s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(
            DatasourceVariable(DATASOURCE)
            .label("Prometheus")
            .description("Where the monitor's metrics are kept")
            .type("prometheus")
            .hide(VariableHide.DONT_HIDE)
        )
    )
    for other, title in _BOARDS.items():
        if other != uid:
            board.link(_link(title, f"/d/{other}").include_vars(True).keep_time(True))
    board.link(_link("Runbook", f"{runbook.rstrip('/')}/README.md").target_blank(True).icon("doc"))
    if policy.teams and uid != "sla-health":
        board.with_variable(_team(policy))
    return board


def with_channel(board: Dashboard, policy: Policy) -> None:
    """Let the reader choose one channel."""
    board.with_variable(
        _choice("channel", "Channel", "The channel that is shown", list(policy.channels))
    )


def with_window(board: Dashboard, chosen: str) -> None:
    """Let the reader choose the sliding window of service levels and quantiles."""
    text = "How far back service level and quantiles look"
    board.with_variable(_choice("window", "Window", text, list(WINDOWS), chosen))


def _team(policy: Policy) -> CustomVariable:
    return (
        _choice("team", "Team", "All teams together, or some", [*policy.teams, OTHER_TEAM])
        .include_all(True)
        .all_value(".*")
        .multi(True)
        .current(VariableOption(True, ["All"], ["$__all"]))
    )


def _choice(
    name: str, label: str, description: str, values: Sequence[str], chosen: str = ""
) -> CustomVariable:
    chosen = chosen or values[0]
    return (
        CustomVariable(name)
        .label(label)
        .description(description)
        .values(",".join(value.replace(",", "\\,") for value in values))
        .options([VariableOption(value == chosen, value, value) for value in values])
        .current(VariableOption(True, chosen, chosen))
        .allow_custom_value(False)
    )


def _link(title: str, url: str) -> DashboardLink:
    return DashboardLink(title).type(DashboardLinkType.LINK).url(url).icon("dashboard")
