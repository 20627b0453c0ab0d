"""One partition between two commits: topics at their own pace, one clock, one batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND, AgentReplied, TicketClosed, TicketCreated
from monitor.sla.policy import Policy
from monitor.sla.ticket import Kind
from monitor.streaming.changelog import COUNTERS_KEY, POLICIES_KEY
from monitor.streaming.codec import Decoder
from tests.support.kept import unpack
from tests.unit.sla import oracle
from tests.unit.sla.strategies import CHANNELS, START, events
from tests.unit.sla.watching import check, story, views
from tests.unit.streaming.feeding import (
    KINDS,
    MS,
    POLICY,
    TOPICS,
    WALL,
    Feed,
    Log,
    Record,
    begin,
    live_feeds,
    record,
    steps,
)

CREATED, REPLIED, CLOSED = TOPICS
BAD = Record(b"T1", b"not JSON", START // MS)


def read(state, *events_, behind=(), wall=WALL, stamp=None):
    for event in events_:
        topic, one = record(event, stamp, state.ends[topic_of(event)])
        state.take(topic, [one], state.ends[topic] + 1, wall)
        state.tick(behind, wall)


def topic_of(event):
    return record(event)[0]


# -- any chunking, any restart

bad_records = st.sampled_from(TOPICS).map(lambda topic: (topic, BAD))
any_records = st.lists(
    st.one_of(events().map(record), events().map(lambda e: record(e, START // MS)), bad_records),
    min_size=1,
    max_size=14,
)


@given(st.data(), any_records, steps)
def test_chunks_of_any_size_give_the_same(data, records, order):
    feed = Feed(records)
    whole, cut = begin(), begin()
    walls = sorted(
        START + n * DAY for n in data.draw(st.lists(st.integers(0, 60), min_size=21, max_size=21))
    )
    for (topic, count), wall in zip(order, walls, strict=False):
        feed.read(whole, topic, count, wall)
        left = count
        while left:
            size = data.draw(st.integers(1, left))
            feed.read(cut, topic, size, wall)
            left -= size
        assert whole.engine.clock == cut.engine.clock <= wall
        assert whole.positions == cut.positions
    for state in (whole, cut):
        feed.read_all(state)
    assert views(whole.engine) == views(cut.engine)
    assert whole.records == cut.records
    first, second = whole.drain(), cut.drain()
    # Not byte by byte: which topic was counted first is in the order of a mapping, and no matter.
    kept = [unpack(dict(batch.changelog)) for batch in (first, second)]
    assert kept[0].tickets == kept[1].tickets
    assert kept[0].counters == kept[1].counters
    assert first._replace(changelog=[]) == second._replace(changelog=[])


@given(any_records, steps)
def test_the_end_is_the_truth_at_whatever_pace_topics_are_read(records, order):
    feed, state = Feed(records), begin()
    for topic, count in order:
        feed.read(state, topic, count)
    feed.read_all(state)
    usable = [
        Decoder(POLICY).reader(KINDS[topic])(one.key, one.value, WALL)
        for topic, one in records
        if one != BAD
    ]
    true = oracle.truths(usable, POLICY, WALL)
    assert state.engine.clock == WALL
    check(state.engine, POLICY, true)
    told = {key: [t[:2] for t in mine] for key, mine in story(state.drain().effects).items()}
    assert told == {key: one.stages for key, one in true.items() if one.stages}


@given(live_feeds, steps, st.booleans())
def test_a_replay_takes_nothing_back_at_whatever_pace_topics_are_read(history, order, over):
    feed, state = Feed([record(event) for event in history]), begin(over_at_reply=over)
    for topic, count in order:
        feed.read(state, topic, count)
    feed.read_all(state)
    effects = state.drain().effects
    assert Kind.RETRACTED not in [effect.kind for effect in effects]
    true = oracle.truths(history, POLICY, WALL, over_at_reply=over)
    told = {key: [t[:2] for t in mine] for key, mine in story(effects).items()}
    assert told == {key: one.stages for key, one in true.items() if one.stages}
    assert [effect.at for effect in effects] == sorted(effect.at for effect in effects)


@given(st.data(), live_feeds, steps)
def test_a_crash_at_any_point_tells_all_once_and_in_the_same_order(data, history, order):
    feed, log = Feed([record(event) for event in history]), Log()
    undisturbed, state = begin(), begin()
    feed.read_all(undisturbed)
    for topic, count in order:
        feed.read(state, topic, count)
        if data.draw(st.booleans(), "commit"):
            log.commit(state)
        if data.draw(st.booleans(), "crash"):
            state = log.begin_again()
    feed.read_all(state)
    log.commit(state)
    assert log.effects == undisturbed.drain().effects
    for again in (state, log.begin_again()):
        assert views(again.engine) == views(undisturbed.engine)
        told = [
            [group.told for group in e.totals.by_group] for e in (again.engine, undisturbed.engine)
        ]
        assert told[0] == told[1]
        assert again.records == undisturbed.records
        assert again.positions == undisturbed.positions
        assert again.engine.clock == undisturbed.engine.clock


# -- the clock


def test_nothing_is_breached_whose_reply_waits_in_another_topic():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), behind=TOPICS)
    read(state, TicketCreated("T2", "chat", START + DAY), behind=(REPLIED,))
    state.tick((REPLIED,), WALL)
    assert state.drain().effects == []
    read(state, AgentReplied("T1", START + 60 * SECOND))
    state.tick((), START + 2 * DAY)
    assert {effect.ticket_id for effect in state.drain().effects} == {"T2"}


def test_what_is_due_before_the_other_topics_first_unread_record_is_told():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), behind=TOPICS)
    read(state, TicketCreated("T2", "chat", START + DAY), behind=(REPLIED,))
    read(state, AgentReplied("T9", START + 100 * SECOND), behind=(REPLIED,))
    assert state.engine.clock == START
    read(state, AgentReplied("T9", START + 101 * SECOND), behind=(REPLIED,))
    assert [(e.ticket_id, e.kind) for e in state.drain().effects] == [("T1", Kind.AT_RISK)]
    assert state.engine.clock == START + 100 * SECOND


def test_a_record_stamped_ahead_of_the_wall_clock_does_not_pull_the_clock():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), stamp=(START + DAY) // MS, behind=(REPLIED,))
    assert state.engine.clock == 0
    state = begin()
    ahead = TicketCreated("T1", "chat", START)
    read(state, ahead, stamp=(START + DAY) // MS, wall=START)
    assert state.engine.clock == START
    assert state.drain().effects == []


def test_a_record_that_cannot_be_used_moves_the_clock_as_any_other():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), wall=START)
    late = BAD._replace(timestamp=(START + 100 * SECOND) // MS)
    state.take(CREATED, [late], 2, START + 100 * SECOND)
    state.tick((), START + 100 * SECOND)
    assert [effect.kind for effect in state.drain().effects] == [Kind.AT_RISK]


def test_a_stored_clock_is_where_a_partition_goes_on():
    state = begin(clock=START)
    assert state.engine.clock == START
    state.tick(TOPICS, WALL)
    assert state.engine.clock == START
    state.tick((), START - DAY)
    assert state.engine.clock == START


def test_a_record_without_a_timestamp_does_not_move_the_clock():
    state = begin(clock=START)
    state.take(CREATED, [BAD._replace(timestamp=-1)], 1, WALL)
    state.tick((), START)
    assert state.engine.clock == START


# -- what is handed out


def test_a_new_partition_has_nothing_to_commit_but_its_policy():
    state = begin()
    assert (state.is_dirty, state.has_news, state.pending) == (True, False, 0)
    assert [key for key, _ in state.drain().changelog] == [COUNTERS_KEY, POLICIES_KEY]
    assert (state.is_dirty, state.has_news, state.pending) == (False, False, 0)


def test_what_was_read_is_to_be_committed_though_it_be_no_news():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), wall=START)
    assert (state.is_dirty, state.has_news, state.pending) == (True, False, 1)
    batch = state.drain()
    assert [key for key, _ in batch.changelog] == [b"T1", COUNTERS_KEY, POLICIES_KEY]
    assert (batch.effects, batch.dead_letters) == ([], [])
    assert batch.positions == {CREATED: 1, REPLIED: 0, CLOSED: 0}
    assert batch.clock == START
    assert (state.is_dirty, state.has_news, state.pending) == (False, False, 0)


def test_reading_nothing_but_an_end_is_to_be_committed():
    state = begin()
    state.take(CREATED, [], 7, WALL)
    state.tick((), WALL)
    assert state.is_dirty
    assert state.drain().positions[CREATED] == 7


def test_what_changes_nothing_is_to_be_committed_though_taken_before_the_last_commit():
    state = begin()
    answered = AgentReplied("T1", START + SECOND)
    read(state, TicketCreated("T1", "chat", START), answered)
    topic, again = record(answered, None, 1)
    state.take(topic, [again], 2, WALL)
    assert state.drain().positions[topic] == 1
    state.tick((), WALL)
    assert state.pending == 0
    assert state.is_dirty
    assert state.drain().positions[topic] == 2


def test_a_deadline_is_news():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), wall=START)
    state.drain()
    state.tick((), START + 90 * SECOND)
    assert not state.is_dirty
    state.tick((), START + 90 * SECOND + 1)
    assert state.has_news
    assert [effect.kind for effect in state.drain().effects] == [Kind.AT_RISK]
    assert state.drain().effects == []


def test_what_cannot_be_used_is_handed_out_whole_with_its_reason_and_counted():
    state = begin()
    topic, good = record(TicketCreated("T1", "chat", START))
    bad = BAD._replace(offset=5, headers=(("trace", b"1"),))
    state.take(topic, [good, bad, good], 3, WALL)
    state.tick((), WALL)
    assert state.has_news
    batch = state.drain()
    (letter,) = batch.dead_letters
    assert letter.record is bad
    assert "malformed" in letter.reason
    assert state.records == {CREATED: {"ok": 2, "dead_letter": 1}}
    assert state.engine.totals.by_group[0].booked[0] == 1
    assert state.drain().dead_letters == []


def test_counts_of_records_survive_a_restart():
    state, log = begin(), Log()
    read(state, TicketCreated("T1", "chat", START), TicketClosed("T1", START))
    log.commit(state)
    again = log.begin_again()
    assert again.records == {
        CREATED: {"ok": 1, "dead_letter": 0},
        CLOSED: {"ok": 1, "dead_letter": 0},
    }


def test_a_forgotten_ticket_leaves_a_tombstone_and_does_not_come_back():
    state, log = begin(), Log()
    read(state, TicketCreated("T1", "chat", START), TicketClosed("T1", START), wall=START)
    log.commit(state)
    state.tick((), START + DAY)
    assert state.engine.forget() == 1
    assert state.is_dirty
    assert log.commit(state).changelog[0] == (b"T1", None)
    assert log.begin_again().engine.tickets == {}


def test_a_ticket_changed_after_it_was_handed_out_does_not_change_what_was():
    state = begin()
    read(state, TicketCreated("T1", "chat", START), wall=START)
    batch = state.drain()
    read(state, AgentReplied("T1", START + SECOND), wall=START + SECOND)
    assert unpack(dict(batch.changelog)).tickets["T1"].replied is None


def test_topics_may_be_called_anything_on_the_broker():
    names = {"eu.tickets": CREATED, "eu.replies": REPLIED, "eu.closes": CLOSED}
    state = begin(dict.fromkeys(names, 0), kinds=names)
    _, one = record(TicketCreated("T1", "chat", START))
    state.take("eu.tickets", [one], 1, WALL)
    state.tick((), WALL)
    assert state.drain().dead_letters == []
    assert state.records == {"eu.tickets": {"ok": 1, "dead_letter": 0}}


@pytest.mark.parametrize("teams", [(), ("billing",)])
def test_a_policy_with_fewer_channels_reads_on_with_what_was_kept(teams):
    state, log = begin(), Log()
    both = TicketCreated("T1", "chat", START), TicketCreated("T2", "phone", START)
    read(state, *both, wall=START)
    log.commit(state)
    fewer = Policy({"phone": CHANNELS["phone"]}, teams=teams)
    again = log.begin_again(policy=fewer)
    later = START + SECOND
    read(again, AgentReplied("T1", later), AgentReplied("T2", later), wall=later)
    read(again, TicketCreated("T3", "chat", START), wall=later)
    batch = again.drain()
    assert batch.effects == []
    assert ['no policy names the channel "chat"' in d.reason for d in batch.dead_letters] == [True]
    assert sum(backlog.open for backlog in again.engine.backlogs) == 1
