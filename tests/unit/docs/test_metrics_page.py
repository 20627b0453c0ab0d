"""The page of metrics, the exposition, and what was promised: they agree in every direction."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.observability.exposition import exposition
from monitor.observability.figures import Health, State, overview
from monitor.observability.metrics import Metrics
from monitor.observability.stats import Delays, count, partition_stats
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND
from monitor.sla.measures import Measures
from monitor.sla.policy import DEFAULT_POLICY, Policy
from tests.support.metrics_page import documented, label_values

PROMISED = """
sla_tickets_open, sla_tickets_waiting, sla_tickets_at_risk, sla_tickets_overdue,
sla_oldest_waiting_timestamp_seconds, sla_next_deadline_timestamp_seconds,
sla_first_response_seconds (histogram, an edge on each threshold),
sla_first_responses_total{outcome=met|missed|abandoned}, sla_ticket_events_total{kind},
sla_window_first_response_seconds{window,quantile}, sla_window_service_level_ratio{window},
sla_window_tickets{window,state}, sla_target_seconds{threshold}, sla_target_ratio,
sla_records_total{topic,outcome}, sla_detection_delay_seconds (due to committed),
sla_lag_records, sla_caught_up, sla_last_commit_timestamp_seconds, sla_build_info,
sla_policy_info
"""
"""The list of the contract, word for word: it is not to be changed with the program."""

BEYOND = {
    *("sla_retractions_total", "sla_partitions_unserved"),
    *(
        "sla_ticket_resolution_seconds",
        "sla_window_ticket_resolution_seconds",
        "sla_tickets_unresolved",
    ),
    *("sla_window_customers", "sla_window_customers_overall", "sla_customers"),
    *("sla_survey_answers_total", "sla_window_survey_answers", "sla_surveys_unmatched"),
    *("sla_window_csat_ratio", "sla_window_net_promoter_score"),
    *("sla_customer_changes_total", "sla_customer_retractions_total"),
    *("sla_window_customer_changes", "sla_window_customer_retention_ratio"),
    "sla_window_customer_churn_ratio",
    "sla_tickets_likely_late",
    "sla_error_budget_tickets",
    "sla_warnings_total",
    "sla_forecast_squared_error",
    "sla_warning_lead_seconds",
    "sla_forecasts",
    "sla_forecasts_missed_ratio",
}
"""What had to be added to it; the page says so, and why."""

TEAMS = Policy(DEFAULT_POLICY.channels, teams=("billing",))
T0 = 1_800_000_000 * SECOND

every_policy = pytest.mark.parametrize("policy", [DEFAULT_POLICY, TEAMS], ids=["plain", "teams"])


def families(policy):
    """Return what is exposed with one partition, as the official parser reads it."""
    engine = Engine(policy)
    engine.advance(T0)
    counts = count(engine, {"ticket-created": {"ok": 1, "dead_letter": 0}})
    now = T0 / SECOND
    part = partition_stats(
        *(0, engine),
        measures=Measures(engine),
        counts=counts,
        lag=0,
        caught_up=True,
        last_commit=now,
    )
    health = Health(
        now=now,
        state=State.LIVE,
        clock=now,
        lag_records=0,
        partitions=1,
        partitions_caught_up=1,
        last_commit=now,
        delays=Delays(),
    )
    text = exposition(Metrics(policy).of(overview(policy, [part], health)))
    return list(text_string_to_metric_families(text))


def name_of(family):
    return f"{family.name}_total" if family.type == "counter" else family.name


def labels_of(family):
    return frozenset(label for sample in family.samples for label in sample.labels)


def promised():
    """Return the labels that the contract names, by metric."""
    text = re.sub(r"\([^)]*\)", "", PROMISED)
    found = re.findall(r"(sla_\w+)(?:\{([^}]*)\})?", text)
    return {
        name: {each.partition("=")[0] for each in labels.split(",") if each}
        for name, labels in found
    }


@every_policy
def test_the_page_tells_of_every_metric_that_is_shown_and_of_no_other(policy):
    shown = {
        (name_of(family), family.type, labels_of(family), family.documentation)
        for family in families(policy)
    }
    absent = set() if policy.teams else {"team"}
    told = {(each.name, each.type, each.labels - absent, each.means) for each in documented()}
    assert told == shown


def test_what_was_promised_is_shown_and_what_is_shown_beyond_it_is_known():
    shown = {name_of(family): labels_of(family) for family in families(DEFAULT_POLICY)}
    assert shown.keys() == promised().keys() | BEYOND
    for name, labels in promised().items():
        assert labels <= shown[name], name


def test_labels_beyond_the_promise_are_the_channel_the_partition_and_what_the_type_needs():
    shown = {name_of(family): labels_of(family) for family in families(DEFAULT_POLICY)}
    usual = {"channel", "partition", "le"}
    infos = {"sla_build_info": {"version"}, "sla_policy_info": {"formula", "channels"}}
    for name, labels in promised().items():
        assert shown[name] - labels - usual == infos.get(name, set()), name


def test_the_histogram_of_first_responses_has_an_edge_on_each_threshold():
    (latency,) = [f for f in families(DEFAULT_POLICY) if f.name == "sla_first_response_seconds"]
    for channel, target in DEFAULT_POLICY.channels.items():
        edges = {
            float(sample.labels["le"])
            for sample in latency.samples
            if sample.labels["channel"] == channel and "le" in sample.labels
        }
        assert {target.at_risk / SECOND, target.limit / SECOND} <= edges


def test_the_outcomes_of_the_promise_are_those():
    met_missed_abandoned = re.search(r"outcome=([a-z|]+)", PROMISED).group(1).split("|")
    values = label_values()["sla_first_responses_total", "outcome"]
    assert values == set(met_missed_abandoned)


def test_the_page_lists_every_value_of_the_labels_that_are_not_the_policys_or_the_brokers():
    free = {"channel", "team", "partition", "topic", "le", "version", "formula", "channels"}
    shown = {}
    for family in families(TEAMS):
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in free:
                    shown.setdefault((name_of(family), label), set()).add(value)
    assert label_values() == shown


def test_every_query_on_the_page_is_of_the_metric_that_it_stands_beside():
    for each in documented():
        assert re.search(rf"\b{each.name}(_bucket|_sum)?\b", each.query), each
