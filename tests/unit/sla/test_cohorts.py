"""Cohorts against the tickets themselves, counted one by one."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.cohorts import TICKS, Cohorts
from monitor.sla.views import Book, Booking

LIMIT = 2000
WIDTH = LIMIT // TICKS

tickets = st.lists(
    st.tuples(st.integers(1, 5000), st.none() | st.integers(0, 2 * LIMIT)), max_size=60
)
"""When each was created, and how long it waited, if it ended."""


def cohorts_of(all_tickets, now, *, one_by_one=False):
    """Return what is counted of the tickets at `now`."""
    cohorts = Cohorts(LIMIT)
    known = [(at, wait) for at, wait in all_tickets if at <= now]
    ended = sorted(
        (at + wait, wait)
        for at, wait in known
        if wait is not None and wait <= LIMIT and at + wait <= now
    )
    if one_by_one:
        for at, _ in known:
            cohorts.book(Booking(Book.CREATED, at), 1)
        for number, (at, wait) in enumerate(ended):
            what = Book.ANSWERED if number % 2 else Book.ABANDONED
            cohorts.book(Booking(what, at, wait), 1)
    else:
        cohorts.take(sorted(at for at, _ in known), ended, now)
    for at, wait in known:
        if at + LIMIT < now and (wait is None or wait > LIMIT):
            cohorts.book(Booking(Book.MISSED, at + LIMIT), 1)
            if wait is not None and at + wait <= now:
                cohorts.book(Booking(Book.ANSWERED, at + wait, wait), 1)
    return cohorts


def waits_at(ticket, moment):
    at, wait = ticket
    return at <= moment and (wait is None or at + wait > moment)


@given(tickets, st.integers(1, 8000))
def test_standing_are_those_who_wait_within_their_limit(all_tickets, now):
    cohorts = cohorts_of(all_tickets, now)
    expected = {}
    for ticket in all_tickets:
        if waits_at(ticket, now) and now <= ticket[0] + LIMIT:
            number = cohorts.number(ticket[0])
            expected[number] = expected.get(number, 0) + 1
    recent = now // WIDTH - TICKS - 2
    found = {number: count for number, count in cohorts.standing() if number > recent}
    assert found == expected


@given(tickets, st.booleans())
def test_a_decided_cohort_tells_how_many_waited_at_each_of_its_ticks(all_tickets, one_by_one):
    now = 20_000
    cohorts = cohorts_of(all_tickets, now, one_by_one=one_by_one)
    decided = cohorts.decide(now // WIDTH)
    assert [each.number for each in decided] == sorted({each.number for each in decided})
    by_number = {each.number: each for each in decided}
    for number in {cohorts.number(at) for at, _ in all_tickets}:
        mine = [ticket for ticket in all_tickets if cohorts.number(ticket[0]) == number]
        cohort = by_number[number]
        assert cohort.missed == sum(wait is None or wait > LIMIT for _, wait in mine)
        for tick in range(1, TICKS + 1):
            moment = (number + tick) * WIDTH
            assert cohort.waiting(tick) == sum(waits_at(ticket, moment) for ticket in mine)


def test_a_cohort_is_decided_when_the_limit_of_its_last_ticket_has_passed():
    cohorts = Cohorts(LIMIT)
    cohorts.take([WIDTH], [], WIDTH)  # the last moment of cohort 0
    cohorts.book(Booking(Book.MISSED, WIDTH + LIMIT), 1)
    assert cohorts.decide(TICKS + 1) == []
    (cohort,) = cohorts.decide(TICKS + 2)
    assert (cohort.number, cohort.missed) == (0, 1)


def test_what_comes_too_late_for_its_cohort_is_left_out():
    cohorts = Cohorts(LIMIT)
    cohorts.decide(100)
    cohorts.take([5 * WIDTH], [(6 * WIDTH, WIDTH)], 100 * WIDTH)
    assert cohorts.standing() == []
    assert cohorts.decide(101) == []


def test_what_is_taken_back_is_not_counted():
    cohorts = Cohorts(LIMIT)
    for sign in (1, -1):
        cohorts.book(Booking(Book.CREATED, 50), sign)
        cohorts.book(Booking(Book.MISSED, 50 + LIMIT), sign)
        cohorts.book(Booking(Book.ANSWERED, 90, 40), sign)
    assert cohorts.standing() == []
    (cohort,) = cohorts.decide(1000)
    assert [cohort.waiting(tick) for tick in (0, 1, TICKS)] == [0, 0, 0]
