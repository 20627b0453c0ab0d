"""Pieces of sentences and of PromQL that several alerts share."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from monitor.observability.clock_names import clock_name
from monitor.observability.rules.pace import Pace, pace
from monitor.sla.durations import format_duration, parse_duration
from monitor.sla.policy import Clock, Goal, Policy, Target

_WHAT: Final = {
    Clock.FIRST_RESPONSE: "a first reply",
    Clock.NEXT_REPLY: "the next reply",
    Clock.RESOLUTION: "a resolution",
}

TICKETS = "{{ $value }} {{ if eq $value 1.0 }}ticket{{ else }}tickets{{ end }}"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of a policy and one of its clocks, as alerts speak of it."""

    name: str
    target: Target
    teams: bool
    clock: Clock = Clock.FIRST_RESPONSE

    @property
    def pace(self) -> Pace:
        """How fast it is."""
        return pace(self.target)

    @property
    def limit(self) -> str:
        """The limit for people."""
        return format_duration(self.target.limit)

    @property
    def at_risk(self) -> str:
        """The at-risk threshold for people."""
        return format_duration(self.target.at_risk)

    @property
    def share(self) -> str:
        """The promised share for people."""
        return percent(self.target.share)

    @property
    def promise(self) -> str:
        """What the customers were promised."""
        goals = self.target.goals or (Goal(self.target.limit, self.target.share),)
        shares = [f"within {format_duration(g.within)} to {percent(g.share)}" for g in goals]
        hours = "" if self.target.calendar is None else f", in {self.target.calendar.name} hours"
        paused = (
            ", not counting the time in which the customer has to answer"
            if self.target.pauses
            else ""
        )
        return f"Promised: {_WHAT[self.clock]} {', '.join(shares)} of tickets{hours}{paused}."

    @property
    def who(self) -> str:
        """The channel, and the team where there are any, as a template writes it."""
        return self.name + (" ({{ $labels.team }})" if self.teams else "")

    @property
    def by(self) -> str:
        """The labels that tell groups apart."""
        return by(teams=self.teams)

    @property
    def selector(self) -> str:
        """The channel as a matcher."""
        return f'channel="{self.name}"'

    def metric(self, name: str) -> str:
        """Return how a metric of the first response is called for its clock."""
        is_first = self.clock is Clock.FIRST_RESPONSE
        return name if is_first else clock_name(name, self.clock)

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """What every alert of the channel carries; the team comes with its value."""
        return (("channel", self.name), ("pace", self.pace.value))

    def query(self, promql: str, then: str) -> str:
        """Return a piece of template that says `then` with a query's value, if it has one.

        The query writes %s for the alert's own group.
        """
        matcher = self.selector.replace('"', "'")
        arguments = ""
        if self.teams:
            matcher += ",team='%s'"
            arguments = " $labels.team"
        text = promql.replace("%s", matcher)
        return (
            f'{{{{ with printf "{text}"{arguments} | query }}}}'
            f"{{{{ with . | first | value }}}}{then}{{{{ end }}}}{{{{ end }}}}"
        )


def channels(policy: Policy, clock: Clock = Clock.FIRST_RESPONSE) -> list[Channel]:
    """Return the channels of a policy, which is that of a clock."""
    teams = bool(policy.teams)
    return [Channel(name, target, teams, clock) for name, target in policy.channels.items()]


def by(*, teams: bool) -> str:
    """Return the labels that tell groups apart."""
    return "channel, team" if teams else "channel"


def level(*, teams: bool) -> str:
    """Return how the names of recorded series begin: with the labels that they keep."""
    return "channel_team" if teams else "channel"


def span(duration: str) -> str:
    """Return a duration as Prometheus writes it for people."""
    return format_duration(parse_duration(duration))


def percent(share: float) -> str:
    """Return a share for people; 0.999 is 99.9 %, whatever binary thinks of it."""
    return f"{(Decimal(repr(share)) * 100).normalize():f} %"
