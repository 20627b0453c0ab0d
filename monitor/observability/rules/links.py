"""Where an alert leads: to its runbook and to the dashboard that shows it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

RUNBOOK: Final = "docs/runbook"
"""Where the runbook is when nobody says: a path in the repository."""

DASHBOARD: Final = "http://localhost:3000"

_CHANNEL_BOARD: Final = "sla-channel"
_HEALTH_BOARD: Final = "sla-health"


@dataclass(frozen=True, slots=True)
class Links:
    """The beginnings of all addresses."""

    runbook: str = RUNBOOK
    dashboard: str = DASHBOARD

    def to_runbook(self, alert: str) -> str:
        """Return the address of an alert's page."""
        return f"{self.runbook.rstrip('/')}/{alert}.md"

    def to_channel(self, channel: str, *, teams: bool) -> str:
        """Return the address of a channel's dashboard, at the alert's own team."""
        team = "&var-team={{ $labels.team | urlquery }}" if teams else ""
        return f"{self._board(_CHANNEL_BOARD)}?var-channel={quote(channel, safe='')}{team}"

    def to_health(self) -> str:
        """Return the address of the dashboard of the monitor itself."""
        return self._board(_HEALTH_BOARD)

    def _board(self, uid: str) -> str:
        return f"{self.dashboard.rstrip('/')}/d/{uid}"
