"""`policy explain`: what a ticket is promised, which line says so, and until when."""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import click
import msgspec

from monitor.cli import options
from monitor.errors import UsageError
from monitor.sla.calendar import Calendar
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import ALWAYS, FIELDS, OTHER_TEAM, Policy, Rule, Target
from monitor.sla.promises import Decision, decide, ranked
from monitor.streaming.codec import Time, UnusableError, micros, rfc3339


class Moment(click.ParamType):
    """A time with its offset; becomes microseconds."""

    name = "time"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the moment."""
        if isinstance(value, int):
            return value
        try:
            return micros(msgspec.convert(value, Time), "it")
        except (msgspec.ValidationError, UnusableError):
            self.fail(f"{value!r} is no time; write it as 2026-01-31T12:00:00Z", param, ctx)


class _Ticket(NamedTuple):
    """A ticket to be explained."""

    fields: dict[str, str]
    created: int


@click.command()
@options.policy_file
@click.option("--channel", required=True, metavar="NAME", help="The ticket's channel.")
@click.option("--team", default="", metavar="NAME", help="Its team.")
@click.option("--priority", default="", metavar="NAME", help="Its priority.")
@click.option("--tier", default="", metavar="NAME", help="The customer's tier.")
@click.option(
    "--at", type=Moment(), metavar="TIME", help="When it is created: now unless told otherwise."
)
@options.as_json
def explain(
    *,
    policy_path: Path | None,
    channel: str,
    team: str,
    priority: str,
    tier: str,
    at: int | None,
    as_json: bool,
) -> None:
    """Say what a ticket would be promised, which line of the policy won and why."""
    policy = options.load_policy(policy_path)
    if channel not in policy.channels:
        known = ", ".join(policy.channels)
        raise UsageError(f'no policy names the channel "{channel}"; the policy has {known}')
    fields = dict(zip(FIELDS, (channel, team, priority, tier), strict=True))
    created = int(time.time()) * SECOND if at is None else at
    ticket = _Ticket(fields, created)
    if as_json:
        click.echo(json.dumps(as_data(policy, ticket.fields, created)))
    else:
        where = "the built-in policy" if policy_path is None else str(policy_path)
        click.echo("\n".join(_lines(policy, ticket, where)))


def as_data(policy: Policy, ticket: dict[str, str], created: int) -> dict[str, Any]:
    """Return the answer for programs."""
    target, limit_by, hours_by = decide(policy, ticket)
    calendar = target.calendar
    own = policy.lines.get(ticket["channel"])
    at_risk_at, due_at = target.thresholds(created)
    return {
        "ticket": {name: value for name, value in ticket.items() if value},
        "limit_seconds": target.limit / SECOND,
        "at_risk_seconds": target.at_risk / SECOND,
        "share": target.share,
        "targets": [
            {"within_seconds": goal.within / SECOND, "share": goal.share} for goal in target.goals
        ],
        "limit_line": own if limit_by is None else limit_by.line,
        "hours": ALWAYS if calendar is None else calendar.name,
        "hours_line": own if hours_by is None else hours_by.line,
        "fitting_lines": [rule.line for rule in ranked(policy, ticket)],
        "figures": dict(zip(("channel", "team"), _group(policy, ticket), strict=True)),
        "created_at": rfc3339(created),
        "at_risk_at": rfc3339(at_risk_at),
        "due_at": rfc3339(due_at),
        "clocks": {
            clock: {
                "limit_seconds": other.limit / SECOND,
                "at_risk_seconds": other.at_risk / SECOND,
            }
            for clock, promises in policy.clocks.items()
            if (other := promises.channels.get(ticket["channel"])) is not None
        },
        "open": calendar is None or calendar.is_open(created),
        "opens_at": rfc3339(created if calendar is None else calendar.next_opening(created)),
    }


def _group(policy: Policy, ticket: dict[str, str]) -> tuple[str, str]:
    return policy.group(ticket["channel"], ticket["team"])


def _lines(policy: Policy, ticket: _Ticket, where: str) -> Iterator[str]:
    fields, created = ticket
    decision = decide(policy, fields)
    target = decision.target
    rest = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
    yield f"A ticket with {rest}, by {where}:"
    yield ""
    yield f"  promise   {_promise(target)}"
    yield f"            {_by(policy, fields, decision.limit_by, 'limit or targets')}"
    yield f"  at risk   after {format_duration(target.at_risk)}"
    yield f"  hours     {_hours(target.calendar)}"
    if target.calendar is not None or decision.hours_by is not None:
        yield f"            {_by(policy, fields, decision.hours_by, 'hours')}"
    yield from _also(policy, fields, decision)
    if policy.teams:
        team = _group(policy, fields)[1]
        other = " (every team that the policy does not list)" if team == OTHER_TEAM else ""
        yield f"  figures   under team {team}{other}"
    for clock, promises in policy.clocks.items():
        beside = promises.channels.get(fields["channel"])
        if beside is not None:
            yield f"  {_also_promised(clock, beside)}"
    yield ""
    yield f"Created {_shown(created, target.calendar)}:"
    yield from _deadlines(target, created)


def _also_promised(clock: str, target: Target) -> str:
    """Say what another clock promises; rules are about the first response only."""
    hours = "" if target.calendar is None else f", in {target.calendar.name} hours"
    pause = ", paused while waiting for the customer" if target.pauses else ""
    at_risk = format_duration(target.at_risk)
    name = clock.replace("_", " ")
    return f"{name:12}{_promise(target)}; at risk after {at_risk}{hours}{pause}"


def _promise(target: Target) -> str:
    pairs = [(goal.share, goal.within) for goal in target.goals] or [(target.share, target.limit)]
    shown = [f"{round(100 * share, 6):g} % within {format_duration(time)}" for share, time in pairs]
    more = "; the last decides what is at risk and breached" if target.goals else ""
    return f"{', '.join(shown)}{more}"


def _by(policy: Policy, ticket: dict[str, str], rule: Rule | None, what: str) -> str:
    """Say which line won, and why."""
    if rule is None:
        line = policy.lines.get(ticket["channel"], 0)
        own = "by the channel's own line" + (f", line {line}" if line else "")
        return f"{own}: no rule for such tickets says its {what}" if policy.rules else own
    asked = " and ".join(name for name in FIELDS if name in rule.when)
    said = "hours" if what == "hours" else "limit"
    rivals = [one for one in ranked(policy, ticket) if getattr(one, said) is not None]
    equals = [one for one in rivals if len(one.when) == len(rule.when) and one is not rule]
    tie = f"; line {equals[0].line} asks as much and stands below" if equals else ""
    most = ", most of those that fit" if len(rivals) > 1 else ""
    return f"by the rule on line {rule.line}: it asks for {asked}{most}{tie}"


def _also(policy: Policy, ticket: dict[str, str], decision: Decision) -> Iterator[str]:
    """List the rules that fit and did not win anything."""
    won = decision.limit_by, decision.hours_by
    lost = [rule.line for rule in ranked(policy, ticket) if rule not in won]
    if lost:
        yield f"  outdone   the rule{'s' if len(lost) > 1 else ''} on {_numbers(lost)}"


def _numbers(lines: Sequence[int]) -> str:
    return f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"


def _hours(calendar: Calendar | None) -> str:
    if calendar is None:
        return "always: the clock never stops"
    from monitor.sla.policy_calendars import dump_calendar  # noqa: PLC0415 - YAML

    return f"{calendar.name} {dump_calendar(calendar)}"


def _deadlines(target: Target, created: int) -> Iterator[str]:
    calendar = target.calendar
    if calendar is not None and not calendar.is_open(created):
        opening = calendar.next_opening(created)
        yield (
            f"  closed    opens in {format_duration(opening - created)}, "
            f"{_shown(opening, calendar)}"
        )
    at_risk_at, due_at = target.thresholds(created)
    yield f"  at risk   after {_shown(at_risk_at, calendar)}"
    for goal in target.goals[:-1]:
        at = target.after(created, goal.within)
        yield f"  {format_duration(goal.within):9} ends {_shown(at, calendar)}"
    yield f"  breached  after {_shown(due_at, calendar)}"


def _shown(at: int, calendar: Calendar | None) -> str:
    """Return a moment in UTC, and on the wall of the team that keeps the hours."""
    if calendar is None:
        return rfc3339(at)
    local = datetime.fromtimestamp(at // SECOND, ZoneInfo(calendar.zone))
    return f"{rfc3339(at)} ({local:%a %Y-%m-%d %H:%M:%S} {calendar.zone})"
