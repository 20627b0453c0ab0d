"""Heap and line show the living only, in order, whatever was left in them, and stay small."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.deadlines import NEVER, Deadlines, Line
from monitor.sla.ticket import Phase, Ticket

entries = st.tuples(st.integers(0, 6), st.sampled_from("abc"))
changes = st.lists(
    st.tuples(st.sampled_from(("push", "die", "first")), entries),
    max_size=40,
)


def filled(entries_, living):
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for entry in entries_:
        deadlines.push(*entry)
    return deadlines


@given(st.lists(entries, max_size=30), st.sets(entries))
def test_in_order_are_the_living_and_nothing_is_taken_away(pushed, living):
    deadlines = filled(pushed, living)
    expected = sorted(entry for entry in pushed if entry in living)
    assert list(deadlines.in_order()) == expected
    assert list(deadlines.in_order()) == expected
    assert len(deadlines) == len(pushed)
    assert deadlines.first() == min(expected, default=None)


@given(changes)
def test_a_heap_shows_what_a_sorted_list_would_whatever_is_done_to_it(steps):
    living: list[tuple[int, str]] = []
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for step, entry in steps:
        if step == "push" and entry not in living:
            living.append(entry)
            deadlines.push(*entry)
        elif step == "die" and entry in living:
            living.remove(entry)
        else:
            first = min(living, default=None)
            assert deadlines.first() == first
            assert deadlines.head == (NEVER if first is None else first[0])
        assert deadlines.head <= min((at for at, _ in living), default=NEVER)
        assert sorted(set(deadlines.in_order())) == sorted(living)


def test_the_dead_are_thrown_out_when_they_outnumber_the_living():
    living = {(at, "a") for at in range(100)}
    deadlines = Deadlines(lambda at, key: (at, key) in living)
    for at in range(100_000):
        deadlines.push(at, "a")
        assert len(deadlines) <= 1025
    assert list(deadlines.in_order()) == sorted(living)


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
    walk = deadlines.in_order()
    assert [next(walk) for _ in range(3)] == [(0, "a"), (1, "a"), (2, "a")]
    assert len(asked) == 3


# -- a line of tickets

SPAN = 10


def a_line(tickets):
    return Line(SPAN, lambda ticket: ticket.phase is Phase.WAITING, tickets.get)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("join", "join", "leave", "earlier", "first")),
            st.integers(0, 9),
            st.sampled_from("abcdef"),
        ),
        max_size=60,
    ),
    st.integers(0, 6),
)
def test_a_line_shows_what_a_sorted_list_would_whatever_is_done_to_it(steps, count):
    tickets: dict[str, Ticket] = {}
    line = a_line(tickets)
    for step, created, key in steps:
        ticket = tickets.get(key)
        if step == "join" and ticket is None:
            tickets[key] = Ticket(key, created, phase=Phase.WAITING)
            line.join(tickets[key])
        elif step == "leave" and ticket is not None:
            tickets.pop(key).phase = Phase.ANSWERED
        elif step == "earlier" and ticket is not None and created < ticket.created:
            ticket.created = created  # it leaves, and joins again
            line.join(ticket)
        stand = sorted((ticket.created, key) for key, ticket in tickets.items())
        assert line.head <= min((at for at, _ in stand), default=NEVER) + SPAN
        if step == "first":
            assert line.first() == (stand[0] if stand else None)
            assert line.head == (stand[0][0] + SPAN if stand else NEVER)
        assert line.earliest(count) == stand[:count]
        assert line.created_before(count) == [at for at, _ in stand if at < count]


def test_a_line_with_many_dead_throws_them_out():
    tickets: dict[str, Ticket] = {}
    line = a_line(tickets)
    for number in range(20_000):
        ticket = tickets[str(number)] = Ticket(str(number), number, phase=Phase.WAITING)
        line.join(ticket)
        if number % 100:
            del tickets[str(number)]
            ticket.phase = Phase.ANSWERED
        assert len(line) <= 1025 + 2 * len(tickets)
    assert [key for _, key in line.earliest(300)] == list(tickets)


def test_of_nothing_nothing_is_due():
    assert Deadlines(lambda _at, _key: True).first() is None
    line = a_line({})
    assert (line.first(), line.head, line.earliest(5)) == (None, NEVER, [])
