"""The promises of a policy file: a channel's target or a rule, to values and back."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from difflib import get_close_matches
from functools import partial
from typing import Final, NamedTuple

from monitor.sla.calendar import WEEK, Calendar
from monitor.sla.durations import EXAMPLES, format_duration, parse_duration, quoted, short_duration
from monitor.sla.policy import ALWAYS, EXPIRES_AFTER, FIELDS, Clock, Goal, Rule, Target
from monitor.sla.policy_nodes import Place

CHANNEL_EXAMPLE: Final = "{at_risk: 80%, limit: 2m}"
RULE_EXAMPLE: Final = "{when: {channel: chat, priority: high}, limit: 1m}"

_EXAMPLES: Final = {
    "at_risk": "80% or 90s",
    "limit": EXAMPLES,
    "share": "90%",
    "targets": "[50% within 2h, 100% within 24h]",
    "hours": "the name of a calendar, or always",
}
"""The keys of a promise, and what to write there."""

_CLOCK_EXAMPLE: Final = "{limit: 8h}"
CLOCKS: Final = (Clock.NEXT_REPLY, Clock.RESOLUTION)
"""The clocks that a channel may have promises of beside its first response."""

WAITING_FOR_CUSTOMER: Final = "waiting_for_customer"

_WHEN_EXAMPLE: Final = "{channel: chat, priority: high}"
_GOAL_EXAMPLE: Final = "50% within 2h"
_DEFAULT_AT_RISK: Final = "80%"
_DEFAULT_SHARE: Final = 0.9
DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_GOAL: Final = re.compile(r"(.*\S)\s+within\s+(\S.*)")


Calendars = Mapping[str, Calendar | None]
"""Calendars by name, None for one that is wrong itself."""


class _Said(NamedTuple):
    """What a line says of a promise; None is not said."""

    limit: int | None = None
    at_risk: int | None = None
    share: float | None = None
    goals: tuple[Goal, ...] = ()
    hours: str | None = None


Lined = tuple[Target, int]
"""A promise, and the line that makes it."""


def channel_targets(place: Place, calendars: Calendars) -> dict[str, Lined] | None:
    """Return what a channel's line promises by clock, or note what is wrong with it."""
    fields = place.fields((*_EXAMPLES, *CLOCKS), CHANNEL_EXAMPLE)
    if fields is None:
        return None
    target = _target(place, fields, calendars)
    found = {} if target is None else {Clock.FIRST_RESPONSE.value: (target, place.line)}
    for clock in CLOCKS:
        if clock in fields:
            target = _clock_target(fields[clock], clock, calendars)
            if target is not None:
                found[clock] = target, fields[clock].line
    return found if Clock.FIRST_RESPONSE in found else None


def _clock_target(place: Place, clock: Clock, calendars: Calendars) -> Target | None:
    pauses = clock is Clock.RESOLUTION
    fields = place.fields((*_EXAMPLES, *(("pause",) if pauses else ())), _CLOCK_EXAMPLE)
    if fields is None:
        return None
    target = _target(place, fields, calendars)
    if "pause" in fields:
        fields["pause"].scalar(_pause, WAITING_FOR_CUSTOMER)
    return target and replace(target, pauses="pause" in fields)


def _pause(text: str) -> str:
    if text != WAITING_FOR_CUSTOMER:
        raise ValueError(f"{quoted(text)} stops no clock; write {WAITING_FOR_CUSTOMER}")
    return text


def _target(place: Place, fields: Mapping[str, Place], calendars: Calendars) -> Target | None:
    if "limit" not in fields and "targets" not in fields:
        place.refuse(f"limit is missing; write {CHANNEL_EXAMPLE}")
    said = _said(place, fields, calendars)
    at_risk = said.at_risk
    if "at_risk" not in fields:
        at_risk = _at_risk(_DEFAULT_AT_RISK, said.limit or EXPIRES_AFTER)
    share = said.share if "share" in fields or "targets" in fields else _DEFAULT_SHARE
    if not (at_risk and said.limit and share):
        return None
    calendar = calendars.get(said.hours or ALWAYS)
    return Target(at_risk, said.limit, share, said.goals, calendar)


