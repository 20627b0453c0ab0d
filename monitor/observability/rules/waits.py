"""Somebody waits too long, or soon will: the alerts that support lives by, clock by clock."""

from typing import Final, NamedTuple

from monitor.observability.rules.links import Links
from monitor.observability.rules.model import JOB, Alert, Audience, RuleGroup, Severity
from monitor.observability.rules.words import TICKETS, Channel, channels
from monitor.sla.policy import Clock, Policy

_INTERVAL: Final = "1s"

_KEEP: Final = "30s"
"""A monitor that is restarted, or whose partitions move, has seen nobody wait for a moment; that
must not be told as if everybody had been answered."""

_BLIND: Final = "1h"
"""While no monitor answers, what was last seen stands this long, for who has been told of it
would else be told that it is over. `MonitorDown` keeps it from being told again."""


class _Words(NamedTuple):
    """How alerts speak of a clock."""

    alert: str
    """How their names begin."""
    limit: str
    """What follows the limit."""
    without: str
    """What a ticket is for whom the clock runs."""
    longest: str
    """Of the one for whom it runs longest."""
    at_risk: str
    """What is to be done."""
    breached: str


_WORDS: Final = {
    Clock.FIRST_RESPONSE: _Words(
        "FirstResponse",
        "limit",
        "unanswered",
        ", the longest for {{ . | humanizeDuration }}",
        "Answer the one that waits longest now; it is at the top of the wall.",
        "Answer the one that waits longest now; if there are more than you have people, "
        "call for help.",
    ),
    Clock.NEXT_REPLY: _Words(
        "NextReply",
        "next-reply limit",
        "without the next reply",
        ", the longest for {{ . | humanizeDuration }}",
        "Answer the one that is due first; the wall names it.",
        "Answer the one that is due first; the wall names it. If there are more than you have "
        "people, call for help.",
    ),
    Clock.RESOLUTION: _Words(
        "Resolution",
        "resolution limit",
        "unresolved",
        ", the oldest {{ . | humanizeDuration }} old",
        "Resolve the one that is due first; the wall names it.",
        "Resolve the one that is due first; the wall names it. If there are more than you have "
        "people, call for help.",
    ),
}


def waits(policy: Policy, clock: Clock, links: Links) -> RuleGroup:
    """Return the rules on who waits now, by one clock; the policy is that of the clock."""
    rules = []
    for channel in channels(policy, clock):
        # The breach first: it must be at Alertmanager when the risk is to be held back.
        rules += [_breached(channel, links), _at_risk(channel, links)]
    name = f"sla-{clock.replace('_', '-')}"
    return RuleGroup(name=name, interval=_INTERVAL, rules=rules)


def _at_risk(channel: Channel, links: Links) -> Alert:
    words = _WORDS[channel.clock]
    deadline = channel.metric("sla_next_deadline_timestamp_seconds")
    next_limit = channel.query(
        f"floor(min({deadline}{{%s}}) - time()) > 0",
        ", the next in {{ . | humanizeDuration }}",
    )
    return _alert(
        *(channel, links, "AtRisk", "sla_tickets_at_risk", Severity.WARNING),
        f"{channel.who}: {TICKETS} about to miss the {channel.limit} {words.limit}{next_limit}",
        f"{TICKETS} in {channel.who} {words.without} for more than {channel.at_risk}"
        f"{_longest(channel)}. {channel.promise} {words.at_risk}",
    )


def _breached(channel: Channel, links: Links) -> Alert:
    words = _WORDS[channel.clock]
    return _alert(
        *(channel, links, "Breached", "sla_tickets_overdue", Severity.CRITICAL),
        f"{channel.who}: {TICKETS} past the {channel.limit} {words.limit}{_longest(channel)}",
        f"{TICKETS} in {channel.who} still {words.without} after {channel.limit}"
        f"{_longest(channel)}. {channel.promise} {words.breached}",
    )


def _alert(
    channel: Channel,
    links: Links,
    stage: str,
    metric: str,
    severity: Severity,
    summary: str,
    description: str,
) -> Alert:
    name = f"{_WORDS[channel.clock].alert}{stage}"
    return Alert(
        name=name,
        expr=_seen(channel, metric),
        keep=_KEEP,
        severity=severity,
        audience=Audience.SUPPORT,
        labels=channel.labels,
        summary=summary,
        description=description,
        runbook_url=links.to_runbook(name),
        dashboard_url=links.to_channel(channel.name, teams=channel.teams),
    )


def _longest(channel: Channel) -> str:
    oldest = channel.metric("sla_oldest_waiting_timestamp_seconds")
    return channel.query(f"floor(time() - min({oldest}{{%s}})) > 0", _WORDS[channel.clock].longest)


def _seen(channel: Channel, metric: str) -> str:
    """Return how many there are; while no monitor answers, how many there were.

    A Prometheus that has just begun knows of no monitor that does not answer, so it does not tell
    of what was before it stopped.
    """
    series = f"{channel.metric(metric)}{{{channel.selector}}}"
    return (
        f"sum by ({channel.by}) ({series}) > 0\n"
        "or\n"
        f"sum by ({channel.by}) (last_over_time({series}[{_BLIND}])) > 0\n"
        f'and on () max(up{{job="{JOB}"}}) == 0'
    )
