"""The figures of one channel that wall and channel dashboard both show."""

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.models.common import BigValueTextMode

from monitor.observability.dashboards.kinds import big, stepped
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    NO_DATA,
    NOBODY_WAITS,
    NOTHING_DECIDED,
    ON_BAD,
    ON_GOOD,
    ON_UNKNOWN,
    ON_WARN,
    PLAIN,
    WARN,
    About,
    Steps,
)
from monitor.observability.dashboards.promql import AT_RISK, CALM, OVERDUE, STALE, Scope

STATES = {
    str(CALM): ("CALM", ON_GOOD),
    str(AT_RISK): ("AT RISK", ON_WARN),
    str(OVERDUE): ("OVERDUE", ON_BAD),
    str(STALE): ("STALE", ON_UNKNOWN),
}


def name(scope: Scope) -> stat.Panel:
    """Return the name of a channel, on the colour of its state: a title is not read from afar."""
    about = About(
        "",
        "The channel that the figures below are of; its colour is that of its state.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=STATES,
        no_value=scope.channel.upper(),
    )
    panel = big(about, {scope.channel.upper(): scope.state()}, solid=True)
    return panel.text_mode(BigValueTextMode.NAME)


def state(scope: Scope, title: str, promise: str) -> stat.Panel:
    """Return in one word how a channel is doing."""
    about = About(
        title,
        f"{promise} CALM: nobody waits too long. AT RISK: somebody has waited longer than the "
        "at-risk threshold. OVERDUE: somebody waits whose limit has passed. STALE: the "
        f"monitor is behind, look at its health. {NO_DATA}: nothing comes from the monitor.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=STATES,
    )
    return big(about, {"state": scope.state()}, solid=True)


def countdown(scope: Scope, title: str, steps: Steps) -> stat.Panel:
    """Return the time that is left until the next limit passes."""
    about = About(
        title,
        "Time left until the nearest limit of a waiting ticket passes (hours:minutes:seconds). "
        "Tickets that are overdue already do not count.",
        "dthms",
        steps=steps,
        words={"nan": (NOBODY_WAITS, PLAIN)},
    )
    return big(about, {"left": scope.next_deadline()})


def backlog(scope: Scope, title: str) -> stat.Panel:
    """Return how many wait, and how many of them too long."""
    about = About(
        title,
        "Tickets with no first response: all of them, those waiting longer than the at-risk "
        "threshold, and of these the ones whose limit has passed.",
        "short",
    )
    queries = {
        "waiting": scope.gauge("sla_tickets_waiting"),
        "at risk": scope.gauge("sla_tickets_at_risk"),
        "overdue": scope.gauge("sla_tickets_overdue"),
    }
    panel = stepped(big(about, queries), "at risk", ((None, GOOD), (1, WARN)))
    return stepped(panel, "overdue", ((None, GOOD), (1, BAD)))


def service_level(scope: Scope, title: str, steps: Steps) -> stat.Panel:
    """Return the share of tickets answered in time in the chosen window."""
    about = About(
        title,
        "Share of decided tickets that were answered within the limit in the chosen window.",
        "percentunit",
        steps=steps,
        words={"nan": (NOTHING_DECIDED, PLAIN)},
        no_value=NOTHING_DECIDED,
    )
    return big(about, {"service level": scope.service_level("$window")}).decimals(0)
