"""A partition's policies: restart and reload are one and the same, and each change is told once."""

import json
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND, AgentReplied, CustomerReplied, TicketCreated
from monitor.sla.policy import DEFAULT_POLICY, Policy, Target
from monitor.sla.policy_file import dump_policy, parse_policy
from monitor.sla.ticket import Kind
from monitor.sla.views import Book
from monitor.streaming.changelog import POLICIES_KEY, pack_policies
from monitor.streaming.codec import policy_event
from monitor.streaming.policies import InForce
from monitor.streaming.settings import Settings
from tests.support.schemas import unnamed, validator
from tests.unit.sla.strategies import CHANNELS, CHAT, CLOCKED, LISTS, PLAIN, RULES, START
from tests.unit.sla.watching import story, views
from tests.unit.streaming.feeding import (
    KINDS,
    POLICY,
    TOPICS,
    WALL,
    Feed,
    Log,
    begin,
    live_feeds,
    record,
    steps,
)

LOOSER = Policy({**CHANNELS, "chat": Target(200 * SECOND, 300 * SECOND)})
OTHERS = st.sampled_from((LOOSER, LISTS, RULES, CLOCKED))


def read(state, *events, wall):
    for event in events:
        topic, one = record(event, None, state.ends[record(event)[0]])
        state.take(topic, [one], state.ends[topic] + 1, wall)
    state.tick((), wall)


def kept(log):
    return msgspec.msgpack.decode(log.packed[POLICIES_KEY], type=tuple[InForce, ...])


def begun(*events, wall):
    state, log = begin(), Log()
    read(state, *events, wall=wall)
    log.commit(state)
    return state, log


def test_the_first_policy_is_no_change_and_is_kept():
    _, log = begun(TicketCreated("T1", "chat", START), wall=START)
    assert log.last.policy_change is None
    assert [each.number for each in kept(log)] == [0]
    assert parse_policy(kept(log)[0].text) == POLICY


def test_a_restart_with_another_policy_is_told_once_before_all_that_follows():
    _, log = begun(TicketCreated("T1", "chat", START), wall=START + 50 * SECOND)
    again = log.begin_again(policy=LOOSER)
    assert again.has_news
    again.tick((), START + 400 * SECOND)
    batch = log.commit(again)
    assert (batch.policy_change.number, batch.policy_change.at) == (1, START + 50 * SECOND)
    assert [(e.kind, e.at - START) for e in batch.effects] == [
        (Kind.AT_RISK, 200 * SECOND),
        (Kind.BREACHED, 300 * SECOND),
    ]
    assert not again.has_news
    assert log.commit(again).policy_change is None
    once_more = log.begin_again(policy=LOOSER)
    once_more.tick((), START + 500 * SECOND)
    batch = log.commit(once_more)
    assert (batch.policy_change, batch.effects) == (None, [])


def test_a_change_that_was_not_committed_is_the_same_one_when_it_is_made_again():
    _, log = begun(TicketCreated("T1", "chat", START), wall=START + 50 * SECOND)
    lost = log.begin_again(policy=LOOSER)
    lost.tick((), START + 400 * SECOND)
    change = lost.drain().policy_change
    again = log.begin_again(policy=LOOSER)
    assert log.commit(again).policy_change == change


def test_a_file_that_says_the_same_in_other_words_is_no_change():
    _, log = begun(TicketCreated("T1", "chat", START), wall=START)
    same = parse_policy("# mine\n" + dump_policy(POLICY).replace(" 2m,", " 120s,"))
    assert log.begin_again(policy=same).drain().policy_change is None


@given(st.data(), live_feeds, steps, st.lists(OTHERS, min_size=1, max_size=3))
def test_reload_and_restart_are_one_and_the_same(data, history, order, policies):
    feed, log = Feed([record(event) for event in history]), Log()
    state, policy = begin(), POLICY
    at = data.draw(st.lists(st.integers(0, len(order)), min_size=len(policies), max_size=3))
    for number, (topic, count) in enumerate(order):
        feed.read(state, topic, count)
        for _ in range(at.count(number)):
            if policies:
                policy = policies.pop()
                log.commit(state)
                reloaded, restarted = state.under(policy), log.begin_again(policy=policy)
                assert views(reloaded.engine) == views(restarted.engine)
                assert reloaded.records == restarted.records
                assert reloaded.positions == restarted.positions
                state = reloaded
                feed_both(feed, reloaded, restarted)
                batches = [log.commit(state), restarted.drain()]
                assert batches[0]._replace(changelog=[]) == batches[1]._replace(changelog=[])
    feed.read_all(state)
    log.commit(state)
    of_first = [e for e in log.effects if e.clock == "first_response"]
    story(of_first)
    assert Kind.RETRACTED not in [effect.kind for effect in of_first]


