"""An explanation for people: the answer first, then how it came to be, line by line."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from monitor.cli.explain_clocks import run_name
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import Clock

_WHAT: Final = {Clock.NEXT_REPLY: "the next reply", Clock.RESOLUTION: "a resolution"}

_VERDICTS: Final = {
    "kept": "kept",
    "broken": "broken",
    "left_out": "left out",
    "not_decided": "not decided",
}


def as_text(data: dict[str, Any]) -> str:
    """Return the lines."""
    return "\n".join(_lines(data)) + "\n"


def _lines(data: dict[str, Any]) -> Iterator[str]:
    yield _title(data)
    yield data["verdict"]
    for run in data.get("clocks", ()):
        yield f"{run_name(run['clock'], run['number'])}: {run['verdict']}"
    yield ""
    if "promise" in data:
        yield from _promise("a first reply", data["promise"])
        promises = {run["clock"]: run["promise"] for run in data.get("clocks", ())}
        for clock, promise in promises.items():
            yield from _promise(_WHAT[clock], promise)
        yield ""
    yield from _timeline(data)
    yield ""
    yield from _service_level(data["service_level"])
    if data["rules"]:
        yield ""
        yield from (f"rule {number}: {text}" for number, text in data["rules"].items())


def _title(data: dict[str, Any]) -> str:
    parts = [data["ticket_id"], data.get("channel")]
    parts += [f"{name} {data[name]}" for name in ("team", "priority") if data.get(name)]
    return f"{' · '.join(filter(None, parts))}   (as of {data['as_of']})"


def _promise(what: str, promise: dict[str, Any]) -> Iterator[str]:
    limit = _span(promise["limit_seconds"])
    yield (
        f"Promised: {what} within {limit}, to {100 * promise['share']:g} % of tickets; "
        f"at risk after {_span(promise['at_risk_seconds'])}"
        + (f"; the clock runs in the hours of {promise['hours']}" if promise["hours"] else "")
        + ("; it stands while the customer has to answer" if promise.get("pauses") else "")
    )
    where = f"{promise['file']}:{promise['line']}" if promise["file"] else "the built-in policy"
    yield f"  {where}: {promise['text']}"


def _timeline(data: dict[str, Any]) -> Iterator[str]:
    started = data.get("first_response", {}).get("started_at")
    width = max((len(line["at"]) for line in data["timeline"]), default=0)
    for line in data["timeline"]:
        rules = ", ".join(map(str, line["rules"]))
        policy = f"; {line['policy']}" if "policy" in line else ""
        by = f"  [rule {rules}{policy}]" if rules else ""
        read = f" (read at {line['read_at']})" if "read_at" in line else ""
        named = f" ({line['id']})" if "id" in line else ""
        after = _after(started, line["at"])
        yield f"{line['at']:<{width}}  {after:>14}  {line['says']}{named}{read}{by}"


def _after(started: str | None, at: str) -> str:
    if started is None:
        return ""
    passed = datetime.fromisoformat(at) - datetime.fromisoformat(started)
    seconds = passed.total_seconds()
    sign = "-" if seconds < 0 else "+"
    return sign + " ".join(_span(abs(seconds)).split(" ")[:4])


def _service_level(level: dict[str, Any]) -> Iterator[str]:
    chosen = level["formula"]
    yield f"In the service level: {_VERDICTS[level['by_formula'][chosen]]} (by {chosen})"
    others = (
        f"{name}: {_VERDICTS[verdict]}"
        for name, verdict in level["by_formula"].items()
        if name != chosen
    )
    yield f"  by the other formulas: {', '.join(others)}"


def _span(seconds: float) -> str:
    return format_duration(round(seconds * SECOND))
