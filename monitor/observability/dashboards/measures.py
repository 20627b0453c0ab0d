"""The measures of a support team, channel beside channel: docs/measures.md as a dashboard."""

from grafana_foundation_sdk.builders import bargauge, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitor.observability.dashboards.frame import Grid, new_board, with_window
from monitor.observability.dashboards.kinds import bar, big, lines, on_log_scale
from monitor.observability.dashboards.panels import PLAIN, About
from monitor.observability.dashboards.promql import Scope
from monitor.sla.durations import format_duration, short_duration
from monitor.sla.policy import Policy

_EVERY = (
    "Different customers who opened a ticket in the chosen window, on all channels together, each "
    "counted once. Exact while few, within some per cent when many."
)
_NO_TICKETS = "no tickets"
_NO_CUSTOMERS = "no customers"
_NOBODY_KNOWN = "nobody joined"
_NO_ANSWERS = "no answers"


def measures(policy: Policy, runbook: str) -> Dashboard:
    """Return the dashboard of the eight measures."""
    board = new_board(
        "sla-measures",
        policy,
        runbook,
        since="now-24h",
        description="How well the team serves, and what customers make of it: first response, "
        "resolution, preferred channel, backlog, satisfaction, recommendation, retention, churn.",
    )
    with_window(board, "24h")
    scope = Scope(policy)
    grid = Grid(board)
    for panel in (*_customers(scope), *_base(scope)):
        grid.add(panel, 6, 4)
    grid.add(_mean(scope, "first_response", "First response time"), 12, 8)
    grid.add(_mean(scope, "ticket_resolution", "Resolution time"), 12, 8)
    grid.add(_tickets_share(scope), 12, 8)
    grid.add(_customers_share(scope), 12, 8)
    for channel in policy.channels:
        grid.add(_backlog(Scope(policy, channel), channel), 24 // min(len(policy.channels), 4), 8)
    grid.end_row()
    grid.add(_csat(scope), 12, 8)
    grid.add(_nps(scope), 12, 8)
    return board


def _customers(scope: Scope) -> list[stat.Panel]:
    panels = []
    for kind, title, text in (
        (
            "all",
            "Customers",
            _EVERY,
        ),
        ("omnichannel", "On several channels", "Of these customers, those on several channels."),
    ):
        about = About(f"{title}, last $window", text, "short", no_value=_NO_CUSTOMERS)
        series = scope.overall("sla_window_customers_overall", window="$window", kind=kind)
        panels.append(big(about, {title: f"max({series})"}))
    return panels


def _base(scope: Scope) -> list[stat.Panel]:
    there = "sum(sla_customers)"
    joined, left = (
        f"sum({scope.overall('sla_window_customer_changes', window='$window', change=change)})"
        for change in ("joined", "left")
    )
    at_start = f"({there} - {joined} + {left})"
    of_any = f"({at_start} > bool 0)"  # of nobody there is no ratio, whoever left
    words = {"nan": (_NOBODY_KNOWN, PLAIN)}
    retention = About(
        "Retention, last $window",
        "(Customers now - those who joined) / customers when the window began.",
        "percentunit",
        words=words,
        no_value=_NOBODY_KNOWN,
    )
    churn = About(
        "Churn, last $window",
        "Customers who left / customers when the window began.",
        "percentunit",
        words=words,
        no_value=_NOBODY_KNOWN,
    )
    return [
        big(retention, {"retention": f"clamp_min({there} - {joined}, 0) / {at_start}"}).decimals(1),
        big(churn, {"churn": f"{left} / {at_start} * {of_any} / {of_any}"}).decimals(1),
    ]


def _mean(scope: Scope, what: str, title: str) -> timeseries.Panel:
    text = {
        "first_response": "Mean time to the first human reply",
        "ticket_resolution": "Mean time from creation to close of tickets that were answered",
    }[what]
    about = About(
        f"{title}, last $window", f"{text}, in the chosen window.", "dthms", no_value=_NO_TICKETS
    )
    name = f"sla_window_{what}_seconds"
    total, count = (scope.gauge(f"{name}_{part}", window="$window") for part in ("sum", "count"))
    return on_log_scale(lines(about, {"{{channel}}": f"{total} / {count}"}, fill=0), 1)


def _tickets_share(scope: Scope) -> bargauge.Panel:
    about = About(
        "Preferred channel by tickets, last $window",
        "Share of the tickets created in the chosen window.",
        "percentunit",
        words={"nan": (_NO_TICKETS, PLAIN)},
        no_value=_NO_TICKETS,
    )
    tickets = scope.series("sla_window_tickets", window="$window", state="created")
    share = f"sum by (channel) ({tickets}) / on () group_left () sum({tickets})"
    return bar(about, {"{{channel}}": share}, most=1)


def _customers_share(scope: Scope) -> bargauge.Panel:
    about = About(
        "Preferred channel by customers, last $window",
        "Share of the customers who used the channel in the chosen window. All customers are "
        "counted once, so who uses several channels makes the sum more than 100 %.",
        "percentunit",
        words={"nan": (_NO_CUSTOMERS, PLAIN)},
        no_value=_NO_CUSTOMERS,
    )
    customers = scope.overall("sla_window_customers", window="$window")
    every = scope.overall("sla_window_customers_overall", window="$window", kind="all")
    share = f"max by (channel) ({customers}) / on () group_left () max({every})"
    return bar(about, {"{{channel}}": share}, most=1)


def _backlog(scope: Scope, channel: str) -> bargauge.Panel:
    about = About(
        f"Backlog of {channel}",
        "Tickets that are not resolved, by how long they have been open.",
        "short",
        no_value=_NO_TICKETS,
    )
    queries = {
        f"older than {format_duration(age)}": scope.gauge(
            "sla_tickets_unresolved", older_than=short_duration(age)
        )
        for age in scope.policy.backlog_ages
    }
    return bar(about, {"open": scope.gauge("sla_tickets_open"), **queries}).decimals(0)


def _csat(scope: Scope) -> timeseries.Panel:
    about = About(
        "Customer satisfaction (CSAT), last $window",
        f"Share of survey answers of {scope.policy.satisfied_from:g} points or more.",
        "percentunit",
        no_value=_NO_ANSWERS,
    )
    satisfied = _answers(scope, "satisfied")
    every = _answers(scope, "~satisfied|dissatisfied")
    return lines(about, {"{{channel}}": f"{satisfied} / {every}"}, fill=0).max(1)


def _nps(scope: Scope) -> timeseries.Panel:
    about = About(
        "Net promoter score (NPS), last $window",
        "Percentage of answers of 9 or 10 points less that of 0 to 6 points, -100 to 100.",
        "short",
        no_value=_NO_ANSWERS,
    )
    promoters, detractors = _answers(scope, "promoter"), _answers(scope, "detractor")
    every = _answers(scope, "~promoter|passive|detractor")
    score = f"100 * ({promoters} - {detractors}) / {every}"
    return lines(about, {"{{channel}}": score}, fill=0).min(-100).max(100)


def _answers(scope: Scope, answer: str) -> str:
    return scope.gauge("sla_window_survey_answers", window="$window", answer=answer)