def feed_both(feed, *states):
    for topic in TOPICS:
        for state in states:
            feed.read(state, topic, 1)


def test_counters_go_on_through_reloads_and_nothing_is_counted_twice():
    created = [TicketCreated(f"T{n}", "chat", START + n) for n in range(10)]
    replies = [AgentReplied(f"T{n}", START + 60 * SECOND) for n in range(5)]
    state, log = begun(*created, *replies, wall=START + 130 * SECOND)
    for policy in (LOOSER, PLAIN, LOOSER):
        state = state.under(policy)
        log.commit(state)
    state.tick((), START + 400 * SECOND)
    log.commit(state)
    totals = state.engine.totals.by_group[0]
    booked = {book: totals.net(book) for book in (Book.CREATED, Book.MET, Book.MISSED)}
    assert booked == {Book.CREATED: 10, Book.MET: 5, Book.MISSED: 5}
    assert (state.engine.backlogs[0].open, state.engine.backlogs[0].overdue) == (10, 5)
    assert state.records["ticket-created"] == {"ok": 10, "dead_letter": 0}
    assert [each.number for each in kept(log)] == [0, 1, 2, 3]


def test_policies_that_no_ticket_has_seen_are_let_go():
    state, log = begun(TicketCreated("T1", "chat", START), wall=START + 50 * SECOND)
    state = log.begin_again(policy=LOOSER)
    read(state, AgentReplied("T1", START + 60 * SECOND), wall=START + 60 * SECOND)
    log.commit(state)
    assert len(kept(log)) == 2
    state.tick((), START + 40 * DAY)
    state.measures.forget()
    log.commit(state)
    again = log.begin_again(policy=PLAIN)
    log.commit(again)
    assert [each.number for each in kept(log)] == [2]


def test_a_policy_that_cannot_be_read_back_stops_nothing(caplog):
    _, log = begun(TicketCreated("T1", "chat", START), wall=START + 50 * SECOND)
    log.packed[POLICIES_KEY] = pack_policies((InForce(4, START, "of: a later version"),))
    again = log.begin_again()
    again.tick((), START + 100 * SECOND)
    assert [e.kind for e in log.commit(again).effects] == [Kind.AT_RISK]
    assert "another version" in caplog.text


@pytest.mark.parametrize("policy", [CLOCKED, LISTS, RULES, DEFAULT_POLICY.scaled(1 / 60), PLAIN])
def test_every_policy_is_recognized_when_it_comes_back(policy):
    state = begin(policy=policy)
    log = Log()
    log.commit(state)
    assert log.begin_again(policy=policy).drain().policy_change is None


def test_runs_of_other_clocks_keep_what_was_told_of_them_through_a_reload():
    kinds = {topic: topic for topic in (*KINDS, "customer-replied")}
    state, log = begin(dict.fromkeys(kinds, 0), policy=CLOCKED, kinds=kinds), Log()
    for event in (TicketCreated("T1", "chat", START), AgentReplied("T1", START + SECOND)):
        state._effects += state.engine.step(event, event.at)
    asked = CustomerReplied("T1", START + 2 * SECOND)
    state._effects += state.engine.step(asked, START + 70 * SECOND)
    told = [(e.clock, e.kind) for e in log.commit(state).effects]
    assert ("next_reply", Kind.BREACHED) in told
    state = state.under(replace(CLOCKED, channels={**CHANNELS, "chat": replace(CHAT, share=0.5)}))
    state._effects += state.engine.step(AgentReplied("T1", START + 80 * SECOND), WALL)
    told = [(e.clock, e.kind, e.revision) for e in log.commit(state).effects]
    assert ("next_reply", Kind.ANSWERED, 1) in told
    assert not [each for each in told if each[0] == "next_reply" and each[1] is Kind.BREACHED]


def test_the_event_of_a_change_is_as_its_schema_says():
    _, log = begun(TicketCreated("T1", "chat", START), wall=START)
    change = log.commit(log.begin_again(policy=LOOSER)).policy_change
    event = policy_event(change, Settings("").source)
    validator("policy-changed").validate(event)
    assert unnamed("policy-changed", event) == []
    assert event["id"] == "policy/1"
    assert event["data"]["changes"] == [
        "chat: {at_risk: 1m30s, limit: 2m, share: 90%} -> {at_risk: 3m20s, limit: 5m, share: 90%}"
    ]
    assert json.loads(json.dumps(event)) == event
