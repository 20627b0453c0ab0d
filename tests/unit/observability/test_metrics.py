"""The exposition, read by the official parser: the values behind the names.

The names are held by the page of metrics, in tests/unit/docs.
"""

import math

import pytest

from monitor.observability.exposition import exposition
from monitor.observability.figures import Health, State, overview
from monitor.observability.metrics import Metrics
from monitor.observability.stats import Delays, count, partition_stats
from monitor.sla.engine import Engine
from monitor.sla.events import (
    SECOND,
    AgentReplied,
    CustomerChanged,
    SurveyAnswered,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.measures import Measures
from monitor.sla.policy import DEFAULT_POLICY, Policy, Target
from tests.support.program import Scrape

T0 = 1_800_000_000 * SECOND


def health(**changes):
    values = {
        "now": T0 / SECOND,
        "state": State.LIVE,
        "clock": T0 / SECOND,
        "lag_records": 0,
        "partitions": 1,
        "partitions_caught_up": 1,
        "last_commit": T0 / SECOND,
    }
    return Health(**(values | changes))


def part(number, engine):
    counts = count(engine, {"ticket-created": {"ok": 3, "dead_letter": 1}})
    return partition_stats(
        number, engine, counts=counts, lag=0, caught_up=True, last_commit=T0 / SECOND
    )


def shown(policy, engines, **changes):
    parts = [part(number, engine) for number, engine in enumerate(engines)]
    return Metrics(policy).of(overview(policy, parts, health(**changes)))


def scrape(policy, engines, **changes):
    return Scrape(exposition(shown(policy, engines, **changes)))


@pytest.fixture
def engine():
    """One chat answered in time, one on the limit, one late, one abandoned, one left alone."""
    engine = Engine(DEFAULT_POLICY)
    engine.apply(
        [
            *(TicketCreated(name, "chat", T0) for name in ("quick", "exact", "late", "gone")),
            TicketCreated("alone", "chat", T0 + 1),
            AgentReplied("quick", T0 + 10 * SECOND),
            AgentReplied("exact", T0 + 120 * SECOND),
            AgentReplied("late", T0 + 125 * SECOND),
            TicketClosed("gone", T0 + 20 * SECOND),
        ]
    )
    engine.advance(T0 + 130 * SECOND)
    return engine


def test_every_channel_is_there_with_zeros_before_anything_happened():
    page = scrape(DEFAULT_POLICY, [])
    for channel in DEFAULT_POLICY.channels:
        assert page.get("sla_tickets_waiting", channel=channel) == 0
        assert page.get("sla_window_tickets", channel=channel, window="24h", state="met") == 0
        ratio = page.get("sla_window_service_level_ratio", channel=channel, window="1h")
        assert math.isnan(ratio)


def test_each_open_partition_counts_every_channel_from_zero():
    page = scrape(DEFAULT_POLICY, [Engine(DEFAULT_POLICY), Engine(DEFAULT_POLICY)])
    for partition in "01":
        for channel in DEFAULT_POLICY.channels:
            labels = {"partition": partition, "channel": channel}
            assert page.get("sla_first_response_seconds_count", **labels) == 0
            for outcome in ("met", "missed", "abandoned"):
                assert page.get("sla_first_responses_total", outcome=outcome, **labels) == 0
            assert page.get("sla_ticket_events_total", kind="created", **labels) == 0
            assert page.get("sla_retractions_total", kind="met", **labels) == 0


def test_the_values_are_those_of_the_tickets(engine):
    page = scrape(DEFAULT_POLICY, [engine])
    get = page.get
    assert get("sla_tickets_open", channel="chat") == 4
    assert get("sla_tickets_waiting", channel="chat") == 1
    assert get("sla_tickets_at_risk", channel="chat") == 1
    assert get("sla_tickets_overdue", channel="chat") == 1
    assert get("sla_oldest_waiting_timestamp_seconds", channel="chat") == (T0 + 1) / SECOND
    assert math.isnan(get("sla_next_deadline_timestamp_seconds", channel="chat"))
    outcomes = {
        outcome: get("sla_first_responses_total", partition="0", channel="chat", outcome=outcome)
        for outcome in ("met", "missed", "abandoned")
    }
    assert outcomes == {"met": 2, "missed": 2, "abandoned": 1}
    assert get("sla_window_service_level_ratio", channel="chat", window="5m") == 0.5
    assert get("sla_window_first_response_seconds_count", channel="chat", window="5m") == 3
    assert page.sum("sla_ticket_events_total", channel="chat", kind="breached") == 2
    assert page.sum("sla_records_total", topic="ticket-created", outcome="dead_letter") == 1


def test_who_left_at_once_is_counted_among_the_abandoned():
    engine = Engine(DEFAULT_POLICY)
    events = [TicketCreated(name, "phone", T0) for name in ("at once", "soon")]
    events += [TicketClosed("at once", T0 + 5 * SECOND), TicketClosed("soon", T0 + 6 * SECOND)]
    engine.apply(events)
    engine.advance(T0 + 10 * SECOND)
    page = scrape(DEFAULT_POLICY, [engine])
    window = {"channel": "phone", "window": "5m"}
    assert page.get("sla_window_tickets", state="abandoned", **window) == 2
    assert page.get("sla_window_tickets", state="short_abandoned", **window) == 1
    assert page.sum("sla_ticket_events_total", channel="phone", kind="short_abandoned") == 1
    assert page.sum("sla_first_responses_total", channel="phone", outcome="abandoned") == 2


def test_a_response_exactly_on_the_limit_is_within_the_bucket_of_the_limit(engine):
    page = scrape(DEFAULT_POLICY, [engine])
    assert page.sum("sla_first_response_seconds_bucket", channel="chat", le="120.0") == 2
    assert page.sum("sla_first_response_seconds_bucket", channel="chat", le="+Inf") == 3
    assert page.sum("sla_first_response_seconds_sum", channel="chat") == 255


def test_figures_of_several_partitions_add_up(engine):
    page = scrape(DEFAULT_POLICY, [engine, engine])
    assert page.get("sla_tickets_waiting", channel="chat") == 2
    assert page.sum("sla_first_response_seconds_count", channel="chat") == 6
    assert page.get("sla_first_response_seconds_count", partition="1", channel="chat") == 3
    assert page.get("sla_window_tickets", channel="chat", window="5m", state="created") == 10


def test_how_good_the_warnings_were_is_told_by_warning_and_outcome():
    page = scrape(DEFAULT_POLICY, [Engine(DEFAULT_POLICY), watched(4, 6)])
    of = {"partition": "1", "channel": "phone"}
    told = {
        (warning, outcome): page.get("sla_warnings_total", warning=warning, outcome=outcome, **of)
        for warning in ("likely_late", "at_risk")
        for outcome in ("true_positive", "false_positive", "false_negative")
    }
    assert told["at_risk", "true_positive"] == 4
    assert told["likely_late", "true_positive"] + told["likely_late", "false_negative"] == 4
    error = page.get("sla_forecast_squared_error_sum", warning="at_risk", **of)
    count = page.get("sla_forecast_squared_error_count", warning="at_risk", **of)
    # Four missed, at each of the ten ticks before the at-risk threshold.
    assert error == 40
    assert count == 4 * 20 + 6 * 10
    said = page.sum("sla_forecasts", channel="phone")
    assert said == count
    rows = page.sum("sla_forecasts", channel="phone", chance="0.95")
    assert rows == 0 or page.get("sla_forecasts_missed_ratio", channel="phone", chance="0.95") == 1
    lead = page.get("sla_warning_lead_seconds", channel="phone", warning="at_risk", quantile="0.5")
    assert lead == 240 - 120 - 6  # the first tick after the threshold
    assert math.isnan(
        page.get("sla_warning_lead_seconds", channel="chat", warning="at_risk", quantile="0.5")
    )


def watched(missed, met):
    """Return an engine that was looked at each second while phone calls came and were answered."""
    engine = Engine(DEFAULT_POLICY)
    calls = [f"P-{number}" for number in range(missed + met)]
    for seconds in range(600):
        now = T0 + seconds * SECOND
        engine.advance(now)
        if seconds == 1:
            engine.apply([TicketCreated(call, "phone", now) for call in calls])
        if seconds == 121:
            engine.apply([AgentReplied(call, now) for call in calls[:met]])
        engine.look()
    return engine


def test_who_will_likely_be_late_and_what_is_left_to_miss_are_gauges(engine):
    page = scrape(DEFAULT_POLICY, [engine])
    assert page.get("sla_tickets_likely_late", channel="chat") == 0
    # Two of four were in time, and nine of ten should be.
    assert page.get("sla_error_budget_tickets", channel="chat") == pytest.approx(2 / 0.9 - 4)
    waiting = Engine(DEFAULT_POLICY)
    waiting.apply([TicketCreated("slow", "chat", T0)])
    waiting.advance(T0 + 119 * SECOND)
    page = scrape(DEFAULT_POLICY, [waiting])
    assert page.get("sla_tickets_likely_late", channel="chat") == 1


def test_teams_get_a_label_where_the_policy_names_them_and_the_rest_is_other():
    policy = Policy(DEFAULT_POLICY.channels, teams=("billing",))
    engine = Engine(policy)
    engine.apply(
        [
            TicketCreated("a", "chat", T0, team="billing"),
            TicketCreated("b", "chat", T0, team="sales"),
        ]
    )
    engine.advance(T0)
    page = scrape(policy, [engine])
    assert page.get("sla_tickets_waiting", channel="chat", team="billing") == 1
    assert page.get("sla_tickets_waiting", channel="chat", team="other") == 1
    assert page.get("sla_tickets_waiting", channel="phone", team="billing") == 0


def test_a_breach_taken_back_adds_to_the_retractions_and_lowers_no_counter(engine):
    engine.apply([AgentReplied("late", T0 + 30 * SECOND)])
    page = scrape(DEFAULT_POLICY, [engine])
    assert page.sum("sla_first_responses_total", channel="chat", outcome="missed") == 2
    assert page.sum("sla_first_responses_total", channel="chat", outcome="met") == 3
    assert page.sum("sla_retractions_total", channel="chat", kind="breached") == 1
    assert page.sum("sla_ticket_events_total", channel="chat", kind="retracted") == 1
    assert page.net("chat", "breached") == 1
    assert page.get("sla_window_service_level_ratio", channel="chat", window="5m") == 0.75


@pytest.mark.parametrize(
    ("state", "caught_up"),
    [(State.LIVE, 1), (State.BEHIND, 0), (State.STARTING, 0), (State.BROKER_AWAY, 0)],
)
def test_caught_up_is_said_only_while_all_is_read_and_the_broker_answers(state, caught_up):
    assert scrape(DEFAULT_POLICY, [], state=state).get("sla_caught_up") == caught_up


def test_the_delay_from_threshold_to_commit_is_observed_for_what_was_due():
    fresh = Engine(DEFAULT_POLICY)
    fresh.apply([TicketCreated("x", "chat", T0)])
    delays = Delays()
    delays.observe(fresh.advance(T0 + 130 * SECOND), T0 + 130 * SECOND)
    page = scrape(DEFAULT_POLICY, [], delays=delays)
    assert page.get("sla_detection_delay_seconds_count") == 2
    assert page.get("sla_detection_delay_seconds_sum") == 50


@pytest.mark.parametrize(
    "name",
    ['"} 1\nsla_tickets_open{x="', "\\", 'a\\"b\\n', "<script>", "\u202eabc", "{{ $value }}"],
)
def test_whatever_a_channel_or_a_team_is_called_it_is_one_label(name):
    policy = Policy({name: Target(SECOND, 2 * SECOND)}, teams=(name,))
    page = scrape(policy, [Engine(policy)])
    ordinary = scrape(DEFAULT_POLICY, [Engine(DEFAULT_POLICY)])
    assert page._types == ordinary._types
    assert page.get("sla_tickets_open", channel=name, team=name) == 0


def test_nothing_of_a_ticket_but_its_channel_and_a_team_that_is_named_is_in_any_label():
    policy = Policy(DEFAULT_POLICY.channels, teams=("billing",))
    engine = Engine(policy)
    engine.apply([TicketCreated("T-4711", "chat", T0, team="<script>", priority="T-4711")])
    engine.advance(T0 + SECOND)
    page = scrape(policy, [engine])
    assert page.get("sla_tickets_waiting", channel="chat", team="other") == 1
    assert "T-4711" not in page.text
    assert "script" not in page.text


# -- the measures of docs/measures.md


def measured(*events, now=T0, policy=DEFAULT_POLICY):
    measures = Measures(Engine(policy))
    for event in events:
        measures.step(event, max(measures.engine.clock, min(event.at, now)))
    measures.engine.advance(now)
    measures.advance()
    return measures


def scrape_measures(policy, *parts, everywhere=None):
    def stats(number, measures):
        counts = count(measures.engine, {}, measures.base.counted)
        return partition_stats(
            *(number, measures.engine),
            measures=measures,
            counts=counts,
            lag=0,
            caught_up=True,
            last_commit=0.0,
        )

    mine, others = (
        [stats(*each) for each in enumerate(some)] for some in (parts, everywhere or ())
    )
    view = overview(policy, mine, health(), everywhere=[*mine, *others])
    return Scrape(exposition(Metrics(policy).of(view)))


def test_first_response_time_is_the_mean_of_all_replies():
    """54,000 s over 800 replies = 67.5 s."""
    events = []
    for number in range(800):
        events.append(TicketCreated(f"{number}", "chat", T0))
        waited = 60 if number % 2 else 75
        events.append(AgentReplied(f"{number}", T0 + waited * SECOND))
    page = scrape_measures(DEFAULT_POLICY, measured(*events, now=T0 + 75 * SECOND))
    labels = {"channel": "chat", "window": "1h"}
    total = page.get("sla_window_first_response_seconds_sum", **labels)
    replies = page.get("sla_window_first_response_seconds_count", **labels)
    assert (total, replies, total / replies) == (54_000, 800, 67.5)


def test_resolution_time_is_from_creation_to_close_of_what_was_answered():
    """Three tickets of 1 h, 2 h and 6 h: 3 h. One that was closed unanswered is not resolved."""
    events = [TicketCreated(name, "email", T0) for name in ("a", "b", "c", "abandoned")]
    events += [AgentReplied(name, T0 + 60 * SECOND) for name in ("a", "b", "c")]
    hours = {"a": 1, "b": 2, "c": 6, "abandoned": 7}
    events += [TicketClosed(name, T0 + 3600 * SECOND * h) for name, h in hours.items()]
    page = scrape_measures(DEFAULT_POLICY, measured(*events, now=T0 + 8 * 3600 * SECOND))
    labels = {"channel": "email", "window": "24h"}
    total = page.get("sla_window_ticket_resolution_seconds_sum", **labels)
    resolved = page.get("sla_window_ticket_resolution_seconds_count", **labels)
    assert (total / resolved, resolved) == (3 * 3600, 3)
    assert page.get("sla_window_tickets", state="closed", **labels) == 4
    assert page.sum("sla_ticket_resolution_seconds_sum", channel="email") == 9 * 3600
    assert page.sum("sla_ticket_events_total", channel="email", kind="resolved") == 3


def test_a_preferred_channel_is_the_share_of_tickets_and_of_customers():
    """60 of 100 tickets, 30 of 40 customers on chat; 10 use both channels and count once."""
    chat = [TicketCreated(f"c{n}", "chat", T0, customer=1 + n % 30) for n in range(60)]
    email = [TicketCreated(f"e{n}", "email", T0, customer=21 + n % 20) for n in range(40)]
    page = scrape_measures(DEFAULT_POLICY, measured(*chat, *email))
    assert page.get("sla_window_tickets", channel="chat", window="5m", state="created") == 60
    assert page.get("sla_window_customers", channel="chat", window="5m") == 30
    assert page.get("sla_window_customers", channel="email", window="5m") == 20
    assert page.get("sla_window_customers", channel="phone", window="5m") == 0
    assert page.get("sla_window_customers_overall", window="5m", kind="all") == 40
    assert page.get("sla_window_customers_overall", window="5m", kind="omnichannel") == 10


def test_a_customer_in_several_partitions_and_on_several_hosts_is_counted_once():
    ours = [
        measured(*(TicketCreated(f"t{each}", "chat", T0, customer=each) for each in some))
        for some in ((1, 2, 3), (2, 3, 4))
    ]
    theirs = measured(TicketCreated("x", "phone", T0, customer=4))
    page = scrape_measures(DEFAULT_POLICY, *ours, everywhere=[theirs])
    assert page.get("sla_window_customers", channel="chat", window="1h") == 4
    assert page.get("sla_window_customers", channel="phone", window="1h") == 1
    assert page.get("sla_window_customers_overall", window="1h", kind="all") == 4
    assert page.get("sla_window_customers_overall", window="1h", kind="omnichannel") == 1
    assert page.get("sla_tickets_open", channel="phone") == 0


def test_the_backlog_is_what_is_unresolved_for_longer_than_each_age():
    """Of five tickets open for 10 min, 2 h, 9 h, 2 d and 8 d: 4, 3, 2, 1 and 1."""
    ages = (600, 7200, 9 * 3600, 2 * 86_400, 8 * 86_400)
    events = [TicketCreated(f"{age}", "email", T0 - age * SECOND) for age in ages]
    answered = AgentReplied("7200", T0 - 60 * SECOND)
    closed = [TicketCreated("c", "email", T0 - 86_400 * SECOND), TicketClosed("c", T0)]
    page = scrape_measures(DEFAULT_POLICY, measured(*events, answered, *closed))
    found = {
        age: page.get("sla_tickets_unresolved", channel="email", older_than=age)
        for age in ("1h", "8h", "24h", "3d", "7d")
    }
    assert found == {"1h": 4, "8h": 3, "24h": 2, "3d": 1, "7d": 1}


def test_answers_to_surveys_are_counted_by_channel():
    """150 of 200 answers satisfied: 75 %. 50 promoters and 20 detractors of 100: 30."""
    events = [TicketCreated("a", "chat", T0)]
    scores = [5] * 150 + [2] * 50
    events += [SurveyAnswered(f"c{n}", "a", "csat", s, T0) for n, s in enumerate(scores)]
    scores = [10] * 50 + [8] * 30 + [3] * 20
    events += [SurveyAnswered(f"n{n}", "a", "nps", s, T0) for n, s in enumerate(scores)]
    events.append(SurveyAnswered("lost", "nobody knows it", "csat", 5, T0))
    page = scrape_measures(DEFAULT_POLICY, measured(*events))
    labels = {"channel": "chat", "window": "1h"}
    assert page.get("sla_window_csat_ratio", **labels) == 0.75
    assert page.get("sla_window_net_promoter_score", **labels) == 30
    assert page.get("sla_window_survey_answers", answer="passive", **labels) == 30
    assert page.sum("sla_survey_answers_total", channel="chat", answer="satisfied") == 150
    assert page.get("sla_surveys_unmatched") == 1
    assert math.isnan(page.get("sla_window_csat_ratio", channel="phone", window="1h"))
    assert math.isnan(page.get("sla_window_net_promoter_score", channel="phone", window="1h"))


def test_retention_and_churn_are_of_the_customers_at_the_start():
    """(1,200 - 300) / 1,000 = 90 %, and 100 of 1,000 who left: 10 %; over two partitions."""
    long_ago, parts = T0 - 400 * 86_400 * SECOND, []
    for half in "ab":
        events = [CustomerChanged(f"{half}{n}", joined=True, at=long_ago) for n in range(500)]
        events += [CustomerChanged(f"new {half}{n}", joined=True, at=T0) for n in range(150)]
        events += [CustomerChanged(f"{half}{n}", joined=False, at=T0) for n in range(50)]
        parts.append(measured(*events))
    page = scrape_measures(DEFAULT_POLICY, *parts)
    assert page.get("sla_customers") == 1200
    assert page.get("sla_window_customer_changes", window="24h", change="joined") == 300
    assert page.get("sla_window_customer_retention_ratio", window="24h") == 0.9
    assert page.get("sla_window_customer_churn_ratio", window="24h") == 0.1
    assert page.sum("sla_customer_changes_total", change="joined") == 1300
    nobody = scrape_measures(DEFAULT_POLICY, measured())
    assert math.isnan(nobody.get("sla_window_customer_churn_ratio", window="24h"))
