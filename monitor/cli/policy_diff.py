"""`policy diff`: a history through two policies, and which tickets fare differently."""

import json
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import click

from monitor.cli import options
from monitor.cli.backtest import Backtest, lines_of
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND
from monitor.sla.fates import COUNTED, NEW, OLD, Comparison, Difference, Fate, Name, fate
from monitor.sla.policy import Clock, Policy
from monitor.sla.policy_changes import policy_changes
from monitor.sla.span_engine import ticket_of
from monitor.sla.tally import Tally
from monitor.sla.ticket import Ticket
from monitor.streaming.codec import kind_name, rfc3339

SHOWN: Final = 20
"""So many tickets and hours are listed for people."""


class Hour(NamedTuple):
    """The tickets created in one hour of one channel that fare differently."""

    begin: str
    channel: str
    counts: Counter[str]


class Found(NamedTuple):
    """What differs between two policies."""

    changes: list[str]
    """Between the files."""
    tickets: Mapping[str, int]
    differences: Sequence[Difference]
    levels: Mapping[str, tuple[float | None, float | None]]
    """Each channel's service level, by the old policy's formula and by the new one's."""


@click.command(name="diff")
@click.argument("old_path", type=click.Path(path_type=Path, dir_okay=False), metavar="OLD")
@click.argument("new_path", type=click.Path(path_type=Path, dir_okay=False), metavar="NEW")
@click.option(
    "--events", "file", required=True, metavar="FILE", help="An event file; - is standard input."
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Whose hours: a name as Europe/Berlin.",
)
@options.as_json
def command(old_path: Path, new_path: Path, file: str, timezone: str, as_json: bool) -> None:
    """Run a history through the policies OLD and NEW; print which tickets fare differently.

    Tickets are summed by channel and by the hour in which they were created. For people the list
    of tickets is cut; --json has all of them.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that goes away ends it quietly
    zone = options.time_zone(timezone)
    policies = options.load_policy(old_path), options.load_policy(new_path)
    found = compare(file, *policies)
    if as_json:
        for part in _json(found, zone):
            click.echo(part, nl=False)
    else:
        from monitor.cli.policy_diff_text import as_text  # noqa: PLC0415 - it needs this

        as_text(found, hours(found.differences, zone))


def compare(file: str, old: Policy, new: Policy) -> Found:
    """Run the file through both, line by line, so that it is read once; raises `InputError`."""
    from monitor.sla.policy_file import dump_policy  # noqa: PLC0415 - YAML

    comparison = Comparison()
    tallies = Tally(old), Tally(new)
    sides = [Backtest(tally.policy, tally) for tally in tallies]
    for side, one in zip((OLD, NEW), sides, strict=True):
        _listen(comparison, side, one.engine)
    for line in lines_of(file):
        for one in sides:
            _exhaust(one.take(file, line))
    for side, one in zip((OLD, NEW), sides, strict=True):
        _exhaust(one.finish())
        for engine, clock in _engines(one.engine):
            for ticket in engine.tickets.values():
                comparison.take(side, _name(ticket, clock), fate(engine, ticket))
    if all(one.lines == one.unusable for one in sides):
        sides[NEW].refuse_useless()
    for name, one in zip(("OLD", "NEW"), sides, strict=True):
        if one.unusable:
            reason = one.first_unusable[0]
            click.echo(f"{one.unusable:,} events cannot be used under {name}: {reason}", err=True)
    comparison.finish()
    text = dump_policy(old), dump_policy(new)
    levels = _levels(*(tally.figures() for tally in tallies))
    return Found(policy_changes(*text), comparison.tickets, comparison.differences, levels)


def _listen(comparison: Comparison, side: int, engine: Engine) -> None:
    """Have each ticket compared when it is forgotten: a long history does not fit into memory."""
    for each, clock in _engines(engine):

        def take(ticket: Ticket, each: Engine = each, clock: str = clock) -> None:
            comparison.take(side, _name(ticket, clock), fate(each, ticket))

        each.on_forgotten = take


def _engines(engine: Engine) -> Iterator[tuple[Engine, str]]:
    yield engine, Clock.FIRST_RESPONSE
    clocks: Mapping[str, Engine] = getattr(engine, "clocks", {})
    for name, each in clocks.items():
        yield each, name


def _name(ticket: Ticket, clock: str) -> Name:
    if clock == Clock.FIRST_RESPONSE:
        return Name(ticket.ticket_id)
    ticket_id, number = ticket_of(ticket.ticket_id)
    return Name(ticket_id, clock, number)


def _exhaust(effects: Iterator[Any]) -> None:
    for _ in effects:
        pass


def _levels(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[float | None, float | None]]:
    ratio = "service_level_ratio"
    return {
        name: (old.get(name, {}).get(ratio), new.get(name, {}).get(ratio))
        for name in dict.fromkeys(chain(old, new))
    }


def hours(differences: Sequence[Difference], zone: ZoneInfo) -> list[Hour]:
    """Sum up what differs by the hour of the creation, and by channel."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for difference in differences:
        one = difference.one
        local = datetime.fromtimestamp(one.created // SECOND, zone)
        begin = local.replace(minute=0, second=0).isoformat(timespec="minutes")
        found.setdefault((begin, one.channel), Counter()).update(counted(difference))
    return [Hour(*name, counts) for name, counts in sorted(found.items())]


def counted(difference: Difference) -> list[str]:
    """Return as what a difference counts; as changed in any case."""
    return ["changed", *difference.changes()]


def by_channel(differences: Sequence[Difference]) -> dict[str, Counter[str]]:
    """Sum up what differs by channel."""
    found: dict[str, Counter[str]] = {}
    for difference in differences:
        found.setdefault(difference.one.channel, Counter()).update(counted(difference))
    return found


def _json(found: Found, zone: ZoneInfo) -> Iterator[str]:
    """Yield one object piece by piece, the tickets a line each: there may be very many."""
    sums = by_channel(found.differences)
    channels = {
        name: {
            "tickets": found.tickets.get(name, 0),
            **_counts(sums.get(name, Counter())),
            "old_service_level_ratio": old,
            "new_service_level_ratio": new,
        }
        for name, (old, new) in found.levels.items()
    }
    by_hour = [
        {"hour": each.begin, "channel": each.channel, **_counts(each.counts)}
        for each in hours(found.differences, zone)
    ]
    head = {"changes": found.changes, "channels": channels, "hours": by_hour}
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "tickets": ['
    between = "\n"
    for difference in found.differences:
        yield between + json.dumps(_ticket(difference), ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in ("changed", *COUNTED)}


def _ticket(difference: Difference) -> dict[str, Any]:
    name, one = difference.name, difference.one
    return {
        "ticket_id": name.ticket_id,
        "clock": name.clock,
        "number": name.number or None,
        "channel": one.channel,
        "team": one.team or None,
        "created_at": rfc3339(one.created),
        "differs": list(difference.changes()),
        "old": _fate(difference.old, name.clock),
        "new": _fate(difference.new, name.clock),
    }


def _fate(found: Fate | None, clock: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "at_risk_at": _moment(found.at_risk_at),
        "due_at": _moment(found.due_at),
        "told": [{"kind": kind_name(clock, kind), "time": rfc3339(at)} for kind, at in found.told],
        "verdict": found.verdict.value,
    }


def _moment(at: int) -> str | None:
    """Return a moment; none where the clock has stopped for good."""
    return None if at > _NO_DATE else rfc3339(at)


_NO_DATE: Final = 2**57
"""Later than any date that is read."""
