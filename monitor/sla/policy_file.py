"""The text of a policy file to a Policy and back, with the line and the way out of each mistake."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from monitor.errors import PolicyError
from monitor.sla.durations import parse_duration, quoted, short_duration
from monitor.sla.policy import (
    BACKLOG_AGES,
    OTHER_TEAM,
    SATISFIED_FROM,
    SHORT_ABANDON,
    Clock,
    Formula,
    Policy,
    Rule,
    Target,
)
from monitor.sla.policy_calendars import EXAMPLE as CALENDAR
from monitor.sla.policy_calendars import calendars, dump_calendar
from monitor.sla.policy_nodes import Place, Problems, plain_name, read_yaml
from monitor.sla.policy_targets import (
    CLOCKS,
    DECIMAL,
    RULE_EXAMPLE,
    Calendars,
    Lined,
    channel_targets,
    dump_rule,
    dump_target,
    is_too_long,
    key,
    read_limit,
    rule,
    too_long,
)
from monitor.sla.promises import by_group

_FILE_EXAMPLE: Final = {
    "channels": "a line for each channel, such as chat: {at_risk: 90s, limit: 2m}",
    "formula": ", ".join(Formula),
    "teams": "a list of names, such as [billing, technical]",
    "calendars": f"business hours by name, such as office: {CALENDAR}",
    "rules": f"a list, such as - {RULE_EXAMPLE}",
    "short_abandon": "5s",
    "satisfied_from": "4, the least csat score of a satisfied customer",
    "backlog": "a list of ages, such as [1h, 8h, 24h]",
}
"""The keys of the file, and what to write there."""


def parse_policy(text: str, name: str = "policy.yaml") -> Policy:
    """Return the policy the file asks for; PolicyError has a line for each thing wrong with it."""
    problems: Problems = []
    root = read_yaml(text, problems)
    policy = _policy(root) if root else None
    if policy is None or problems:
        problems.sort(key=lambda problem: problem[0])
        raise PolicyError("\n".join(f"{name}:{line}: {reason}" for line, reason in problems))
    return policy


def _policy(root: Place) -> Policy | None:
    fields = root.fields(tuple(_FILE_EXAMPLE), _FILE_EXAMPLE["channels"])
    if fields is None:
        return None
    formula: Formula | None = Formula.ABANDON_IGNORED
    if "formula" in fields:
        formula = fields["formula"].scalar(_formula, _FILE_EXAMPLE["formula"])
    short_abandon: int | None = SHORT_ABANDON
    if "short_abandon" in fields:
        short_abandon = fields["short_abandon"].scalar(
            parse_duration, _FILE_EXAMPLE["short_abandon"]
        )
    satisfied_from: float | None = SATISFIED_FROM
    if "satisfied_from" in fields:
        satisfied_from = fields["satisfied_from"].scalar(_score, _FILE_EXAMPLE["satisfied_from"])
    ages = _ages(fields["backlog"]) if "backlog" in fields else BACKLOG_AGES
    teams = _teams(fields["teams"]) if "teams" in fields else ()
    hours: Calendars = calendars(fields["calendars"]) if "calendars" in fields else {}
    channels: dict[str, dict[str, Lined]] = {}
    if "channels" in fields:
        channels = _channels(fields["channels"], hours)
    else:
        root.refuse(f"has no channels; write channels: and {_FILE_EXAMPLE['channels']}")
    rules = _rules(fields["rules"], channels, hours) if "rules" in fields else ()
    if formula is None or short_abandon is None or satisfied_from is None or root.problems:
        return None
    targets, lines = _of_clock(Clock.FIRST_RESPONSE, channels)
    policy = Policy(
        targets,
        formula,
        teams,
        {name: calendar for name, calendar in hours.items() if calendar is not None},
        rules,
        {
            clock: Policy(targets, formula, teams, lines=lines)
            for clock in CLOCKS
            for targets, lines in [_of_clock(clock, channels)]
            if targets
        },
        lines=lines,
        short_abandon=short_abandon,
        satisfied_from=satisfied_from,
        backlog_ages=ages,
    )
    _hold_promises(policy, root)
    return policy


def _rules(place: Place, channels: Collection[str], hours: Calendars) -> tuple[Rule, ...]:
    rules: list[Rule] = []
    for part in place.items(_FILE_EXAMPLE["rules"]):
        found = rule(part, channels, hours)
        if found is not None:
            for before in rules:
                same_limit = found.limit is not None and before.limit is not None
                same_hours = found.hours is not None and before.hours is not None
                if found.when == before.when and (same_limit or same_hours):
                    part.refuse(f"asks the same as the rule on line {before.line}; keep one")
            rules.append(found)
    return tuple(rules)


def _hold_promises(policy: Policy, root: Place) -> None:
    """Refuse limits that end up with hours in which a ticket would expire before them."""
    for group, targets in zip(policy.groups, by_group(policy), strict=True):
        for target in targets:
            calendar = target.calendar
            if calendar is not None and is_too_long(target.limit, calendar):
                root.problems.append(
                    (
                        policy.lines[group[0]],
                        f"channels.{group[0]}: {too_long(target.limit, calendar)}",
                    )
                )


def _of_clock(
    clock: Clock, channels: Mapping[str, Mapping[str, Lined]]
) -> tuple[dict[str, Target], dict[str, int]]:
    """Return the targets of a clock by channel, and their lines."""
    found = {name: lined[clock] for name, lined in channels.items() if clock in lined}
    targets = {name: target for name, (target, _) in found.items()}
    return targets, {name: line for name, (_, line) in found.items()}


def _channels(place: Place, hours: Calendars) -> dict[str, dict[str, Lined]]:
    """Return the channels' targets by name and clock, and the line of each."""
    entries = place.entries(_FILE_EXAMPLE["channels"])
    if entries is not None and not place.node.value:
        place.refuse(f"names no channel; write {_FILE_EXAMPLE['channels']}")
    channels = {}
    for channel, below in (entries or {}).items():
        try:
            plain_name(channel)
        except ValueError as error:
            below.refuse(str(error))
        targets = channel_targets(below, hours)
        if targets is not None:
            channels[channel] = targets
    return channels