def rule(place: Place, channels: Collection[str], calendars: Calendars) -> Rule | None:
    """Return what a rule says, or note what is wrong with it."""
    fields = place.fields(("when", *_EXAMPLES), RULE_EXAMPLE)
    if fields is None:
        return None
    when: dict[str, tuple[str, ...]] = {}
    if "when" in fields:
        when = _when(fields["when"], channels)
    else:
        place.refuse(f"when is missing: whose rule is it; write {RULE_EXAMPLE}")
    if not fields.keys() & {"limit", "targets", "hours"}:
        place.refuse(f"says neither limit nor targets nor hours; write {RULE_EXAMPLE}")
    for key in ("at_risk", "share"):
        if key in fields and not fields.keys() & {"limit", "targets"}:
            fields[key].refuse("goes with a limit; write that here too")
    said = _said(place, fields, calendars)
    if not when or (said.limit is None and said.hours is None):
        return None
    return Rule(when, *said, line=place.line)


def _said(place: Place, fields: Mapping[str, Place], calendars: Calendars) -> _Said:
    limit = at_risk = share = hours = None
    goals: tuple[Goal, ...] = ()
    if "targets" in fields:
        goals = _goals(fields["targets"])
        if goals:
            limit, share = goals[-1].within, goals[-1].share
        for key in ("limit", "share"):
            if key in fields:
                fields[key].refuse("stands beside targets, whose last one it is; keep one of them")
    elif "limit" in fields:
        limit = fields["limit"].scalar(read_limit, _EXAMPLES["limit"])
    most = limit or EXPIRES_AFTER  # a wrong limit hides no other mistake
    if "at_risk" in fields:
        at_risk = fields["at_risk"].scalar(lambda text: _at_risk(text, most), _EXAMPLES["at_risk"])
    if "share" in fields and "targets" not in fields:
        share = fields["share"].scalar(_share, _EXAMPLES["share"])
    if "hours" in fields:
        hours = fields["hours"].scalar(lambda text: _hours(text, calendars), _EXAMPLES["hours"])
    calendar = calendars.get(hours or ALWAYS)
    if calendar is not None and limit is not None and is_too_long(limit, calendar):
        place.refuse(too_long(limit, calendar))
    return _Said(limit, at_risk, share, goals if len(goals) > 1 else (), hours)


def is_too_long(limit: int, calendar: Calendar) -> bool:
    """Tell whether a usual ticket expires before so much time is open."""
    return limit * WEEK >= EXPIRES_AFTER * calendar.open_a_week


def too_long(limit: int, calendar: Calendar) -> str:
    """Return what to do about that."""
    most = EXPIRES_AFTER * calendar.open_a_week // WEEK
    return (
        f"a limit of {format_duration(limit)} takes the hours of {calendar.name} longer than "
        f"{format_duration(EXPIRES_AFTER)}, and a ticket expires then; write less than "
        f"{short_duration(most // 60_000_000 * 60_000_000)}, or more hours"
    )


def _goals(place: Place) -> tuple[Goal, ...]:
    goals: list[Goal] = []
    for part in place.items(_EXAMPLES["targets"]):
        goal = part.scalar(lambda text: _goal(text, goals), _GOAL_EXAMPLE)
        if goal is not None:
            goals.append(goal)
    if not place.node.value:
        place.refuse(f"names no target; write {_EXAMPLES['targets']}")
    return tuple(goals)


def _goal(text: str, before: list[Goal]) -> Goal:
    matched = _GOAL.fullmatch(text.strip())
    if matched is None:
        raise ValueError(f"{quoted(text)} is no target; write {_GOAL_EXAMPLE}")
    goal = Goal(read_limit(matched[2]), _share(matched[1]))
    if before and goal.within <= before[-1].within:
        raise ValueError(f"{quoted(text)} has no more time than the one before; go up")
    if before and goal.share <= before[-1].share:
        raise ValueError(
            f"{quoted(text)} asks for no more than the one before, in more time; "
            "leave it out, or ask for a greater share"
        )
    return goal


def _when(place: Place, channels: Collection[str]) -> dict[str, tuple[str, ...]]:
    fields = place.fields(FIELDS, _WHEN_EXAMPLE)
    found: dict[str, tuple[str, ...]] = {}
    for key, below in (fields or {}).items():
        values: dict[str, None] = {}
        for part in below.parts("a value or a list of them, such as [high, urgent]"):
            text = part.scalar(partial(_value, before=values), "a value, such as high")
            if text is not None:
                values[text] = None
                if key == "channel" and text not in channels:
                    part.refuse(_no_channel(text, channels))
        if values:
            found[key] = tuple(values)
    if fields is not None and not place.node.value:
        place.refuse(f"asks nothing of a ticket; write {_WHEN_EXAMPLE}")
    return found


def _value(text: str, before: Collection[str]) -> str:
    if not text.strip():
        raise ValueError("a value is empty; write one, such as high")
    if text in before:
        raise ValueError(f"{quoted(text)} is listed twice; keep one of them")
    return text


