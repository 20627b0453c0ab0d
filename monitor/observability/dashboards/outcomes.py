"""What became of one channel's tickets: saved in time, breached, and how the share went."""

from grafana_foundation_sdk.builders import bargauge, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import AnnotationQuery
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

from monitor.observability.dashboards.kinds import bar, coloured, lines, stepped
from monitor.observability.dashboards.panels import (
    BAD,
    DATASOURCE,
    GOOD,
    NOTHING_DECIDED,
    PLAIN,
    WARN,
    About,
)
from monitor.observability.dashboards.promql import Scope
from monitor.sla.policy import Formula
from monitor.sla.windows import WINDOWS

_EVENTS = "sla_ticket_events_total"


def rescued(scope: Scope) -> bargauge.Panel:
    """Return how many tickets at risk were saved, and how many were not."""
    about = About(
        "From at risk to answered, last $window",
        "Of the tickets that came to be at risk in the chosen window: how many were answered or "
        "closed before their limit (or still may be), and how many promises were broken. What "
        "was taken back is taken off.",
        "short",
        no_value="none was at risk",
    )
    at_risk, breached = scope.counted("at_risk", "$window"), scope.counted("breached", "$window")
    queries = {
        "came to be at risk": at_risk,
        "saved, or not yet late": f"clamp_min({at_risk} - {breached}, 0)",
        "breached": breached,
    }
    panel = bar(about, queries).decimals(0)
    stepped(panel, "came to be at risk", ((None, WARN),))
    stepped(panel, "saved, or not yet late", ((None, GOOD),))
    return stepped(panel, "breached", ((None, BAD),))


def told(scope: Scope) -> timeseries.Panel:
    """Return what was told of tickets over time."""
    about = About(
        "Told a minute",
        "Tickets a minute of which was told that they are at risk or breached, and what was taken "
        "back because a late event proved it false.",
        "cpm",
        no_value="nothing was told",
    )
    queries = {
        "at risk": scope.per_minute(_EVENTS, kind="at_risk"),
        "breached": scope.per_minute(_EVENTS, kind="breached"),
        "taken back": scope.per_minute(_EVENTS, kind="retracted"),
    }
    panel = coloured(lines(about, queries, fill=20), "at risk", WARN)
    coloured(panel, "breached", BAD)
    return coloured(panel, "taken back", "purple")


def levels(scope: Scope) -> timeseries.Panel:
    """Return the service level of each window over time, and what is promised."""
    about = About(
        "Answered in time, over all windows",
        "Share of decided tickets answered within the limit, in sliding windows of each length. "
        "Dashed: the share that is promised.",
        "percentunit",
        no_value=NOTHING_DECIDED,
    )
    queries = {f"last {window}": scope.service_level(window) for window in WINDOWS}
    panel = lines(about, {**queries, "promised": scope.share()}, fill=0).max(1)
    return coloured(panel, "promised", GOOD, dashed=True)


def formulas(scope: Scope) -> bargauge.Panel:
    """Return the service level by every formula of the trade."""
    chosen = scope.policy.formula
    about = About(
        "Service level by every formula, last $window",
        "The same tickets by each formula of the trade; the alerts go by "
        f"{chosen}. A answered, B abandoned, t within the limit, s at once. answered_only: At/A. "
        "abandon_negative: At/(A+B). abandon_ignored: At/(A+B-Bt). abandon_positive: "
        "(At+Bt)/(A+B). short_excluded: At/(A+B-Bs).",
        "percentunit",
        words={"nan": (NOTHING_DECIDED, PLAIN)},
        no_value=NOTHING_DECIDED,
    )
    queries = {
        f"{formula} (the policy's)" if formula is chosen else formula.value: scope.service_level(
            "$window", formula
        )
        for formula in Formula
    }
    return bar(about, queries, most=1)


def red_from(panel: stat.Panel, ref_id: str, name: str) -> stat.Panel:
    """Colour a figure red from the value on that another query has, which is not shown."""
    mapping = {"fieldName": name, "handlerKey": "threshold1"}
    return panel.with_transformation(
        DataTransformerConfig(
            "configFromData", options={"configRefId": ref_id, "mappings": [mapping]}
        )
    )


def breaches(scope: Scope) -> AnnotationQuery:
    """Return marks on every chart where a promise was broken."""
    source = DataSourceRef("prometheus", f"${{{DATASOURCE}}}")
    series = scope.series(_EVENTS, kind="breached")
    expression = f"sum by (channel) (increase({series}[$__rate_interval])) > bool 0"
    return (
        AnnotationQuery()
        .name("Breaches")
        .datasource(source)
        .enable(True)
        .icon_color(BAD)
        .expr(expression)
        .title_format("A promise was broken: {{channel}}")
        .target(Dataquery().ref_id("Breaches").datasource(source).expr(expression).range())
    )
