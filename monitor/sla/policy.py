"""What is promised: per channel a limit, an at-risk threshold and the share to be kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from monitor.errors import PolicyError
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
class Target:
    """One channel's promise, times in microseconds."""

    at_risk: int
    limit: int
    share: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.at_risk < self.limit:
            raise PolicyError("at_risk must be more than nothing and less than the limit")
        if self.limit >= EXPIRES_AFTER:
            raise PolicyError("limit must be less than 30d: a ticket expires then")
        if not 0 < self.share <= 1:
            raise PolicyError("share must be more than 0 % and at most 100 %")


@dataclass(frozen=True, slots=True)
class Policy:
    """All promises, and how they are counted.

    `teams` are the teams that get figures of their own; every other one counts as "other".
    Without any, figures are per channel only. `short_abandon` is in microseconds.
    """

    channels: Mapping[str, Target]
    formula: Formula = Formula.ABANDON_IGNORED
    teams: tuple[str, ...] = ()
    short_abandon: int = SHORT_ABANDON
    """One closed unanswered after no more than this, and within its limit, left at once."""
    satisfied_from: float = SATISFIED_FROM
    """A survey's answer (csat) from this score on is a satisfied one."""
    backlog_ages: tuple[int, ...] = BACKLOG_AGES
    """Unresolved tickets are counted that are older than each of these, in microseconds."""
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)
    """The line of each channel in the policy's file."""
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
        """Return the same promises with every time multiplied: a demo's day in minutes."""
        return Policy(
            {
                name: Target(int(t.at_risk * factor), int(t.limit * factor), t.share)
                for name, t in self.channels.items()
            },
            self.formula,
            self.teams,
            int(self.short_abandon * factor),
            self.satisfied_from,
            self.backlog_ages,  # they are names too: a dashboard asks for them
        )


DEFAULT_POLICY: Final = Policy(
    {
        "phone": Target(at_risk=120 * SECOND, limit=240 * SECOND),
        "chat": Target(at_risk=90 * SECOND, limit=120 * SECOND),
        "social": Target(at_risk=48 * 60 * SECOND, limit=3600 * SECOND),
        "email": Target(at_risk=69_120 * SECOND, limit=86_400 * SECOND),
    }
)
