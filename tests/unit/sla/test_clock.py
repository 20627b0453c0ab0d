"""The clock of a partition: wall time only while all there is has been read."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.clock import PartitionClock

TOPICS = ("created", "replied", "closed")
topics = st.sampled_from(TOPICS)
behinds = st.sets(topics)
stamps = st.integers(0, 20)
walls = st.integers(0, 20)
reading = st.tuples(st.just("reach"), topics, stamps, behinds, walls)
waiting = st.tuples(st.just("tick"), st.just(""), st.just(0), behinds, walls)


@given(stamps, st.lists(reading | waiting, max_size=30))
def test_it_is_the_least_reached_of_the_topics_behind_but_never_runs_backwards(stored, steps):
    clock = PartitionClock(stored)
    reached = dict.fromkeys(TOPICS, 0)
    expected = stored
    for step, topic, stamp, behind, wall in steps:
        if step == "reach":
            if stamp <= wall:
                reached[topic] = max(reached[topic], stamp)
            others = behind - {topic}
            limits = [reached[topic], wall, *(reached[other] for other in others)]
            seen = clock.reach(topic, stamp, clock.floor(others, wall), wall)
        else:
            limits = [wall, *(reached[other] for other in behind)]
            seen = clock.tick(behind, wall)
        expected = max(expected, min(limits))
        assert seen == clock.value == expected


@given(st.lists(reading | waiting, max_size=30))
def test_it_is_never_beyond_a_wall_clock_that_does_not_run_backwards(steps):
    clock, latest = PartitionClock(), 0
    for step, topic, stamp, behind, wall in steps:
        latest = max(latest, wall)
        if step == "reach":
            clock.reach(topic, stamp, clock.floor(behind - {topic}, latest), latest)
        else:
            clock.tick(behind, latest)
        assert clock.value <= latest


def test_with_all_read_it_is_the_wall_clock():
    clock = PartitionClock()
    clock.reach("created", 5, 100, 100)
    assert clock.tick((), 100) == 100


def test_a_topic_of_which_nothing_was_read_yet_holds_it_where_it_was_stored():
    clock = PartitionClock(7)
    assert clock.reach("created", 50, clock.floor(["replied"], 100), 100) == 7
    assert clock.tick(["replied"], 100) == 7


def test_an_older_record_does_not_take_a_topic_back():
    clock = PartitionClock()
    clock.reach("created", 50, 100, 100)
    assert clock.reach("created", 10, 100, 100) == 50
    assert clock.tick(["created"], 100) == 50
    assert clock.reach("created", 60, 100, 100) == 60


def test_a_wall_clock_that_is_set_back_does_not_take_it_back():
    clock = PartitionClock()
    assert clock.tick((), 100) == 100
    assert clock.tick((), 90) == 100
    assert clock.tick((), 110) == 110


def test_a_record_stamped_ahead_of_the_wall_clock_says_nothing_of_how_far_its_topic_is():
    clock = PartitionClock()
    assert clock.reach("created", 50, 100, 100) == 50
    assert clock.reach("created", 999, 100, 100) == 50
    assert clock.reach("created", 60, 100, 100) == 60
