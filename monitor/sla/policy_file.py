"""The text of a policy file to a Policy and back, with the line and the way out of each mistake."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Final

from monitor.errors import PolicyError
from monitor.sla.durations import EXAMPLES, format_duration, parse_duration, quoted, short_duration
from monitor.sla.policy import (
    BACKLOG_AGES,
    EXPIRES_AFTER,
    OTHER_TEAM,
    SATISFIED_FROM,
    SHORT_ABANDON,
    Formula,
    Policy,
    Target,
)
from monitor.sla.policy_nodes import Place, Problems, read_yaml

_FILE_EXAMPLE: Final = {
    "channels": "a line for each channel, such as chat: {at_risk: 90s, limit: 2m}",
    "formula": ", ".join(Formula),
    "teams": "a list of names, such as [billing, technical]",
    "short_abandon": "5s",
    "satisfied_from": "4, the least csat score of a satisfied customer",
    "backlog": "a list of ages, such as [1h, 8h, 24h]",
}
_TARGET_EXAMPLE: Final = {"at_risk": "80% or 90s", "limit": EXAMPLES, "share": "90%"}
"""The keys of the file and of a channel, and what to write there."""

_CHANNEL_EXAMPLE: Final = "{at_risk: 80%, limit: 2m}"
_DEFAULT_AT_RISK: Final = "80%"
_DEFAULT_SHARE: Final = 0.9
_LONGEST_NAME: Final = 64
_DECIMAL: Final = re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


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
    channels: dict[str, Target] = {}
    lines: dict[str, int] = {}
    if "channels" in fields:
        channels, lines = _channels(fields["channels"])
    else:
        root.refuse(f"has no channels; write channels: and {_FILE_EXAMPLE['channels']}")
    if formula is None or short_abandon is None or satisfied_from is None:
        return None
    return Policy(channels, formula, teams, short_abandon, satisfied_from, ages, lines)


def _channels(place: Place) -> tuple[dict[str, Target], dict[str, int]]:
    """Return each channel's target, and the line on which it stands."""
    entries = place.entries(_FILE_EXAMPLE["channels"])
    if entries is not None and not place.node.value:
        place.refuse(f"names no channel; write {_FILE_EXAMPLE['channels']}")
    channels = {}
    for channel, below in (entries or {}).items():
        try:
            _name(channel)
        except ValueError as error:
            below.refuse(str(error))
        target = _target(below)
        if target is not None:
            channels[channel] = target
    return channels, {channel: below.line for channel, below in (entries or {}).items()}


def _target(place: Place) -> Target | None:
    fields = place.fields(tuple(_TARGET_EXAMPLE), _CHANNEL_EXAMPLE)
    if fields is None:
        return None
    limit = at_risk = None
    if "limit" in fields:
        limit = fields["limit"].scalar(_limit, _TARGET_EXAMPLE["limit"])
    else:
        place.refuse(f"limit is missing; write {_CHANNEL_EXAMPLE}")
    most = limit or EXPIRES_AFTER  # a wrong limit hides no other mistake
    if "at_risk" in fields:
        at_risk = fields["at_risk"].scalar(
            lambda text: _at_risk(text, most), _TARGET_EXAMPLE["at_risk"]
        )
    else:
        at_risk = _at_risk(_DEFAULT_AT_RISK, most)
    share: float | None = _DEFAULT_SHARE
    if "share" in fields:
        share = fields["share"].scalar(_share, _TARGET_EXAMPLE["share"])
    return Target(at_risk, limit, share) if at_risk and limit and share else None


def _limit(text: str) -> int:
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
    if _DECIMAL.fullmatch(text):
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
    if not text.endswith("%") and _DECIMAL.fullmatch(text):
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
    if number == text or not _DECIMAL.fullmatch(number):
        raise ValueError(
            f"{quoted(text)} is not a percentage; write a number up to 100 and %, as 80%"
        )
    percentage = Decimal(number)
    if percentage > 100:  # noqa: PLR2004
        raise ValueError(f"{quoted(text)} is over 100 %; write less, as 80%")
    return percentage / 100


def _formula(text: str) -> Formula:
    try:
        return Formula(text)
    except ValueError:
        meant = get_close_matches(text, list(Formula), n=1)
        way_out = f"did you mean {meant[0]}?" if meant else f"write one of {', '.join(Formula)}"
        raise ValueError(f"{quoted(text)} is no formula; {way_out}") from None


def _score(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
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
    age = _limit(text)
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
    return _name(text)


def _name(text: str) -> str:
    """Return a name that makes a good label, to be read, typed and told from others."""
    if not text.strip():
        raise ValueError("a name is empty; write one, such as chat or billing")
    if len(text) > _LONGEST_NAME:
        raise ValueError(
            f"the name has {len(text)} characters; write one of at most {_LONGEST_NAME}"
        )
    for character in text:
        if character not in " -_./" and unicodedata.category(character)[0] not in "LMN":
            raise ValueError(
                f"the name has the character {quoted(character)}; "
                "write letters, digits, spaces and - _ . / only"
            )
    if text != text.strip():
        raise ValueError("the name begins or ends with a space; write it without")
    return text


def dump_policy(policy: Policy) -> str:
    """Return a file that reads back as the same policy."""
    lines = ["channels:"]
    lines += [f"  {_key(name)}: {_flow(target)}" for name, target in policy.channels.items()]
    lines.append(f"formula: {policy.formula}")
    if policy.satisfied_from != SATISFIED_FROM:
        lines.append(f"satisfied_from: {Decimal(repr(policy.satisfied_from)).normalize():f}")
    if policy.backlog_ages != BACKLOG_AGES:
        lines.append(f"backlog: [{', '.join(map(short_duration, policy.backlog_ages))}]")
    if policy.short_abandon != SHORT_ABANDON:
        lines.append(f"short_abandon: {short_duration(policy.short_abandon)}")
    if policy.teams:
        lines.append(f"teams: [{', '.join(map(_key, policy.teams))}]")
    return "\n".join(lines) + "\n"


def _flow(target: Target) -> str:
    share = f"{(Decimal(repr(target.share)) * 100).normalize():f}%"
    at_risk, limit = short_duration(target.at_risk), short_duration(target.limit)
    return f"{{at_risk: {at_risk}, limit: {limit}, share: {share}}}"


def _key(name: str) -> str:
    """Return a name as YAML: quoted where it could be read as something else."""
    return name if _PLAIN.fullmatch(name) and name.lower() != "null" else f'"{name}"'