def _formula(text: str) -> Formula:
    try:
        return Formula(text)
    except ValueError:
        meant = get_close_matches(text, list(Formula), n=1)
        way_out = f"did you mean {meant[0]}?" if meant else f"write one of {', '.join(Formula)}"
        raise ValueError(f"{quoted(text)} is no formula; {way_out}") from None


def _score(text: str) -> float:
    if not DECIMAL.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a score; write a number, as 4")
    return float(text)


def _ages(place: Place) -> tuple[int, ...]:
    ages: list[int] = []
    for item in place.items(_FILE_EXAMPLE["backlog"]):
        age = item.scalar(lambda text: _age(text, ages), "an age, such as 8h")
        if age is not None:
            ages.append(age)
    return tuple(ages)


def _age(text: str, before: Sequence[int]) -> int:
    age = read_limit(text)
    if before and age <= before[-1]:
        raise ValueError(f"{quoted(text)} is not more than the one before it; list them in order")
    return age


def _teams(place: Place) -> tuple[str, ...]:
    teams: dict[str, None] = {}
    for item in place.items(_FILE_EXAMPLE["teams"]):
        team = item.scalar(lambda text: _team(text, teams), "a name, such as billing")
        if team is not None:
            teams[team] = None
    return tuple(teams)


def _team(text: str, before: Collection[str]) -> str:
    if text == OTHER_TEAM:
        raise ValueError(
            f"{quoted(text)} is the name for all teams not listed here; leave it out or rename it"
        )
    if text in before:
        raise ValueError(f"{quoted(text)} is listed twice; keep one of them")
    return plain_name(text)


def dump_policy(policy: Policy) -> str:
    """Return a file that reads back as the same policy."""
    lines = []
    if policy.calendars:
        lines.append("calendars:")
        lines += [
            f"  {key(name)}: {dump_calendar(calendar)}"
            for name, calendar in policy.calendars.items()
        ]
    lines.append("channels:")
    for name, target in policy.channels.items():
        clocks = {
            clock: each.channels[name]
            for clock, each in policy.clocks.items()
            if name in each.channels
        }
        lines.append(f"  {key(name)}: {dump_target(target, clocks)}")
    if policy.rules:
        lines.append("rules:")
        lines += [f"  - {dump_rule(rule)}" for rule in policy.rules]
    lines.append(f"formula: {policy.formula}")
    if policy.satisfied_from != SATISFIED_FROM:
        lines.append(f"satisfied_from: {Decimal(repr(policy.satisfied_from)).normalize():f}")
    if policy.backlog_ages != BACKLOG_AGES:
        lines.append(f"backlog: [{', '.join(map(short_duration, policy.backlog_ages))}]")
    if policy.short_abandon != SHORT_ABANDON:
        lines.append(f"short_abandon: {short_duration(policy.short_abandon)}")
    if policy.teams:
        lines.append(f"teams: [{', '.join(map(key, policy.teams))}]")
    return "\n".join(lines) + "\n"
