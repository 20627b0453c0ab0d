"""`policy`: what a policy file says, as the program understands it."""

import json
from pathlib import Path
from typing import Any

import click

from monitor.cli import options
from monitor.errors import PolicyError
from monitor.sla.durations import format_duration
from monitor.sla.events import SECOND
from monitor.sla.policy import BACKLOG_AGES, OTHER_TEAM, SATISFIED_FROM, SHORT_ABANDON, Policy


@click.group()
def command() -> None:
    """Check a policy file, or show the policy in force."""


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
        "channels": {
            name: {
                "at_risk_seconds": target.at_risk / SECOND,
                "limit_seconds": target.limit / SECOND,
                "share": target.share,
            }
            for name, target in policy.channels.items()
        },
        "formula": policy.formula.value,
        "teams": list(policy.teams),
    }
    if policy.short_abandon != SHORT_ABANDON:
        data["short_abandon_seconds"] = policy.short_abandon / SECOND
    if policy.satisfied_from != SATISFIED_FROM:
        data["satisfied_from"] = policy.satisfied_from
    if policy.backlog_ages != BACKLOG_AGES:
        data["backlog_seconds"] = [age / SECOND for age in policy.backlog_ages]
    return data


def as_text(policy: Policy) -> str:
    """Return a policy for people."""
    rows = [("channel", "at risk after", "limit", "share")]
    rows += [
        (
            name,
            format_duration(target.at_risk),
            format_duration(target.limit),
            f"{round(100 * target.share, 6):g} %",
        )
        for name, target in policy.channels.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    teams = f"{', '.join(policy.teams)} and {OTHER_TEAM}" if policy.teams else "not told apart"
    lines += ["", f"formula: {policy.formula}"]
    if policy.short_abandon != SHORT_ABANDON:
        lines.append(f"short abandon: up to {format_duration(policy.short_abandon)}")
    if policy.satisfied_from != SATISFIED_FROM:
        lines.append(f"satisfied: a csat score from {policy.satisfied_from:g} on")
    if policy.backlog_ages != BACKLOG_AGES:
        ages = ", ".join(map(format_duration, policy.backlog_ages))
        lines.append(f"backlog: tickets older than {ages}")
    return "\n".join([*lines, f"teams: {teams}"])
