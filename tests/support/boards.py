"""The committed and the generated dashboards, and their queries as Prometheus is asked them."""

import json
from typing import NamedTuple

from monitor.cli.dashboards import RUNBOOK
from monitor.observability.dashboards import render
from tests.support.program import ROOT

COMMITTED = ROOT / "grafana" / "dashboards"


class Query(NamedTuple):
    board: str
    panel: str
    expression: str


def boards(policy):
    """Return the dashboards of a policy, by file name."""
    return {name: json.loads(text) for name, text in render(policy, RUNBOOK).items()}


def queries(board_by_name, **variables):
    """Return every query, of panels and of annotations, with its variables filled in."""
    return [
        Query(name, title, filled(target["expr"], **variables))
        for name, board in board_by_name.items()
        for title, target in [
            *((panel["title"], target) for panel in board["panels"] for target in panel["targets"]),
            *((note["name"], note["target"]) for note in board["annotations"].get("list", ())),
        ]
    ]


def filled(expression, *, channel="chat", window="5m", team=".*", interval="1m"):
    values = {"$__rate_interval": interval, "$channel": channel, "$window": window, "$team": team}
    for name, value in values.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression
