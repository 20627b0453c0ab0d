"""The monitor itself: whether its figures can be trusted, and where it is stuck if not."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.builders.dashboard import Dashboard

from monitor.observability.dashboards import health_charts
from monitor.observability.dashboards.frame import Grid, new_board
from monitor.observability.dashboards.health_charts import (
    CAUGHT_UP_WORDS,
    COMMIT_STEPS,
    DEAD,
    PARTITIONS,
    SINCE_COMMIT,
    quantile_of_delay,
)
from monitor.observability.dashboards.kinds import big
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    NO_DATA,
    ON_UNKNOWN,
    PLAIN,
    WARN,
    About,
)
from monitor.observability.dashboards.promql import CAUGHT_UP
from monitor.sla.policy import Policy


def health(policy: Policy, runbook: str) -> Dashboard:
    """Return the dashboard of the monitor's own health."""
    board = new_board(
        "sla-health",
        policy,
        runbook,
        since="now-1h",
        description="The monitor itself: has it read all there is, does it commit, does somebody "
        "serve every partition, does it tell in time, and what could it not use.",
    )
    grid = Grid(board)
    grid.add(_caught_up(), 6, 4)
    for panel in _now():
        grid.add(panel, 3, 4)
    for chart in health_charts.reading():
        grid.add(chart, 12, 8)
    for chart in health_charts.working():
        grid.add(chart, 8, 8)
    for chart in health_charts.telling():
        grid.add(chart, 8, 8)
    grid.add(health_charts.policies(), 12, 5)
    grid.add(health_charts.versions(), 12, 5)
    return board


def _caught_up() -> stat.Panel:
    about = About(
        "Has it read all there is?",
        "CAUGHT UP: everything in Kafka has been read, and the broker answers. BEHIND: while it "
        f"reads on, its clock is that of what it has read. {NO_DATA}: no host can be scraped.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=CAUGHT_UP_WORDS,
    )
    return big(about, {"caught up": CAUGHT_UP}, solid=True)


def _now() -> Sequence[stat.Panel]:
    lag = About(
        "Records to be read",
        "Input records in Kafka that have not been read yet, all hosts together.",
        "short",
        steps=((None, GOOD), (1_000, WARN), (10_000, BAD)),
    )
    commit = About(
        "Since the last commit",
        "Since state, events and offsets were last committed, on the host for which it is "
        "longest. An idle one commits every 30 s.",
        "s",
        steps=COMMIT_STEPS,
    )
    partitions = About(
        "Partitions served",
        "Partitions whose figures come from some host.",
        "short",
    )
    unserved = About(
        "Served by nobody",
        "Partitions that no monitor on any host serves: their tickets are watched by nobody, and "
        "missing in all figures. Every host tells of all, so the greatest counts. After a minute "
        "it pages.",
        "short",
        steps=((None, GOOD), (1, BAD)),
    )
    delay = About(
        "Told too late by (99 %)",
        "From the moment at which a ticket was at risk or breached to the commit of the event: "
        "99 of 100 took less, in the last 5 minutes. Promised is a second.",
        "s",
        no_value="nothing told",
        steps=((None, GOOD), (0.5, WARN), (1, BAD)),
        words={"nan": ("nothing told", PLAIN)},
    )
    dead = About(
        "Dead letters, last hour",
        "Records that could not be used and went to sla-dead-letters; each says there why.",
        "short",
        steps=((None, GOOD), (1, WARN)),
    )
    return (
        big(lag, {"records": "sum(sla_lag_records)"}),
        big(commit, {"since": SINCE_COMMIT.format(by="min")}).decimals(0),
        big(partitions, {"partitions": PARTITIONS.format(by="")}),
        big(unserved, {"unserved": "max(sla_partitions_unserved)"}),
        big(delay, {"99 %": quantile_of_delay(0.99, "5m")}),
        big(dead, {"dead letters": f"sum({DEAD.format(time='1h')})"}).decimals(0),
    )
