"""A heap with the dead left in it shows the living only, in order, and stays small."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.deadlines import Deadlines

entries = st.tuples(st.integers(0, 6), st.sampled_from("abc"))
changes = st.lists(
    st.one_of(
        st.tuples(st.just("push"), entries),
        st.tuples(st.just("die"), entries),
        st.tuples(st.just("peek"), entries),
        st.tuples(st.just("pop"), entries),
    ),
    max_size=40,
)


def filled(entries_, living):
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for entry in entries_:
        deadlines.push(*entry)
    return deadlines


@given(st.lists(entries, max_size=30), st.sets(entries), st.integers(0, 9))
def test_the_earliest_are_the_living_in_order_each_once(pushed, living, count):
    deadlines = filled(pushed, living)
    expected = sorted({entry for entry in pushed if entry in living})
    assert deadlines.earliest(count) == expected[:count]
    assert deadlines.earliest(99) == expected
    assert len(deadlines) == len(pushed)


@given(st.lists(entries, max_size=30), st.sets(entries))
def test_peek_is_the_first_of_the_earliest_and_takes_nothing_away(pushed, living):
    deadlines = filled(pushed, living)
    first = next(iter(deadlines.earliest(1)), None)
    assert deadlines.peek() == first
    assert deadlines.peek() == first


@given(st.lists(entries, max_size=30), st.sets(entries), st.integers(0, 6))
def test_pop_hands_out_the_living_in_order_up_to_a_moment(pushed, living, now):
    deadlines = filled(pushed, living)
    popped = []
    while entry := deadlines.pop_until(now):
        popped.append(entry)
    assert popped == sorted(e for e in pushed if e in living and e[0] <= now)
    assert deadlines.earliest(99) == sorted({e for e in pushed if e in living and e[0] > now})


@given(changes)
def test_it_shows_what_a_sorted_list_would_whatever_is_done_to_it(steps):
    living: list[tuple[int, str]] = []
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for step, entry in steps:
        if step == "push" and entry not in living:
            living.append(entry)
            deadlines.push(*entry)
        elif step == "die" and entry in living:
            living.remove(entry)
        elif step == "peek":
            assert deadlines.peek() == min(living, default=None)
        elif step == "pop":
            due = min((e for e in living if e[0] <= entry[0]), default=None)
            assert deadlines.pop_until(entry[0]) == due
            if due is not None:
                living.remove(due)
        assert deadlines.earliest(99) == sorted(living)


def test_nothing_is_due_of_nothing():
    deadlines = Deadlines(lambda _at, _key: True)
    assert deadlines.peek() is None
    assert deadlines.pop_until(10**18) is None
    assert deadlines.earliest(5) == []


def test_a_moment_is_due_when_it_has_come_and_not_before():
    deadlines = filled([(5, "a")], {(5, "a")})
    assert deadlines.pop_until(4) is None
    assert deadlines.pop_until(5) == (5, "a")
    assert deadlines.pop_until(5) is None


def test_the_dead_are_thrown_out_when_they_outnumber_the_living():
    living = {(at, "a") for at in range(100)}
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for at in range(100_000):
        deadlines.push(at, "a")
        assert len(deadlines) <= 1025
    assert deadlines.earliest(200) == sorted(living)


def test_with_many_living_the_dead_are_at_most_as_many():
    deadlines = Deadlines(lambda at, _key: at % 10 == 0)
    for at in range(60_000):
        deadlines.push(at, "a")
        assert len(deadlines) <= 2 * (at / 10 + 1) + 1025


def test_asking_for_the_first_of_many_asks_about_few():
    asked = []
    deadlines = Deadlines(lambda at, key: asked.append((at, key)) or True)
    for at in range(1000):
        deadlines.push(at, "a")
    asked.clear()
    assert deadlines.earliest(3) == [(0, "a"), (1, "a"), (2, "a")]
    assert len(asked) == 3
