"""The charts of the monitor's health, and what its figures of now share with them."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode

from monitor.observability.dashboards.kinds import lines, listing, on_log_scale, periods
from monitor.observability.dashboards.panels import (
    BAD,
    GOOD,
    ON_GOOD,
    ON_UNKNOWN,
    ON_WARN,
    WARN,
    About,
    Panel,
    Steps,
)

CAUGHT_UP_WORDS = {"0": ("BEHIND", ON_WARN), "1": ("CAUGHT UP", ON_GOOD)}
SINCE_COMMIT = "time() - {by} (sla_last_commit_timestamp_seconds)"
COMMIT_STEPS: Steps = ((None, GOOD), (45, WARN), (90, BAD))
PARTITIONS = "count {by}(count by (instance, partition) (sla_records_total))"
DEAD = 'increase(sla_records_total{{outcome="dead_letter"}}[{time}])'


def reading() -> Sequence[Panel]:
    """Return how far each host has come."""
    caught_up = About(
        "Caught up, by host",
        "When each host had read all there is, and when it was behind.",
        "none",
        steps=((None, ON_UNKNOWN),),
        words=CAUGHT_UP_WORDS,
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


def working() -> Sequence[Panel]:
    """Return what each host does."""
    commit = About(
        "Since the last commit, by host",
        "A saw below 30 s is normal; a line that only rises is a host that cannot commit.",
        "s",
        steps=COMMIT_STEPS,
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
        lines(commit, {"{{instance}}": SINCE_COMMIT.format(by="max by (instance)")}),
        lines(partitions, {"{{instance}}": PARTITIONS.format(by="by (instance) ")}),
        lines(records, {"{{topic}}": rate}),
    )


def telling() -> Sequence[Panel]:
    """Return how late things are told, and what could not be used."""
    delay = About(
        "Detection delay",
        "From the moment at which a ticket was at risk or breached to the commit of the event. "
        "Dashed: the second that is promised.",
        "s",
        no_value="nothing was told",
        steps=((None, GOOD), (1, BAD)),
    )
    delays = {
        "half": quantile_of_delay(0.5, "$__rate_interval"),
        "99 %": quantile_of_delay(0.99, "$__rate_interval"),
    }
    dead = About(
        "Dead letters, by topic",
        "Records a minute that could not be used.",
        "cpm",
    )
    rate = DEAD.format(time="$__rate_interval").replace("increase", "rate")
    late = About(
        "Odd events",
        "What a late event took back a minute, replies dated before their ticket (clock skew), "
        "and tickets created twice with different channels: signs of a producer that is wrong.",
        "cpm",
    )
    kinds = 'sla_ticket_events_total{kind=~"retracted|clock_skew|channel_conflict"}'
    odd = f"60 * sum by (kind) (rate({kinds}[$__rate_interval]))"
    return (
        on_log_scale(lines(delay, delays, fill=0), 0.001).thresholds_style(
            GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        ),
        lines(dead, {"{{topic}}": f"60 * sum by (topic) ({rate})"}).axis_soft_max(1),
        lines(late, {"{{kind}}": odd}).axis_soft_max(1),
    )


def policies() -> Panel:
    """Return by which policies the hosts go."""
    about = About(
        "Policy in force",
        "Which channels and formula the hosts go by, and how many do: more than one row means "
        "that they do not agree.",
        "none",
    )
    return listing(about, "count by (formula, channels) (sla_policy_info)")


def versions() -> Panel:
    """Return which versions run."""
    about = About(
        "Versions",
        "Which versions run, and on how many hosts.",
        "none",
    )
    return listing(about, "count by (version) (sla_build_info)")


def quantile_of_delay(quantile: float, time: str) -> str:
    """Return within how many seconds this share of events was told."""
    rate = f"sum by (le) (rate(sla_detection_delay_seconds_bucket[{time}]))"
    return f"histogram_quantile({quantile}, {rate})"
