"""Surveys and customers beside tickets: any pace, any crash, any topic missing, counted once."""

import json

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND, CustomerChanged, SurveyAnswered, TicketCreated
from monitor.sla.windows import ANSWERS
from monitor.streaming.changelog import CUSTOMER, SURVEY
from monitor.streaming.codec import rfc3339
from tests.unit.sla.strategies import START
from tests.unit.streaming import feeding
from tests.unit.streaming.feeding import MS, WALL, Log, Record, begin, live_events

TOPICS = (*feeding.TOPICS, "survey-answered", "customer-changed")
KINDS = {topic: topic for topic in TOPICS}

moments = st.integers(0, 40).map(lambda n: START + n * 100_000 * MS)
surveys = st.builds(
    SurveyAnswered,
    st.sampled_from("st"),
    st.sampled_from("abc"),
    st.sampled_from(("csat", "nps")),
    st.sampled_from((1, 5, 9)),
    moments,
    st.sampled_from(("", "email")),
)
changes = st.builds(CustomerChanged, st.sampled_from("xy"), st.booleans(), moments)
events = st.lists(st.one_of(live_events, surveys, changes), min_size=1, max_size=14)
paces = st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(1, 3)), max_size=20)


def record(event):
    at = rfc3339(event.at)
    if isinstance(event, SurveyAnswered):
        topic, key = "survey-answered", event.ticket_id
        fields = {"survey_id": event.survey_id, "ticket_id": key, "kind": event.kind}
        fields |= {"score": event.score, "answered_at": at, "channel": event.channel or None}
    elif isinstance(event, CustomerChanged):
        topic, key = "customer-changed", event.customer_id
        change = "joined" if event.joined else "left"
        fields = {"customer_id": key, "change": change, "at": at}
    else:
        return feeding.record(event)
    value = json.dumps(fields).encode()
    return topic, Record(key.encode(), value, event.at // MS, 0, topic)


class Feed(feeding.Feed):
    def __init__(self, history):
        records = [record(event) for event in history]
        self.topics = {topic: [r for t, r in records if t == topic] for topic in TOPICS}
        for chunk in self.topics.values():
            chunk[:] = [one._replace(offset=offset) for offset, one in enumerate(chunk)]

    def behind(self, state):
        return [t for t in TOPICS if state.ends[t] < len(self.topics[t])]


def state(**options):
    return begin(dict.fromkeys(TOPICS, 0), kinds=KINDS, **options)


def shown(one):
    return {
        "answers": [[group.net(book) for book in ANSWERS] for group in one.engine.totals.by_group],
        "base": one.measures.base.figures(),
        "windows": [
            [w.total.counts for w in by_name.values()] for by_name in one.engine.windows.by_group
        ],
        "records": one.records,
        "positions": one.positions,
    }


@given(st.data(), events, paces)
def test_a_crash_at_any_point_counts_all_once(data, history, order):
    history = sorted(history, key=lambda event: event.at)
    feed, log = Feed(history), Log()
    undisturbed, one = state(), state()
    feed.read_all(undisturbed)
    for topic, count in order:
        feed.read(one, topic, count)
        if data.draw(st.booleans(), "forget"):
            one.measures.forget()
        if data.draw(st.booleans(), "commit"):
            log.commit(one)
        if data.draw(st.booleans(), "crash"):
            one = log.begin_again(kinds=KINDS) if log.last else state()
    feed.read_all(one)
    log.commit(one)
    expected = shown(undisturbed)
    for again in (one, log.begin_again(kinds=KINDS)):
        assert shown(again) == expected
        assert not again.drain().dead_letters


def test_what_is_kept_is_under_keys_that_no_ticket_can_have():
    one = state()
    for event in (TicketCreated("a", "chat", START), SurveyAnswered("s", "a", "csat", 5, START)):
        topic, written = record(event)
        one.take(topic, [written], 1, WALL)
    topic, written = record(CustomerChanged("x", joined=True, at=START))
    one.take(topic, [written], 1, WALL)
    one.tick((), START)
    assert one.pending == 3
    keys = [key for key, _ in one.drain().changelog]
    assert keys[:3] == [b"a", SURVEY + b"s", CUSTOMER + b"x"]
    assert one.pending == 0
    assert not one.is_dirty


def test_forgetting_them_leaves_tombstones():
    one, log = state(), Log()
    for event in (SurveyAnswered("s", "a", "csat", 5, START), CustomerChanged("x", False, START)):
        topic, written = record(event)
        one.take(topic, [written], 1, WALL)
    one.tick((), START)
    log.commit(one)
    one.tick((), START + DAY)
    one.measures.forget()
    assert dict(log.commit(one).changelog[:2]) == {SURVEY + b"s": None, CUSTOMER + b"x": None}
    again = log.begin_again(kinds=KINDS)
    assert (len(again.measures.surveys), len(again.measures.base)) == (0, 0)


def test_what_was_kept_is_still_there_when_the_topics_are_gone():
    one, log = state(), Log()
    for event in (
        TicketCreated("a", "chat", START),
        SurveyAnswered("s", "a", "csat", 5, START),
        SurveyAnswered("t", "b", "csat", 5, START),
    ):
        topic, written = record(event)
        one.take(topic, [written], one.ends[topic] + 1, WALL)
    one.tick((), START)
    log.commit(one)
    again = log.begin_again(kinds=feeding.KINDS)
    topic, written = record(TicketCreated("b", "chat", START + SECOND))
    again.take(topic, [written], 2, WALL)
    again.tick((), START + SECOND)
    window = again.engine.windows.by_group[0]["24h"].total
    assert [window.counts[book] for book in ANSWERS] == [2, 0, 0, 0, 0]
