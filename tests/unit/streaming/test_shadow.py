"""A policy that is only tried: its own figures are right, and nothing else is any different."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.observability.exposition import exposition
from monitor.observability.figures import Health, State, overview
from monitor.observability.metrics import SHADOW_PREFIX, Metrics
from monitor.observability.stats import count, partition_stats
from monitor.sla.events import SECOND, AgentReplied, TicketCreated
from monitor.sla.policy import Policy, Target
from tests.support.program import ROOT
from tests.unit.sla.strategies import CHANNELS, CLOCKED, HOURS, LISTS, RULES, START
from tests.unit.sla.watching import backlogs, windows
from tests.unit.streaming.feeding import Feed, Log, begin, live_feeds, record, steps

SLOW = Policy({**CHANNELS, "chat": Target(200 * SECOND, 300 * SECOND)})
SHADOWS = st.sampled_from((SLOW, HOURS, LISTS, RULES, CLOCKED))


@given(live_feeds, steps, SHADOWS, st.booleans())
def test_a_shadow_shows_what_a_monitor_with_that_policy_would(history, order, shadow, over):
    """Also of tickets with no policy but its own: as if it had been in force all the time."""
    feed = Feed([record(event) for event in history])
    tried = begin(shadow=shadow, over_at_reply=over)
    real = begin(policy=replace(shadow, clocks={}), over_at_reply=over)
    for topic, n in order:
        for state in (tried, real):
            feed.read(state, topic, n)
    for state in (tried, real):
        feed.read_all(state)
    assert backlogs(tried.shadow.engine) == backlogs(real.engine)
    assert windows(tried.shadow.engine) == windows(real.engine)


@given(st.data(), live_feeds, steps, SHADOWS)
def test_with_a_shadow_all_that_is_written_is_the_same_as_without(data, history, order, shadow):
    feed = Feed([record(event) for event in history])
    plain, log = begin(), Log()
    tried = begin(shadow=shadow)
    for topic, n in order:
        for state in (plain, tried):
            feed.read(state, topic, n)
        if data.draw(st.booleans(), "commit"):
            assert log.commit(plain) == tried.drain()
            if data.draw(st.booleans(), "restart"):
                plain, tried = log.begin_again(), log.begin_again(shadow=shadow)
    for state in (plain, tried):
        feed.read_all(state)
        state.forget()
    assert plain.drain() == tried.drain()


@given(live_feeds, steps, SHADOWS)
def test_a_shadow_shows_the_same_after_a_restart(history, order, shadow):
    feed, log = Feed([record(event) for event in history]), Log()
    state = begin(shadow=shadow)
    for topic, n in order:
        feed.read(state, topic, n)
    log.commit(state)
    again = log.begin_again(shadow=shadow)
    assert backlogs(again.shadow.engine) == backlogs(state.shadow.engine)
    assert windows(again.shadow.engine) == windows(state.shadow.engine)


def test_a_shadow_may_come_and_go_while_a_partition_is_served():
    state, log = begin(), Log()
    _, created = record(TicketCreated("a", "chat", START))
    state.take("ticket-created", [created], 1, START)
    state.tick((), START + 100 * SECOND)
    log.commit(state)
    assert state.is_under(state.policy, None)
    tried = state.under(state.policy, SLOW)
    assert tried.is_under(state.policy, SLOW)
    assert (tried.shadow.engine.backlogs[0].at_risk, tried.engine.backlogs[0].at_risk) == (0, 1)
    assert not tried.is_dirty
    assert tried.under(state.policy).shadow is None


def text_of(state, policy, shadow):
    now = state.engine.clock / SECOND
    part = partition_stats(
        *(0, state.engine),
        counts=count(state.engine, {}),
        lag=0,
        caught_up=True,
        last_commit=now,
        shadow=state.shadow,
    )
    health = Health(
        now=now,
        state=State.LIVE,
        clock=now,
        lag_records=0,
        partitions=1,
        partitions_caught_up=1,
        last_commit=now,
    )
    return exposition(Metrics(policy, shadow).of(overview(policy, [part], health, shadow=shadow)))


def shown(shadow):
    state = begin(shadow=shadow)
    for event in (TicketCreated("a", "chat", START), AgentReplied("b", START)):
        topic, one = record(event)
        state.take(topic, [one], 1, START)
    state.tick((), START + 150 * SECOND)
    return text_of(state, state.policy, shadow)


def test_the_real_metrics_are_the_same_to_the_letter_and_the_shadow_s_have_names_of_their_own():
    without, lines = shown(None), shown(SLOW).splitlines()
    real = [line for line in lines if SHADOW_PREFIX not in line]
    assert real == without.splitlines()
    of_shadow = [line for line in lines if line.startswith(SHADOW_PREFIX)]
    assert all('policy="shadow"' in line for line in of_shadow)
    assert 'sla_shadow_tickets_overdue{channel="chat",policy="shadow"} 0' in of_shadow
    assert 'sla_shadow_tickets_waiting{channel="chat",policy="shadow"} 1' in of_shadow
    limit = 'sla_shadow_target_seconds{channel="chat",threshold="limit",policy="shadow"} 300.0'
    assert limit in of_shadow


def test_no_rule_and_no_dashboard_looks_at_a_shadow():
    shipped = [ROOT / "deploy" / "prometheus" / "sla-monitor.rules.yml"]
    for path in [*shipped, *(ROOT / "grafana" / "dashboards").glob("*.json")]:
        text = path.read_text(encoding="utf-8")
        assert "sla_" in text
        assert SHADOW_PREFIX not in text
        assert "__name__" not in text
