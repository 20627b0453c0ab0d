"""The summary as tables for people; what comes from outside cannot steer the terminal."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monitor.cli.tail_lines import printable
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND

_STATES: Final = {
    "live": ("live", "green"),
    "behind": ("behind", "yellow"),
    "broker_away": ("the broker does not answer", "bold red"),
}
_RIGHT: Final = (
    *("waiting", "at risk", "overdue", "level 5m", "1h", "24h"),
    *("p50 1h", "p90 1h", "oldest", "next due"),
)


def tables(value: dict[str, Any]) -> RenderableType:
    """Return what is shown of a summary."""
    if not value["parts"]:
        return Group(_head(value), Text("no monitor has told anything for a minute", "bold red"))
    return Group(_head(value), Text(), _channels(value), Text(), _hosts(value))


def _head(value: dict[str, Any]) -> Text:
    state, style = _STATES.get(value["state"], (value["state"], "default"))
    head = Text.assemble(
        (state, style),
        f"  {value['partitions_caught_up']} of {value['partitions']} partitions have read all",
        f", {value['lag_records']} records to be read",
    )
    if value["unserved"]:
        head.append(f"\nnobody serves: {ranges(value['unserved'])}", "bold red")
    return head


def _channels(value: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    has_teams = any(channel["team"] for channel in value["channels"])
    table.add_column("channel")
    if has_teams:
        table.add_column("team")
    for name in _RIGHT:
        table.add_column(name, justify="right")
    for channel in value["channels"]:
        names = [printable(channel["channel"])]
        if has_teams:
            names.append(printable(channel["team"]))
        table.add_row(*map(Text, names), *_figures(channel, value["now"]))
    return table


def _figures(channel: dict[str, Any], now: float) -> list[Text]:
    target, windows = channel["target"]["ratio"], channel["windows"]
    oldest, due = channel["oldest_waiting"], channel["next_deadline"]
    return [
        Text(str(channel["waiting"])),
        _alarming(channel["at_risk"], "yellow"),
        _alarming(channel["overdue"], "bold red"),
        *(_level(windows[name]["service_level_ratio"], target) for name in ("5m", "1h", "24h")),
        *(Text(_span(windows["1h"][name])) for name in ("p50_seconds", "p90_seconds")),
        Text(_span(None if oldest is None else now - oldest)),
        Text("" if due is None else f"in {_span(due - now)}"),
    ]


def _alarming(count: int, style: str) -> Text:
    return Text(str(count), style if count else "dim")


def _level(ratio: float | None, target: float) -> Text:
    if ratio is None:
        return Text("-", "dim")
    return Text(f"{100 * ratio:.1f} %", "green" if ratio >= target else "red")


def _span(seconds: float | None) -> str:
    """Return a duration; what is short with tenths."""
    if seconds is None:
        return "-"
    seconds = max(0.0, seconds)
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return format_duration(int(seconds) * SECOND)


def _hosts(value: dict[str, Any]) -> Table:
    """List who serves what; a host of which nothing was heard for long is said to be gone."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("host", "partitions", "last heard of"):
        table.add_column(name)
    parts = sorted(value["parts"], key=lambda part: (part["host"], not part["served"]))
    for key in dict.fromkeys((part["host"], part["served"]) for part in parts):
        mine = [part for part in parts if (part["host"], part["served"]) == key]
        ages = [part["age_seconds"] for part in mine]
        host, served = key
        heard = f"{_ages(ages)} ago" if served else f"{_ages(ages)} ago: gone"
        style = "" if served else "bold red"
        numbers = ranges(part["partition"] for part in mine)
        table.add_row(*(Text(text, style) for text in (printable(host), numbers, heard)))
    return table


def _ages(ages: Sequence[float]) -> str:
    least, most = _span(min(ages)), _span(max(ages))
    return least if least == most else f"{least} to {most}"


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as 0-3, 7."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
