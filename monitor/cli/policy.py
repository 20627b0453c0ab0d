"""`policy`: what a policy file says, as the program understands it."""

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from monitor.cli import options
from monitor.cli.policy_diff import command as diff
from monitor.cli.policy_explain import explain
from monitor.errors import PolicyError
from monitor.sla.calendar import Calendar
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import (
    ALWAYS,
    BACKLOG_AGES,
    OTHER_TEAM,
    SATISFIED_FROM,
    SHORT_ABANDON,
    Goal,
    Policy,
    Rule,
    Target,
)


@click.group()
def command() -> None:
    """Check a policy file, show or explain what it promises, or compare it with another."""


command.add_command(explain)
command.add_command(diff)


@command.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="FILE")
@options.as_json
@click.pass_context
def check(ctx: click.Context, path: Path, as_json: bool) -> None:
    """Print the policy of FILE as understood, or what is wrong with it, a line a problem."""
    try:
        policy = options.load_policy(path)
    except PolicyError as error:
        if as_json:
            click.echo(json.dumps({"problems": str(error).splitlines()}))
        else:
            # As they are, without the program's name: editors jump to FILE:LINE.
            click.echo(str(error), err=True)
        ctx.exit(error.exit_code)
    click.echo(json.dumps(as_data(policy)) if as_json else as_text(policy))


@command.command()
@options.policy_file
@options.as_json
def show(policy_path: Path | None, as_json: bool) -> None:
    """Print the policy in force as a policy file: a start for one of your own."""
    from monitor.sla.policy_file import dump_policy  # noqa: PLC0415 - YAML only where it is used

    policy = options.load_policy(policy_path)
    if as_json:
        click.echo(json.dumps(as_data(policy)))
    else:
        click.echo(dump_policy(policy), nl=False)


def as_data(policy: Policy) -> dict[str, Any]:
    """Return a policy for programs, times in seconds."""
    data: dict[str, Any] = {
        "channels": {name: _target_data(target) for name, target in policy.channels.items()},
        "formula": policy.formula.value,
        "teams": list(policy.teams),
    }
    if policy.calendars:
        data["calendars"] = {
            name: {"zone": calendar.zone, "hours": _week_data(calendar), "holidays": _off(calendar)}
            for name, calendar in policy.calendars.items()
        }
    if policy.rules:
        data["rules"] = [_rule_data(rule) for rule in policy.rules]
    if policy.clocks:
        data["clocks"] = {
            clock: {name: _target_data(target) for name, target in each.channels.items()}
            for clock, each in policy.clocks.items()
        }
    if policy.short_abandon != SHORT_ABANDON:
        data["short_abandon_seconds"] = policy.short_abandon / SECOND
    if policy.satisfied_from != SATISFIED_FROM:
        data["satisfied_from"] = policy.satisfied_from
    if policy.backlog_ages != BACKLOG_AGES:
        data["backlog_seconds"] = [age / SECOND for age in policy.backlog_ages]
    return data


def _target_data(target: Target) -> dict[str, Any]:
    data: dict[str, Any] = {
        "at_risk_seconds": target.at_risk / SECOND,
        "limit_seconds": target.limit / SECOND,
        "share": target.share,
    }
    if target.goals:
        data["targets"] = _goals_data(target.goals)
    if target.calendar is not None:
        data["hours"] = target.calendar.name
    if target.pauses:
        data["pause"] = "waiting_for_customer"
    return data


def _goals_data(goals: Sequence[Goal]) -> list[dict[str, float]]:
    return [{"within_seconds": goal.within / SECOND, "share": goal.share} for goal in goals]


def _rule_data(rule: Rule) -> dict[str, Any]:
    """Return a rule with what it says; what it leaves open is not there."""
    said = {
        "limit_seconds": None if rule.limit is None else rule.limit / SECOND,
        "at_risk_seconds": None if rule.at_risk is None else rule.at_risk / SECOND,
        "share": rule.share,
        "targets": _goals_data(rule.goals) or None,
        "hours": rule.hours,
    }
    when = {name: list(values) for name, values in rule.when.items()}
    return {"when": when} | {name: value for name, value in said.items() if value is not None}


def _week_data(calendar: Calendar) -> dict[str, list[list[float]]]:
    """Return the hours of each open day, in seconds since its midnight."""
    from monitor.sla.policy_calendars import DAYS  # noqa: PLC0415 - YAML only where it is used

    return {
        day: [[opens / SECOND, closes / SECOND] for opens, closes in shifts]
        for day, shifts in zip(DAYS, calendar.week, strict=True)
        if shifts
    }


def _off(calendar: Calendar) -> list[str]:
    return list(calendar.days_off) or [str(day) for day in sorted(calendar.holidays)]


def as_text(policy: Policy) -> str:
    """Return a policy for people."""
    teams = f"{', '.join(policy.teams)} and {OTHER_TEAM}" if policy.teams else "not told apart"
    lines = [*_table("channel", policy), *_more(policy)]
    lines += ["", f"formula: {policy.formula}", *_measured(policy)]
    return "\n".join([*lines, f"teams: {teams}"])


def _measured(policy: Policy) -> Iterator[str]:
    """Yield what is measured in another way than unless told."""
    if policy.short_abandon != SHORT_ABANDON:
        yield f"short abandon: up to {format_duration(policy.short_abandon)}"
    if policy.satisfied_from != SATISFIED_FROM:
        yield f"satisfied: a csat score from {policy.satisfied_from:g} on"
    if policy.backlog_ages != BACKLOG_AGES:
        ages = ", ".join(map(format_duration, policy.backlog_ages))
        yield f"backlog: tickets older than {ages}"


def _table(head: str, policy: Policy) -> list[str]:
    """Return the channels' promises, a line each and one for each of a list of targets."""
    targets = policy.channels.values()
    timed = any(target.calendar for target in targets)
    pausing = any(target.pauses for target in targets)
    rows = [[head, "at risk after", "limit", "share", *(["hours"] * timed), *(["pause"] * pausing)]]
    for name, target in policy.channels.items():
        pause = "while waiting for the customer" if target.pauses else ""
        rows.append([name, *_row(target), *([_hours(target)] * timed), *([pause] * pausing)])
        rows += [["", "", format_duration(g.within), _percent(g.share)] for g in target.goals[:-1]]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]


def _row(target: Target) -> tuple[str, str, str]:
    return format_duration(target.at_risk), format_duration(target.limit), _percent(target.share)


def _percent(share: float) -> str:
    return f"{round(100 * share, 6):g} %"


def _hours(target: Target) -> str:
    return ALWAYS if target.calendar is None else target.calendar.name


def _more(policy: Policy) -> Iterator[str]:
    """Yield the other clocks, and rules and calendars as they stand in a file."""
    for clock, each in policy.clocks.items():
        yield ""
        yield from _table(clock.replace("_", " "), each)
    if not (policy.rules or policy.calendars):
        return
    from monitor.sla.policy_calendars import dump_calendar  # noqa: PLC0415 - YAML
    from monitor.sla.policy_targets import dump_rule  # noqa: PLC0415

    if policy.rules:
        yield ""
        yield "rules, the one that asks most of a ticket wins, of equals the first:"
        yield from (f"  {dump_rule(rule)}" for rule in policy.rules)
    if policy.calendars:
        yield ""
        yield "calendars:"
        for name, calendar in policy.calendars.items():
            yield f"  {name}: {dump_calendar(calendar)}"
