"""Is the promise kept on the whole: the service level, and how fast its allowance burns.

Counters are summed after their increase is taken, so that a series which ends on one host and
goes on at another is no reset. What late events proved false is taken off.
"""

from collections.abc import Iterator
from typing import Final

from monitor.observability.rules.burn import FAST, SLOW, Burn, burn
from monitor.observability.rules.links import Links
from monitor.observability.rules.model import Alert, Audience, Record, RuleGroup, Severity
from monitor.observability.rules.pace import SPANS, Windows, pace
from monitor.observability.rules.words import Channel, by, channels, level, percent, span
from monitor.sla.policy import Formula, Policy

INTERVAL_SECONDS: Final = 30

_PIECE: Final = "5m"
"""Of these pieces longer windows are made: days of raw samples would be dear to read."""

_RETRACTED_AS: Final = {"met": "met", "missed": "breached", "abandoned": "abandoned"}


def service_level(policy: Policy, links: Links) -> RuleGroup:
    """Return what is recorded of the service level, and the alerts on its burn."""
    rules: list[Record | Alert] = [*_records(policy)]
    for channel in channels(policy):
        rules += _burns(channel, links)
    return RuleGroup(name="sla-service-level", interval=f"{INTERVAL_SECONDS}s", rules=rules)


def _records(policy: Policy) -> Iterator[Record]:
    teams = bool(policy.teams)
    at = level(teams=teams)
    missed, decided = _of_formula(policy.formula, by(teams=teams))
    yield Record(name=f"{at}:sla_missed:rate{_PIECE}", expr=f"clamp_min(\n{missed}\n, 0)")
    yield Record(name=f"{at}:sla_decided:rate{_PIECE}", expr=f"clamp_min(\n{decided}\n, 0)")
    for window in _windows(policy):
        decided_in = f"sum_over_time({at}:sla_decided:rate{_PIECE}[{window}])"
        yield Record(
            name=f"{at}:sla_missed:ratio_{window}",
            expr=f"sum_over_time({at}:sla_missed:rate{_PIECE}[{window}])\n/\n{decided_in}",
        )
        yield Record(
            name=f"{at}:sla_decided:count_{window}", expr=f"{decided_in} * {INTERVAL_SECONDS}"
        )


def _windows(policy: Policy) -> list[str]:
    """Return every window that a channel of this policy looks at, each once."""
    windows: dict[str, None] = {}
    for target in policy.channels.values():
        spans = SPANS[pace(target)]
        for each in (spans.fast, spans.slow):
            windows |= {each.short: None, each.long: None}
    return list(windows)


def _of_formula(formula: Formula, labels: str) -> tuple[str, str]:
    """Return what is missed and what is decided, a second, by the policy's formula."""
    met, missed, abandoned = (_net_outcome(outcome, labels) for outcome in _RETRACTED_AS)
    short = _net("sla_ticket_events_total", "kind", "short_abandoned", "short_abandoned", labels)
    answered = _net("sla_ticket_events_total", "kind", "answered", "answered", labels)
    return {
        Formula.ABANDON_IGNORED: (missed, _plus(met, missed)),
        Formula.ANSWERED_ONLY: (f"{answered}\n-\n({met})", answered),
        Formula.ABANDON_NEGATIVE: (_plus(missed, abandoned), _plus(met, missed, abandoned)),
        Formula.ABANDON_POSITIVE: (missed, _plus(met, missed, abandoned)),
        Formula.SHORT_EXCLUDED: (
            f"{_plus(missed, abandoned)}\n-\n({short})",
            f"{_plus(met, missed, abandoned)}\n-\n({short})",
        ),
    }[formula]


def _net_outcome(outcome: str, labels: str) -> str:
    retracted = _RETRACTED_AS[outcome]
    return _net("sla_first_responses_total", "outcome", outcome, retracted, labels)


def _net(metric: str, label: str, value: str, retracted: str, labels: str) -> str:
    """Return what is counted a second, less what was taken back."""
    return (
        f'sum by ({labels}) (rate({metric}{{{label}="{value}"}}[{_PIECE}]))\n- '
        f'sum by ({labels}) (rate(sla_retractions_total{{kind="{retracted}"}}[{_PIECE}]))'
    )


def _plus(*terms: str) -> str:
    return "\n+ ".join(terms)


def _burns(channel: Channel, links: Links) -> list[Alert]:
    """Return a channel's burn alerts; one that promises everything has nothing to burn."""
    share = channel.target.share
    if share == 1:
        return []
    spans = SPANS[channel.pace]
    fast, slow = burn(share, FAST), burn(share, SLOW)
    return [
        _burn("ServiceLevelBurnFast", channel, fast, spans.fast, Severity.CRITICAL, links),
        _burn("ServiceLevelBurnSlow", channel, slow, spans.slow, Severity.WARNING, links),
    ]


def _burn(
    name: str, channel: Channel, told: Burn, windows: Windows, severity: Severity, links: Links
) -> Alert:
    at, group = level(teams=channel.teams), f"{{{channel.selector}}}"
    least = f"{told.missed:.6g}"
    todo = (
        "Something is wrong right now: look who is on shift, what came in, what is down."
        if severity is Severity.CRITICAL
        else "Nobody has to be woken: plan the shifts of the next days with it."
    )
    count = channel.query(
        f"round({at}:sla_decided:count_{windows.long}{{%s}})", ' {{ . | printf "%.0f" }}'
    )
    return Alert(
        name=name,
        expr=(
            f"{at}:sla_missed:ratio_{windows.long}{group} > {least}\n"
            f"and {at}:sla_missed:ratio_{windows.short}{group} > {least}\n"
            f"and {at}:sla_decided:count_{windows.long}{group} >= {told.least_tickets}"
        ),
        keep="5m",
        severity=severity,
        audience=Audience.SUPPORT,
        labels=channel.labels,
        summary=(
            f"{channel.who}: {{{{ $value | humanizePercentage }}}} of tickets missed "
            f"the {channel.limit} limit in the last {span(windows.long)}"
        ),
        description=(
            f"Of about{count} tickets decided in {channel.who} in the last {span(windows.long)}, "
            f"{{{{ $value | humanizePercentage }}}} missed the limit of {channel.limit}; "
            f"{percent(_allowed(channel))} may. That is more than {told.factor:.3g} times as fast "
            f"as the promise of {channel.share} allows. {todo}"
        ),
        runbook_url=links.to_runbook(name),
        dashboard_url=links.to_channel(channel.name, teams=channel.teams),
    )


def _allowed(channel: Channel) -> float:
    return round(1 - channel.target.share, 9)
