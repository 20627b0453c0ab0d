"""The monitor itself: whether its figures can be trusted, and where it is stuck if not."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import stat
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    ScaleDistributionConfig,
)
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode, ScaleDistribution

from monitor.observability.dashboards.frame import Grid, new_board
from monitor.observability.dashboards.kinds import big, lines, listing, periods
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    NO_DATA,
    ON_GOOD,
    ON_UNKNOWN,
    ON_WARN,
    PLAIN,
    WARN,
    About,
    Panel,
    Steps,
)
from monitor.observability.dashboards.promql import CAUGHT_UP
from monitor.sla.policy import Policy

_CAUGHT_UP = {"0": ("BEHIND", ON_WARN), "1": ("CAUGHT UP", ON_GOOD)}
_SINCE_COMMIT = "time() - {by} (sla_last_commit_timestamp_seconds)"
_COMMIT_STEPS: Steps = ((None, GOOD), (45, WARN), (90, BAD))
_PARTITIONS = "count {by}(count by (instance, partition) (sla_records_total))"
_DEAD = 'increase(sla_records_total{{outcome="dead_letter"}}[{time}])'


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
    for panel in _now():
        grid.add(panel, 4, 4)
    for chart in _reading():
        grid.add(chart, 12, 8)
    for chart in _working():
        grid.add(chart, 8, 8)
    for chart in _telling():
        grid.add(chart, 8, 8)
    grid.add(_policies(), 12, 5)
    grid.add(_versions(), 12, 5)
    return board


def _now() -> Sequence[stat.Panel]:
    caught_up = About(
        "Has it read all there is?",
        "CAUGHT UP: everything in Kafka has been read, and the broker answers. BEHIND: while it "
        f"reads on, its clock is that of what it has read. {NO_DATA}: no host can be scraped.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=_CAUGHT_UP,
    )
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
        steps=_COMMIT_STEPS,
    )
    partitions = About(
        "Partitions served",
        "Partitions whose figures come from some host: less than the topics have means that "
        "nobody serves the others.",
        "short",
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
        big(caught_up, {"caught up": CAUGHT_UP}, solid=True),
        big(lag, {"records": "sum(sla_lag_records)"}),
        big(commit, {"since": _SINCE_COMMIT.format(by="min")}).decimals(0),
        big(partitions, {"partitions": _PARTITIONS.format(by="")}),
        big(delay, {"99 %": _delay(0.99, "5m")}),
        big(dead, {"dead letters": f"sum({_DEAD.format(time='1h')})"}).decimals(0),
    )


def _reading() -> Sequence[Panel]:
    caught_up = About(
        "Caught up, by host",
        "When each host had read all there is, and when it was behind.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=_CAUGHT_UP,
    )
    lag = About(
        "Records to be read, by host",
        "Input records still to be read: it falls steadily after an outage.",
        "short",
    )
    return (
        periods(caught_up, "min by (instance) (sla_caught_up)", "{{instance}}"),
        lines(lag, {"{{instance}}": "sum by (instance) (sla_lag_records)"}).axis_soft_max(10),
    )


def _working() -> Sequence[Panel]:
    commit = About(
        "Since the last commit, by host",
        "A saw below 30 s is normal; a line that only rises is a host that cannot commit.",
        "s",
        steps=_COMMIT_STEPS,
    )
    partitions = About(
        "Partitions, by host",
        "How many partitions each host serves: together always as many as the topics have. One "
        "that moves is gone from both for a moment.",
        "short",
    )
    records = About(
        "Records read a second, by topic",
        "Input records committed a second.",
        "cps",
    )
    rate = "sum by (topic) (rate(sla_records_total[$__rate_interval]))"
    return (
        lines(commit, {"{{instance}}": _SINCE_COMMIT.format(by="max by (instance)")}),
        lines(partitions, {"{{instance}}": _PARTITIONS.format(by="by (instance) ")}),
        lines(records, {"{{topic}}": rate}),
    )


def _telling() -> Sequence[Panel]:
    delay = About(
        "Detection delay",
        "From the moment at which a ticket was at risk or breached to the commit of the event. "
        "Dashed: the second that is promised.",
        "s",
        no_value="nothing was told",
        steps=((None, GOOD), (1, BAD)),
    )
    delays = {
        "half": _delay(0.5, "$__rate_interval"),
        "99 %": _delay(0.99, "$__rate_interval"),
    }
    dead = About(
        "Dead letters, by topic",
        "Records a minute that could not be used.",
        "cpm",
    )
    rate = _DEAD.format(time="$__rate_interval").replace("increase", "rate")
    late = About(
        "Odd events",
        "What a late event took back a minute, replies dated before their ticket (clock skew), "
        "and tickets created twice with different channels: signs of a producer that is wrong.",
        "cpm",
    )
    kinds = 'sla_ticket_events_total{kind=~"retracted|clock_skew|channel_conflict"}'
    odd = f"60 * sum by (kind) (rate({kinds}[$__rate_interval]))"
    return (
        lines(delay, delays, fill=0)
        .min(0.001)
        .scale_distribution(ScaleDistributionConfig().type(ScaleDistribution.LOG).log(10))
        .thresholds_style(GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)),
        lines(dead, {"{{topic}}": f"60 * sum by (topic) ({rate})"}).axis_soft_max(1),
        lines(late, {"{{kind}}": odd}).axis_soft_max(1),
    )


def _policies() -> Panel:
    about = About(
        "Policy in force",
        "Which channels and formula the hosts go by, and how many do: more than one row means "
        "that they do not agree.",
        "none",
    )
    return listing(about, "count by (formula, channels) (sla_policy_info)")


def _versions() -> Panel:
    about = About(
        "Versions",
        "Which versions run, and on how many hosts.",
        "none",
    )
    return listing(about, "count by (version) (sla_build_info)")


def _delay(quantile: float, time: str) -> str:
    rate = f"sum by (le) (rate(sla_detection_delay_seconds_bucket[{time}]))"
    return f"histogram_quantile({quantile}, {rate})"
