"""Somebody waits too long, or soon will: the alerts that support lives by."""

from typing import Final

from monitor.observability.rules.links import Links
from monitor.observability.rules.model import JOB, Alert, Audience, RuleGroup, Severity
from monitor.observability.rules.words import TICKETS, Channel, channels
from monitor.sla.policy import Policy

_INTERVAL: Final = "1s"

_KEEP: Final = "30s"
"""A monitor that is restarted, or whose partitions move, has seen nobody wait for a moment; that
must not be told as if everybody had been answered."""

_BLIND: Final = "1h"
"""While no monitor answers, what was last seen stands this long, for who has been told of it
would else be told that it is over. `MonitorDown` keeps it from being told again."""


def first_response(policy: Policy, links: Links) -> RuleGroup:
    """Return the rules on who waits now."""
    rules = []
    for channel in channels(policy):
        # The breach first: it must be at Alertmanager when the risk is to be held back.
        rules += [_breached(channel, links), _at_risk(channel, links)]
    return RuleGroup(name="sla-first-response", interval=_INTERVAL, rules=rules)


def _at_risk(channel: Channel, links: Links) -> Alert:
    next_limit = channel.query(
        "floor(min(sla_next_deadline_timestamp_seconds{%s}) - time()) > 0",
        ", the next in {{ . | humanizeDuration }}",
    )
    return Alert(
        name="FirstResponseAtRisk",
        expr=_seen(channel, "sla_tickets_at_risk"),
        keep=_KEEP,
        severity=Severity.WARNING,
        audience=Audience.SUPPORT,
        labels=channel.labels,
        summary=f"{channel.who}: {TICKETS} about to miss the {channel.limit} limit{next_limit}",
        description=(
            f"{TICKETS} in {channel.who} unanswered for more than {channel.at_risk}"
            f"{_longest(channel)}. {channel.promise} "
            "Answer the one that waits longest now; it is at the top of the wall."
        ),
        runbook_url=links.to_runbook("FirstResponseAtRisk"),
        dashboard_url=links.to_channel(channel.name, teams=channel.teams),
    )


def _breached(channel: Channel, links: Links) -> Alert:
    return Alert(
        name="FirstResponseBreached",
        expr=_seen(channel, "sla_tickets_overdue"),
        keep=_KEEP,
        severity=Severity.CRITICAL,
        audience=Audience.SUPPORT,
        labels=channel.labels,
        summary=f"{channel.who}: {TICKETS} past the {channel.limit} limit{_longest(channel)}",
        description=(
            f"{TICKETS} in {channel.who} still unanswered after {channel.limit}"
            f"{_longest(channel)}. {channel.promise} "
            "Answer the one that waits longest now; if there are more than you have people, "
            "call for help."
        ),
        runbook_url=links.to_runbook("FirstResponseBreached"),
        dashboard_url=links.to_channel(channel.name, teams=channel.teams),
    )


def _longest(channel: Channel) -> str:
    return channel.query(
        "floor(time() - min(sla_oldest_waiting_timestamp_seconds{%s})) > 0",
        ", the longest for {{ . | humanizeDuration }}",
    )


def _seen(channel: Channel, metric: str) -> str:
    """Return how many there are; while no monitor answers, how many there were.

    A Prometheus that has just begun knows of no monitor that does not answer, so it does not tell
    of what was before it stopped.
    """
    series = f"{metric}{{{channel.selector}}}"
    return (
        f"sum by ({channel.by}) ({series}) > 0\n"
        "or\n"
        f"sum by ({channel.by}) (last_over_time({series}[{_BLIND}])) > 0\n"
        f'and on () max(up{{job="{JOB}"}}) == 0'
    )
