"""The monitor watches itself: silence must not be taken for calm."""

from typing import Final

from monitor.observability.rules.links import Links
from monitor.observability.rules.model import JOB, Alert, Audience, RuleGroup, Severity

_STALLED_SECONDS: Final = 90
"""Three times as long as an idle partition goes without a commit."""

_UP: Final = f'up{{job="{JOB}"}}'
_COMMITTED: Final = "sla_last_commit_timestamp_seconds > 0"


def itself(links: Links) -> RuleGroup:
    """Return the alerts for those who run the monitor."""
    rules = [*_down(links), *_stalled(links), *_incomplete(links), _watchdog(links)]
    return RuleGroup(name="sla-monitor-itself", interval="5s", rules=rules)


def _alert(
    name: str,
    links: Links,
    *,
    expr: str,
    severity: Severity,
    summary: str,
    description: str,
    hold: str = "",
) -> Alert:
    return Alert(
        name=name,
        expr=expr,
        hold=hold,
        severity=severity,
        audience=Audience.MONITOR,
        summary=summary,
        description=description,
        runbook_url=links.to_runbook(name),
        dashboard_url=links.to_health(),
    )


def _down(links: Links) -> list[Alert]:
    return [
        _alert(
            "MonitorDown",
            links,
            expr=f"sum by (job) ({_UP}) == 0\nor absent({_UP})",
            hold="15s",
            severity=Severity.CRITICAL,
            summary="SLA monitor down: nobody watches the tickets",
            description=(
                "No monitor has answered Prometheus for 15 s. Breaches go unseen and SLA pages "
                "are held back. Look whether its process runs and answers on /healthz, then start "
                "it again: it goes on where it stopped. Tell the leads to watch by hand meanwhile."
            ),
        ),
        _alert(
            "MonitorDown",
            links,
            expr=f"{_UP} == 0\nand on (job) max by (job) ({_UP}) == 1",
            hold="5m",
            severity=Severity.WARNING,
            summary="SLA monitor on {{ $labels.instance }} down, others still watch",
            description=(
                "The monitor on {{ $labels.instance }} has not answered for 5 min. Others are up "
                "and take over its partitions. Start it again, or take it out of the scrape "
                "configuration if it is gone for good."
            ),
        ),
    ]


def _stalled(links: Links) -> list[Alert]:
    since = f"time() - max by (job) ({_COMMITTED})"
    return [
        _alert(
            "MonitorStalled",
            links,
            expr=f"{since} > {_STALLED_SECONDS}",
            severity=Severity.CRITICAL,
            summary="SLA monitor stalled: last commit {{ $value | humanizeDuration }} ago",
            description=(
                "The monitor answers, but has committed nothing to Kafka for "
                "{{ $value | humanizeDuration }}; even an idle one does every 30 s. Its figures "
                "stand still and SLA pages are held back. Look whether Kafka answers "
                "and what the monitor logs."
            ),
        ),
        _alert(
            "MonitorStalled",
            links,
            expr=(
                f"time() - ({_COMMITTED}) > {_STALLED_SECONDS}\n"
                f"unless on (job) {since} > {_STALLED_SECONDS}"
            ),
            hold="30s",
            severity=Severity.WARNING,
            summary="SLA monitor on {{ $labels.instance }} stalled, others still commit",
            description=(
                "{{ $labels.instance }} has committed nothing for "
                "{{ $value | humanizeDuration }}, and others have: its partitions' figures "
                "stand still. Look at its log; ending it lets the others take over."
            ),
        ),
    ]


def _incomplete(links: Links) -> list[Alert]:
    lag = (
        "{{ with printf \"sla_lag_records{instance='%s'}\" $labels.instance | query }}"
        "{{ . | first | value | humanize }} records are still to be read. {{ end }}"
    )
    return [
        _alert(
            "MonitorBehind",
            links,
            expr="sla_caught_up == 0",
            hold="5m",
            severity=Severity.WARNING,
            summary="SLA monitor on {{ $labels.instance }} behind for 5 min",
            description=(
                "{{ $labels.instance }} has not read all there is in Kafka for 5 min, so it tells "
                f"of breaches late. {lag}"
                "Look whether the lag shrinks; if not, add workers or look at the broker."
            ),
        ),
        _alert(
            "PartitionUnserved",
            links,
            expr="max by (job) (sla_partitions_unserved) > 0",
            hold="1m",
            severity=Severity.CRITICAL,
            summary="{{ $value }} {{ if eq $value 1.0 }}partition{{ else }}partitions{{ end }} "
            "of tickets served by nobody",
            description=(
                "Tickets in {{ $value }} {{ if eq $value 1.0 }}partition{{ else }}partitions"
                "{{ end }} have been watched by nobody for 1 min: their breaches go unseen. The "
                "wall names them. Look which worker or host is gone and start it again."
            ),
        ),
        _alert(
            "DeadLetters",
            links,
            expr='sum by (topic) (increase(sla_records_total{outcome="dead_letter"}[10m])) > 0',
            severity=Severity.WARNING,
            summary="Unusable events in {{ $labels.topic }}",
            description=(
                'About {{ $value | printf "%.0f" }} records of {{ $labels.topic }} in 10 min '
                "could not be used and went to sla-dead-letters: their tickets are missing or "
                "wrong in all figures. The header sla.reason of each says what to mend; tell "
                "whoever sends them."
            ),
        ),
    ]


def _watchdog(links: Links) -> Alert:
    return _alert(
        "Watchdog",
        links,
        expr="vector(1)",
        severity=Severity.NONE,
        summary="Alerting works",
        description=(
            "Always firing. Whoever receives it must raise the alarm when it stops coming: then "
            "Prometheus or Alertmanager is down, and no page of any kind would come."
        ),
    )
