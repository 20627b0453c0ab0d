"""What is promised: per channel a limit, an at-risk threshold and the share to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from monitor.errors import PolicyError
from monitor.sla.calendar import Calendar
from monitor.sla.events import DAY, SECOND

EXPIRES_AFTER: Final = 30 * DAY
"""A ticket waiting this long is given up (DESIGN 3.7), in microseconds."""

REMEMBERED_FOR: Final = DAY
"""What is over is kept this long after it was last heard of: the longest window."""

SHORT_ABANDON: Final = 5 * SECOND
"""What call centres usually take for a short abandon, unless the policy says otherwise."""

SATISFIED_FROM: Final = 4.0
"""Of the usual five points the upper two."""

BACKLOG_AGES: Final = (3600 * SECOND, 8 * 3600 * SECOND, DAY, 3 * DAY, 7 * DAY)

OTHER_TEAM: Final = "other"
"""The label of every team that the policy does not name: label values stay bounded."""


class Formula(StrEnum):
    """How the trade computes a service level; A answered, B abandoned, t within the limit.

    s is within `Policy.short_abandon`: who hangs up at once gave nobody a chance to answer.
    """

    ABANDON_IGNORED = "abandon_ignored"
    """At / (A + B - Bt): a customer who left before the limit is left out."""
    ANSWERED_ONLY = "answered_only"
    """At / A."""
    ABANDON_NEGATIVE = "abandon_negative"
    """At / (A + B): every abandoned ticket is a miss."""
    ABANDON_POSITIVE = "abandon_positive"
    """(At + Bt) / (A + B): one abandoned before the limit is a success."""
    SHORT_EXCLUDED = "short_excluded"
    """At / (A + B - Bs): only who left at once is left out, whoever waited longer is a miss."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A share of tickets to be answered within a time, in microseconds."""

    within: int
    share: float


class Former(NamedTuple):
    """What was promised until the policy changed, and when it did, in microseconds."""

    until: int
    target: "Target | None"
    """None where the channel promised nothing then."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is promised to a ticket, times in microseconds of the clock that `calendar` lets run.

    Where a contract lists several goals, limit and share are those of the last: it decides what is
    at risk, breached and met. The others are measured beside it.
    """

    at_risk: int
    limit: int
    share: float = 0.9
    goals: tuple[Goal, ...] = ()
    """All of a list of goals, the shortest time first; empty where there is only the limit."""
    calendar: Calendar | None = None
    """When the clock runs; always without one."""
    pauses: bool = False
    """Of a resolution: its clock stops while the customer has to answer."""
    before: tuple[Former, ...] = ()
    """What a ticket was promised before this, the earliest first, if it has seen other policies.

    At each moment that which is in force counts: what had been passed by a change stays passed.
    """

    def __post_init__(self) -> None:
        if not 0 < self.at_risk < self.limit:
            raise PolicyError("at_risk must be more than nothing and less than the limit")
        if self.limit >= EXPIRES_AFTER:
            raise PolicyError("limit must be less than 30d: a ticket expires then")
        if not 0 < self.share <= 1:
            raise PolicyError("share must be more than 0 % and at most 100 %")
        if self.goals and self.goals[-1] != Goal(self.limit, self.share):
            raise PolicyError("limit and share must be those of the last goal")
        for goal, later in pairwise(self.goals):
            if not 0 < goal.within < later.within or not 0 < goal.share < later.share:
                raise PolicyError("each goal must have more time and a greater share than the last")

    def after(self, created: int, span: int) -> int:
        """Return the last moment by which the clock has run no longer than a span."""
        return created + span if self.calendar is None else self.calendar.due(created, span)

    def thresholds(self, created: int) -> tuple[int, int]:
        """Return after which moments a ticket is at risk, and breached."""
        if self.calendar is None:
            return created + self.at_risk, created + self.limit
        return self.after(created, self.at_risk), self.after(created, self.limit)

    def at(self, moment: int) -> "Target":
        """Return what was promised at a moment."""
        if not self.before:
            return self
        known = (target for until, target in self.before if moment < until)
        return next((target for target in known if target is not None), self)

    def elapsed(self, start: int, end: int) -> int:
        """Return for how long the clock ran between two moments, the later one last."""
        return end - start if self.calendar is None else self.calendar.elapsed(start, end)

    def scaled(self, factor: float) -> "Target":
        """Return the same promise with every time multiplied."""
        goals = tuple(replace(goal, within=int(goal.within * factor)) for goal in self.goals)
        at_risk, limit = int(self.at_risk * factor), int(self.limit * factor)
        return replace(self, at_risk=at_risk, limit=limit, goals=goals)


