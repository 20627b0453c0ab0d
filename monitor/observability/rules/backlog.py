"""More come than are answered: told before the limits are passed one by one."""

from typing import Final

from monitor.observability.rules.links import Links
from monitor.observability.rules.model import Alert, Audience, Record, RuleGroup, Severity
from monitor.observability.rules.pace import SPANS
from monitor.observability.rules.words import Channel, by, channels, level, span
from monitor.sla.policy import Policy

_LEAST_WAITING: Final = 10
_GROWTH: Final = 1.5


def backlog(policy: Policy, links: Links) -> RuleGroup:
    """Return what is recorded of the backlogs, and the alerts on their growth."""
    teams = bool(policy.teams)
    waiting = Record(
        name=_waiting(teams=teams),
        expr=f"sum by ({by(teams=teams)}) (sla_tickets_waiting)",
    )
    growing = [_growing(channel, links) for channel in channels(policy)]
    return RuleGroup(name="sla-backlog", interval="30s", rules=[waiting, *growing])


def _waiting(*, teams: bool) -> str:
    return f"{level(teams=teams)}:sla_tickets_waiting:sum"


def _growing(channel: Channel, links: Links) -> Alert:
    spans = SPANS[channel.pace]
    series = f"{_waiting(teams=channel.teams)}{{{channel.selector}}}[{spans.stretch}]"
    now = f"avg_over_time({series})"
    return Alert(
        name="BacklogGrowing",
        expr=(
            f"{now} >= {_LEAST_WAITING}\n"
            f"and {now} > {_GROWTH} * avg_over_time({series} offset {spans.backlog})\n"
            f"and {now} > avg_over_time({series} offset {spans.stretch})"
        ),
        keep=spans.stretch,
        severity=Severity.WARNING,
        audience=Audience.SUPPORT,
        labels=channel.labels,
        summary=f'{channel.who}: backlog growing, about {{{{ $value | printf "%.0f" }}}} waiting',
        description=(
            f'About {{{{ $value | printf "%.0f" }}}} tickets in {channel.who} wait for a first '
            f"reply, half as many again as {span(spans.backlog)} ago, and still more come than are "
            f"answered. {channel.promise} Put more people on {channel.name} before they run out "
            "of time."
        ),
        runbook_url=links.to_runbook("BacklogGrowing"),
        dashboard_url=links.to_channel(channel.name, teams=channel.teams),
    )
