"""What differs between two policies, for people: the files, the sums, and the tickets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click

from monitor.cli.policy_diff import SHOWN, Found, Hour, by_channel
from monitor.cli.tail_lines import printable
from monitor.sla.events import SECOND
from monitor.sla.fates import Difference, Fate
from monitor.sla.policy import Clock

_COLUMNS: Final = {
    "changed": "differ",
    "newly_at_risk": "+at risk",
    "no_longer_at_risk": "-at risk",
    "newly_breached": "+breached",
    "no_longer_breached": "-breached",
    "deadline": "deadline",
}
_LESS_USUAL: Final = {"only_old": "OLD only", "only_new": "NEW only"}
_MATTERS: Final = {"newly_breached": 0, "no_longer_breached": 0, "only_old": 0, "only_new": 0}
_TOLD: Final = ("newly_at_risk", "no_longer_at_risk", "verdict")


def as_text(found: Found, hours: Sequence[Hour]) -> None:
    """Print it."""
    for change in found.changes or ["the policies say the same"]:
        click.echo(printable(change))
    sums = by_channel(found.differences)
    columns = _columns(sums.values())
    rows = [
        [
            printable(name),
            f"{found.tickets.get(name, 0):,}",
            *_cells(sums.get(name, Counter()), columns),
            f"{_percent(old)} -> {_percent(new)}",
        ]
        for name, (old, new) in found.levels.items()
        if name in found.tickets
    ]
    _table(["channel", "tickets", *columns.values(), "service level"], rows)
    click.echo("+ only under NEW, - only under OLD; deadline: at risk or due at another time")
    if not found.differences:
        click.echo("\nno ticket fares differently")
        return
    _show_hours(hours, columns)
    _show_tickets(found.differences)


def _show_hours(hours: Sequence[Hour], columns: Mapping[str, str]) -> None:
    """Print the hours in which most differs, in their order."""
    most = sorted(hours, key=lambda hour: (-_weight(hour.counts), hour.begin))[:SHOWN]
    rows = [
        [hour.begin[:16].replace("T", " "), printable(hour.channel), *_cells(hour.counts, columns)]
        for hour in sorted(most)
    ]
    _table(["hour created", "channel", *columns.values()], rows)
    _and_more(len(hours) - len(rows), "hours in which less differs")


def _show_tickets(differences: Sequence[Difference]) -> None:
    """Print the tickets for which most differs, the earliest first."""
    first = sorted(differences, key=lambda each: (_rank(each), each.one.created, each.name))
    rows = [
        [
            _ticket(each),
            printable(each.one.channel),
            _time(each.one.created),
            _fate(each.old),
            _fate(each.new),
        ]
        for each in first[:SHOWN]
    ]
    _table(["ticket", "channel", "created (UTC)", "due and told under OLD", "under NEW"], rows)
    _and_more(len(differences) - len(rows), "tickets")


def _rank(difference: Difference) -> int:
    """Return how much a difference matters: breached or not, told or not, or only its deadline."""
    changes = set(difference.changes())
    if changes & _MATTERS.keys():
        return 0
    return 1 if changes.intersection(_TOLD) else 2


def _weight(counts: Counter[str]) -> int:
    told = sum(counts[name] for name in (*_MATTERS, *_TOLD))
    return 1_000_000 * told + counts["changed"]


def _columns(sums: Iterable[Counter[str]]) -> dict[str, str]:
    """Return which columns are shown: some things are different in few policies only."""
    total: Counter[str] = Counter()
    for counts in sums:
        total.update(counts)
    return {**_COLUMNS, **{name: text for name, text in _LESS_USUAL.items() if total[name]}}


def _cells(counts: Counter[str], columns: Iterable[str]) -> list[str]:
    return [f"{counts[name]:,}" if counts[name] else "-" for name in columns]


def _ticket(difference: Difference) -> str:
    ticket_id, clock, number = difference.name
    if clock == Clock.FIRST_RESPONSE:
        return printable(ticket_id)
    return f"{printable(ticket_id)} {clock.replace('_', ' ')} {number or ''}".strip()


def _fate(found: Fate | None) -> str:
    if found is None:
        return "counts for nothing"
    told = ", ".join(kind.name.lower().replace("_", " ") for kind, _ in found.told)
    return f"{_time(found.due_at)}  {told or 'nothing told'}"


def _time(at: int) -> str:
    try:
        return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "never"


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.1%}"


def _and_more(count: int, of_what: str) -> None:
    if count > 0:
        click.echo(f"... and {count:,} more {of_what}; --json has all")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table after an empty line; what is counted stands at the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    click.echo()
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if name in _COUNTED else cell.ljust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())


_COUNTED: Final = {"tickets", *_COLUMNS.values(), *_LESS_USUAL.values()}