class Clock(StrEnum):
    """What of a ticket a promise is about."""

    FIRST_RESPONSE = "first_response"
    """From the creation to the first human reply."""
    NEXT_REPLY = "next_reply"
    """From what the customer writes after that to the next human reply, as often as it happens."""
    RESOLUTION = "resolution"
    """From the creation to the close."""


FIELDS: Final = ("channel", "team", "priority", "tier")
"""What a rule may ask of a ticket."""

ALWAYS: Final = "always"
"""The hours of a clock that never stops."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Another promise, or other hours, for the tickets that fit; the most specific rule wins.

    What a rule leaves open is decided by the next one that fits, in the end by the channel's line.
    """

    when: Mapping[str, tuple[str, ...]]
    """What a ticket's fields must be, each one of the values."""
    limit: int | None = None
    at_risk: int | None = None
    """Without one the channel's, in proportion to its limit."""
    share: float | None = None
    """Without one the channel's."""
    goals: tuple[Goal, ...] = ()
    hours: str | None = None
    """The name of a calendar, or always."""
    line: int = field(default=0, compare=False)
    """Where it stands in its file."""

    def fits(self, ticket: Mapping[str, str]) -> bool:
        """Tell whether it is meant for tickets with these fields."""
        return all(ticket[name] in values for name, values in self.when.items())


@dataclass(frozen=True, slots=True)
class Policy:
    """All promises, and how they are counted.

    `teams` are the teams that get figures of their own; every other one counts as "other".
    Without any, figures are per channel only. `short_abandon` is in microseconds.
    """

    channels: Mapping[str, Target]
    formula: Formula = Formula.ABANDON_IGNORED
    teams: tuple[str, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    """Business hours by name."""
    rules: tuple[Rule, ...] = ()
    """Of two that are as specific, the first wins."""
    clocks: "Mapping[str, Policy]" = field(default_factory=dict)
    """By the name of each `Clock` asked for its own promises: a policy without rules and clocks."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """The line of each channel in the policy's file."""
    short_abandon: int = SHORT_ABANDON
    """One closed unanswered after no more than this, and within its limit, left at once."""
    satisfied_from: float = SATISFIED_FROM
    """A survey's answer (csat) from this score on is a satisfied one."""
    backlog_ages: tuple[int, ...] = BACKLOG_AGES
    """Unresolved tickets are counted that are older than each of these, in microseconds."""
    groups: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)
    """Every (channel, team) that has figures, in the order in which they are shown."""

    def __post_init__(self) -> None:
        teams = (*self.teams, OTHER_TEAM) if self.teams else ("",)
        groups = tuple((channel, team) for channel in self.channels for team in teams)
        object.__setattr__(self, "groups", groups)

    def group(self, channel: str, team: str) -> tuple[str, str]:
        """Return the group in whose figures a ticket counts."""
        if not self.teams:
            return channel, ""
        return channel, team if team in self.teams else OTHER_TEAM

    def scaled(self, factor: float) -> "Policy":
        """Return the same promises with every time multiplied: a demo's day in minutes.

        Hours of the day stay what they are, and so do rules: nobody plays with those.
        """
        channels = {name: target.scaled(factor) for name, target in self.channels.items()}
        clocks = {name: promises.scaled(factor) for name, promises in self.clocks.items()}
        short = int(self.short_abandon * factor)
        return replace(self, channels=channels, clocks=clocks, short_abandon=short)


class Past(NamedTuple):
    """A policy that was in force until a moment, in microseconds."""

    policy: Policy
    until: int

    def of_clock(self, name: str) -> "Past":
        """Return what it promised of another clock, which may be nothing."""
        return Past(self.policy.clocks.get(name, Policy({})), self.until)


DEFAULT_POLICY: Final = Policy(
    {
        "phone": Target(at_risk=120 * SECOND, limit=240 * SECOND),
        "chat": Target(at_risk=90 * SECOND, limit=120 * SECOND),
        "social": Target(at_risk=48 * 60 * SECOND, limit=3600 * SECOND),
        "email": Target(at_risk=69_120 * SECOND, limit=86_400 * SECOND),
    }
)
