"""How good the forecasts of a backtest were, for people and for pipes."""

from collections.abc import Mapping
from typing import Any, Final

import click

from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.forecasts import Forecasts
from monitor.sla.policy import Policy
from monitor.sla.scores import BINS

NAMES: Final = {
    "likely_late": "likely late",
    "at_risk": "at risk",
    "share_of_misses": "misses so far",
    "threshold": "at risk, by share",
    "queue": "queue alone",
}


def forecast_quality(policy: Policy, forecasts: Forecasts) -> dict[str, Any]:
    """Return by channel, of those for which there were forecasts, how good they were."""
    found: dict[str, Any] = {}
    for channel, scores in forecasts.scores().items():
        if not sum(scores["likely_late"].forecasts):
            continue
        limit = policy.channels[channel].limit
        rows = [
            None if row is None else {key: round(value, 6) for key, value in row._asdict().items()}
            for row in scores["likely_late"].reliability()
        ]
        found[channel] = {name: each.figures(limit) for name, each in scores.items()}
        found[channel]["likely_late"]["reliability"] = rows
    return found


def show_quality(quality: Mapping[str, Any]) -> None:
    """Print a table a channel: what warned, and how good that was."""
    if not quality:
        click.echo("\nnobody waited for a forecast")
        return
    for channel, by_name in quality.items():
        _show_warnings(channel, by_name)
        _show_reliability(channel, by_name["likely_late"]["reliability"])


def _show_warnings(channel: str, by_name: Mapping[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed in a pipe of JSON
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"\n{channel}: how good were the warnings?"
    for head in ("warning", "Brier score", "precision", "recall", "lead p50", "lead p10"):
        table.add_column(head, justify="left" if head == "warning" else "right", no_wrap=True)
    for name, figures in by_name.items():
        table.add_row(
            NAMES[name],
            f"{figures['brier_score']:.4f}",
            *(_percent(figures[key]) for key in ("precision_ratio", "recall_ratio")),
            *(_duration(figures[key]) for key in ("lead_p50_seconds", "lead_p10_seconds")),
        )
    Console().print(table)


def _show_reliability(channel: str, rows: list[Mapping[str, float] | None]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, title_justify="left", title_style="bold")
    table.title = f"\n{channel}: what was forecast, and how often it came"
    for head in ("forecast", "how often said", "in the mean", "came true"):
        table.add_column(head, justify="right", no_wrap=True)
    for number, row in enumerate(rows):
        if row is not None:
            table.add_row(
                f"{number / BINS:.0%} to {(number + 1) / BINS:.0%}",
                f"{row['forecasts']:,}",
                _percent(row["mean_chance"]),
                _percent(row["missed_ratio"]),
            )
    Console().print(table)


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1%}"


def _duration(seconds: float | None) -> str:
    return "-" if seconds is None else format_duration(int(seconds) * SECOND)
