"""Records of several topics come in the order of their times, however they are fetched."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.streaming.merge import ENOUGH, Merge
from tests.unit.streaming.feeding import Record

TOPICS = ("first", "second", "third")
WALL = 1_000_000


def begin():
    return Merge(dict.fromkeys(TOPICS, 0), dict.fromkeys(TOPICS, lambda *_: None))


def records(*stamps, begin=0):
    return [Record(None, None, stamp, begin + index) for index, stamp in enumerate(stamps)]


def handed(merge, behind):
    found, counts = merge.hand_out(behind)
    assert sum(counts.values()) == len(found)
    assert {t: sum(topic == t for _, topic, _, _ in found) for t in counts} == counts
    return [(at // 1000, topic, one.offset) for at, topic, _, one in found]


logs = st.fixed_dictionaries({t: st.lists(st.integers(0, 8), max_size=8) for t in TOPICS})


@given(logs, st.lists(st.tuples(st.sampled_from(TOPICS), st.integers(1, 3)), max_size=20))
def test_the_order_is_that_of_the_times_whatever_is_fetched_when(log, fetches):
    chunks = {topic: records(*stamps) for topic, stamps in log.items()}
    merge, seen = begin(), []
    every = [(t, 9) for t in TOPICS]
    for topic, count in (*fetches, *every):
        end = merge.ends[topic]
        chunk = chunks[topic][end : end + count]
        merge.take(topic, chunk, end + len(chunk), WALL)
        behind = [t for t in TOPICS if merge.ends[t] < len(chunks[t])]
        seen += handed(merge, behind)
    reached = []
    for topic in TOPICS:
        latest = 0
        for offset, stamp in enumerate(log[topic]):
            latest = max(latest, stamp)
            reached.append((latest, TOPICS.index(topic), offset))
    assert seen == [(at, TOPICS[index], offset) for at, index, offset in sorted(reached)]
    assert merge.positions == merge.ends == {t: len(chunks[t]) for t in TOPICS}


def test_nothing_is_handed_out_before_what_may_still_come():
    merge = begin()
    merge.take("first", records(1, 5, 9), 3, WALL)
    assert handed(merge, ["second"]) == []
    merge.take("second", records(5), 1, WALL)
    assert handed(merge, ["second"]) == [(1, "first", 0)]
    assert merge.positions == {"first": 1, "second": 0, "third": 0}
    merge.take("second", records(7, begin=1), 2, WALL)
    assert handed(merge, ["second"]) == [(5, "first", 1), (5, "second", 0)]
    assert handed(merge, []) == [(7, "second", 1), (9, "first", 2)]


def test_positions_without_a_record_are_passed_over():
    merge = begin()
    merge.take("first", [], 7, WALL)
    assert merge.positions["first"] == merge.ends["first"] == 7
    merge.take("first", records(1, begin=9), 12, WALL)
    assert (merge.positions["first"], merge.ends["first"]) == (9, 12)
    handed(merge, [])
    assert merge.positions["first"] == 12


def test_a_topic_that_is_ahead_of_the_others_has_enough_at_some_point():
    merge = begin()
    merge.take("first", records(*range(ENOUGH)), ENOUGH, WALL * 1000)
    handed(merge, ["second"])
    assert merge.has_enough("first")
    assert not merge.has_enough("second")
    handed(merge, [])
    assert not merge.has_enough("first")


def test_many_records_of_one_time_stop_nothing():
    merge, end, seen = begin(), 0, []
    while not seen:
        assert not merge.has_enough("first")
        assert end < 100 * ENOUGH
        merge.take("first", records(*([3] * ENOUGH), begin=end), end + ENOUGH, WALL)
        end += ENOUGH
        seen = handed(merge, ["first"])
    assert len(seen) == end
