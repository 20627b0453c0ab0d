"""Which promise is whose: a policy's channels and rules, worked out for every kind of ticket.

Rules cascade as style sheets do: the more a rule asks of a ticket the more it counts, of equals the
first in the file. Limit and hours are decided apart, so that one rule can set a team's hours and
another its urgent tickets' limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Final, NamedTuple

from monitor.sla.calendar import Calendar
from monitor.sla.events import NEVER
from monitor.sla.policy import ALWAYS, FIELDS, Former, Goal, Past, Policy, Rule, Target

NO_PROMISE: Final = -1

_ANY_OTHER: Final = "\0"
"""Stands for every value that no rule names."""

NOWHERE: Final[tuple[dict[str, int], int]] = ({}, NO_PROMISE)


class Promise(NamedTuple):
    """What a kind of ticket is promised, and the index of the group in whose figures it counts."""

    group: int
    target: Target


class Decision(NamedTuple):
    """What a ticket is promised and why; None stands for the channel's own line."""

    target: Target
    limit_by: Rule | None
    hours_by: Rule | None


def decide(policy: Policy, ticket: Mapping[str, str]) -> Decision:
    """Return the promise to a ticket with these `FIELDS`, and the rules that have decided it."""
    own = policy.channels[ticket["channel"]]
    limit_by = next((rule for rule in ranked(policy, ticket) if rule.limit is not None), None)
    hours_by = next((rule for rule in ranked(policy, ticket) if rule.hours is not None), None)
    calendar = own.calendar
    if hours_by is not None and hours_by.hours is not None:
        calendar = None if hours_by.hours == ALWAYS else policy.calendars[hours_by.hours]
    return Decision(_target(own, limit_by, calendar), limit_by, hours_by)


def ranked(policy: Policy, ticket: Mapping[str, str]) -> list[Rule]:
    """Return the rules that fit a ticket, the one that counts most first."""
    fitting = [rule for rule in policy.rules if rule.fits(ticket)]
    return sorted(fitting, key=lambda rule: -len(rule.when))