def _no_channel(text: str, channels: Collection[str]) -> str:
    meant = get_close_matches(text, channels, n=1)
    way_out = f"did you mean {meant[0]}?" if meant else f"the channels are {', '.join(channels)}"
    return f"{quoted(text)} is no channel of this policy; {way_out}"


def _hours(text: str, calendars: Collection[str]) -> str:
    if text != ALWAYS and text not in calendars:
        meant = get_close_matches(text, [*calendars, ALWAYS], n=1)
        way_out = f"did you mean {meant[0]}?" if meant else f"write {_EXAMPLES['hours']}"
        raise ValueError(f"{quoted(text)} is no calendar of this policy; {way_out}")
    return text


def read_limit(text: str) -> int:
    """Return a time as microseconds; ValueError for none at all, and for a ticket's whole life."""
    limit = parse_duration(text)
    if limit == 0:
        raise ValueError(f"{quoted(text)} is no time at all; write {EXAMPLES}")
    if limit >= EXPIRES_AFTER:
        expiry = format_duration(EXPIRES_AFTER)
        raise ValueError(
            f"{quoted(text)} is too long: a ticket expires after {expiry}; write less, such as 24h"
        )
    return limit


def _at_risk(text: str, limit: int) -> int:
    if DECIMAL.fullmatch(text):
        raise ValueError(f"{quoted(text)} has no unit; write 80% or 90s")
    at_risk = int(limit * _percentage(text)) if text.endswith("%") else parse_duration(text)
    if at_risk == 0:
        raise ValueError(f"{quoted(text)} is no time at all; write 80% or 90s")
    if at_risk >= limit:
        raise ValueError(
            f"{quoted(text)} is not below the limit of {format_duration(limit)}; "
            f"write {_DEFAULT_AT_RISK} or less than {short_duration(limit)}"
        )
    return at_risk


def _share(text: str) -> float:
    if not text.endswith("%") and DECIMAL.fullmatch(text):
        share = Decimal(text)
        if share > 1:
            raise ValueError(f"{quoted(text)} is more than all of 1; write 90% or 0.9")
    else:
        share = _percentage(text)
    if not float(share):
        raise ValueError(f"{quoted(text)} asks for no answer at all; write 90% or 0.9")
    return float(share)


def _percentage(text: str) -> Decimal:
    number = text.removesuffix("%").rstrip()
    if number == text or not DECIMAL.fullmatch(number):
        raise ValueError(
            f"{quoted(text)} is not a percentage; write a number up to 100 and %, as 80%"
        )
    percentage = Decimal(number)
    if percentage > 100:  # noqa: PLR2004
        raise ValueError(f"{quoted(text)} is over 100 %; write less, as 80%")
    return percentage / 100


def dump_target(target: Target, clocks: Mapping[str, Target]) -> str:
    """Return a channel's promise and those of its other clocks as they stand in a policy file."""
    others = {name: _flow(_fields(each)) for name, each in clocks.items()}
    return _flow({**_fields(target), **others})


def _fields(target: Target) -> dict[str, str]:
    hours = "" if target.calendar is None else target.calendar.name
    found = _promise(target.at_risk, target.limit, target.share, target.goals, hours)
    return {**found, "pause": WAITING_FOR_CUSTOMER} if target.pauses else found


def dump_rule(rule: Rule) -> str:
    """Return a rule as it stands in a policy file."""
    when = {
        name: key(values[0]) if len(values) == 1 else f"[{', '.join(map(key, values))}]"
        for name, values in rule.when.items()
    }
    said = _promise(rule.at_risk, rule.limit, rule.share, rule.goals, rule.hours or "")
    return _flow({"when": _flow(when), **said})


def _promise(
    at_risk: int | None,
    limit: int | None,
    share: float | None,
    goals: tuple[Goal, ...],
    hours: str,
) -> dict[str, str]:
    found = {}
    if at_risk is not None:
        found["at_risk"] = short_duration(at_risk)
    if goals:
        shown = ", ".join(f"{_percent(g.share)} within {short_duration(g.within)}" for g in goals)
        found["targets"] = f"[{shown}]"
    elif limit is not None:
        found["limit"] = short_duration(limit)
    if share is not None and not goals:
        found["share"] = _percent(share)
    if hours:
        found["hours"] = key(hours)
    return found


def _flow(fields: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{name}: {value}' for name, value in fields.items())}}}"


def _percent(share: float) -> str:
    return f"{(Decimal(repr(share)) * 100).normalize():f}%"


def key(name: str) -> str:
    """Return a name as YAML: quoted where it could be read as something else."""
    plain = _PLAIN.fullmatch(name) and name.lower() != "null"
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
