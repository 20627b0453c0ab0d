"""Grafana's dashboards, generated from the policy: `sla-monitor dashboards` writes them.

What differs by channel is written out, so the wall needs no variable to show every channel, its
thresholds are those of the policy, and a channel added there appears by running the command.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from monitor.observability.dashboards.channel import channel
from monitor.observability.dashboards.health import health
from monitor.observability.dashboards.measures import measures
from monitor.observability.dashboards.wall import wall
from monitor.sla.policy import Policy

_BOARDS: Final[Mapping[str, Callable[[Policy, str], Dashboard]]] = {
    "wall.json": wall,
    "channel.json": channel,
    "measures.json": measures,
    "health.json": health,
}


def render(policy: Policy, runbook: str) -> dict[str, str]:
    """Return the dashboards as the text of their files, by name; `runbook` is where it is read."""
    return {name: _text(board(policy, runbook)) for name, board in _BOARDS.items()}


def _text(board: Dashboard) -> str:
    model = json.loads(JSONEncoder().encode(board.build()))
    # The SDK hides every link and annotation in a menu, and has no way to say otherwise.
    for each in (*model["links"], *model["annotations"].get("list", ())):
        each.pop("placement", None)
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