def _target(own: Target, rule: Rule | None, calendar: Calendar | None) -> Target:
    if rule is None or rule.limit is None:
        return Target(own.at_risk, own.limit, own.share, own.goals, calendar)
    at_risk = rule.at_risk
    if at_risk is None:
        at_risk = max(1, rule.limit * own.at_risk // own.limit)
    share = own.share if rule.share is None else rule.share
    return Target(at_risk, rule.limit, share, rule.goals, calendar)


class Promises:
    """Every promise that a policy makes, and which of them a ticket has.

    The first of them are the channels' own, one a group in the order of the groups: without rules
    a promise and its group have the same index.
    """

    def __init__(self, policy: Policy, past: Sequence[Past] = ()) -> None:
        self._policy = policy
        own = [
            Promise(index, policy.channels[name]) for index, (name, _) in enumerate(policy.groups)
        ]
        self._own = _by_channel_and_team(policy)
        self.plain = None if policy.rules else self._own
        """By channel the promise to each team and to all others; None where rules decide."""
        self._named = [_named(policy, name) for name in FIELDS]
        self._by_fields: dict[tuple[str, ...], int] = {}
        index: dict[Promise, int] = {promise: number for number, promise in enumerate(own)}
        if policy.rules:
            for fields in product(policy.channels, *map(_or_other, self._named[1:])):
                ticket = dict(zip(FIELDS, fields, strict=True))
                by_team, other = self._own[ticket["channel"]]
                group = by_team.get(ticket["team"], other)
                promise = Promise(group, decide(policy, ticket).target)
                self._by_fields[fields] = index.setdefault(promise, len(index))
        self.all: tuple[Promise, ...] = tuple(index)
        self.since = past[-1].until if past else 0
        """What was created before may have another promise than what is created now."""
        self.changed_at: dict[int, int] = {}
        """By group since when its tickets have the promise that they have now, if that changed."""
        self._formerly: dict[tuple[str, ...], int] = {}
        policies = [policy, *(each.policy for each in past)]
        self._ever_named = [
            frozenset().union(*(_named(each, name) for each in policies)) for name in FIELDS[1:]
        ]
        if past:
            self._look_back(past, index)

    def _look_back(self, past: Sequence[Past], index: dict[Promise, int]) -> None:
        """Work out what tickets are promised that have seen the policy change."""
        for fields in product(self._policy.channels, *map(_or_other, self._ever_named)):
            now = self.all[self.find(*fields)]
            before = _before(past, dict(zip(FIELDS, fields, strict=True)), now.target)
            promise = Promise(now.group, replace(now.target, before=before))
            self._formerly[fields] = index.setdefault(promise, len(index))
            if before:
                at = max(before[-1].until, self.changed_at.get(now.group, 0))
                self.changed_at[now.group] = at
        self.all = tuple(index)

    def find_former(self, channel: str, team: str, priority: str, tier: str) -> int:
        """Return the index of the promise of a ticket that was created before `since`."""
        fields = [channel]
        for value, named in zip((team, priority, tier), self._ever_named, strict=True):
            fields.append(value if value in named else _ANY_OTHER)
        return self._formerly.get(tuple(fields), NO_PROMISE)

    def find(self, channel: str, team: str, priority: str, tier: str) -> int:
        """Return the index of a ticket's promise, -1 for a channel that the policy has not."""
        if self.plain is not None:
            by_team, other = self._own.get(channel, NOWHERE)
            return by_team.get(team, other)
        fields = [channel]
        for value, named in zip((team, priority, tier), self._named[1:], strict=True):
            fields.append(value if value in named else _ANY_OTHER)
        return self._by_fields.get(tuple(fields), NO_PROMISE)


class PromiseByKind(dict[tuple[str, str, str, str], int]):
    """The promises to kinds of tickets, each looked up once; for many tickets at one time."""

    def __init__(self, promises: Promises) -> None:
        self._find = promises.find

    def __missing__(self, kind: tuple[str, str, str, str]) -> int:
        promise = self[kind] = self._find(*kind)
        return promise


def _before(past: Iterable[Past], ticket: Mapping[str, str], now: Target) -> tuple[Former, ...]:
    """Return what such a ticket was promised before, as far as times have changed since."""
    chain = [*(Former(until, _promised(policy, ticket)) for policy, until in past)]
    chain.append(Former(NEVER, now))
    return tuple(one for one, after in pairwise(chain) if _times(one) != _times(after))


def _promised(policy: Policy, ticket: Mapping[str, str]) -> Target | None:
    if policy.rules and ticket["channel"] in policy.channels:
        return decide(policy, ticket).target
    return policy.channels.get(ticket["channel"])


def _times(former: Former) -> tuple[object, ...]:
    """Return all by which a target decides when something becomes true."""
    target = former.target
    if target is None:
        return ()
    goals = [goal.within for goal in target.goals]
    return target.at_risk, target.limit, goals, target.calendar, target.pauses


def by_group(policy: Policy) -> list[tuple[Target, ...]]:
    """Return all that is promised to the tickets of each group, the channel's own target first."""
    found: list[list[Target]] = [[] for _ in policy.groups]
    for promise in Promises(policy).all:
        found[promise.group].append(promise.target)
    return [tuple(targets) for targets in found]


def goals_of(targets: Iterable[Target]) -> tuple[Goal, ...]:
    """Return all goals that are measured, one a time, the shortest first.

    Two promises may ask for other shares within the same time; the first one's is shown.
    """
    goals: dict[int, Goal] = {}
    for target in targets:
        for goal in target.goals:
            goals.setdefault(goal.within, goal)
    return tuple(goals[within] for within in sorted(goals))


def _named(policy: Policy, name: str) -> frozenset[str]:
    """Return the values of a field that make a difference."""
    values = {value for rule in policy.rules for value in rule.when.get(name, ())}
    return frozenset(values | set(policy.teams) if name == "team" else values)


def _or_other(values: frozenset[str]) -> list[str]:
    return [*sorted(values), _ANY_OTHER]


def _by_channel_and_team(policy: Policy) -> dict[str, tuple[dict[str, int], int]]:
    """Return by channel the index of each team's group, and that of all other teams, the last."""
    found: dict[str, tuple[dict[str, int], int]] = {}
    for index, (channel, team) in enumerate(policy.groups):
        by_team, _ = found.get(channel, NOWHERE)
        found[channel] = ({**by_team, team: index}, index)
    return found
