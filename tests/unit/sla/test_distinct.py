"""Different customers: exact while few, near enough when many, counted once wherever they are."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.distinct import HASH_BITS, Customers, Distinct, K, estimate, estimate_shared
from monitor.sla.engine import Engine
from monitor.sla.events import DAY, SECOND, TicketCreated
from monitor.sla.policy import Policy
from tests.unit.sla.strategies import CHANNELS, PLAIN, START
from tests.unit.sla.watching import Keeper


def hashes(count, seed=0):
    return Random(seed).sample(range(1, 2**HASH_BITS), count)


def sketch(seen, since=0):
    distinct = Distinct()
    distinct.see(seen, 0)
    return distinct.least(since)


def told(sketches):
    return [list(each) for each in sketches]


@pytest.mark.parametrize("count", [0, 1, 100, K - 1])
def test_few_are_counted_exactly(count):
    seen = [(at, each) for at, each in enumerate(hashes(count))]
    assert estimate([sketch(seen * 3)]) == count


def test_many_are_counted_within_the_error_that_is_promised():
    """Four standard errors; of a sum over 12 partitions these are less than of one alone."""
    for seed, count in enumerate((600, 5000, 40_000)):
        every = hashes(count, seed)
        assert estimate([sketch(enumerate(every))]) == pytest.approx(count, rel=4 * 0.0443)
        rng = Random(seed)
        parts = [[] for _ in range(12)]
        for at, each in enumerate(every):
            for number in rng.sample(range(12), rng.choice((1, 2))):
                parts[number].append((at, each))
        assert estimate(map(sketch, parts)) == pytest.approx(count, rel=4 * 0.0128)


def test_every_window_is_counted_from_one_sketch_of_bounded_size():
    distinct, every = Distinct(), hashes(60_000)
    for start in range(0, 60_000, 1000):
        distinct.see([(at, every[at]) for at in range(start, start + 1000)], 0)
        assert len(distinct) < 30 * K
    for last in (300, 5000, 30_000):
        error = 0 if last < K else 4 * 0.0443
        assert estimate([distinct.least(60_000 - last)]) == pytest.approx(last, rel=error)


def test_who_came_back_counts_from_the_last_time():
    seen = [(0, 7), (100, 7), (50, 7), (10, 8)]
    assert estimate([sketch(seen, since=60)]) == 1
    assert estimate([sketch(seen, since=101)]) == 0


def test_who_uses_several_channels_is_counted_once_and_told():
    chat, phone = hashes(300)[:200], hashes(300)[100:]
    sketches = [[sketch(enumerate(chat))], [sketch(enumerate(phone))]]
    assert estimate(each for mine in sketches for each in mine) == 300
    assert estimate_shared(sketches) == 100


def test_of_many_who_use_several_channels_the_share_is_told():
    every = hashes(30_000)
    chat, phone = every[:20_000], every[10_000:]
    sketches = [[sketch(enumerate(chat))], [sketch(enumerate(phone))]]
    assert estimate_shared(sketches) == pytest.approx(10_000, rel=0.4)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=60), st.data())
def test_order_and_repeats_change_nothing(seen, data):
    order = data.draw(st.permutations([*seen, *seen[:5]]))
    for since in range(6):
        found = sketch(order, since)
        assert list(found) == sorted({each for at, each in seen if at >= since})


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.lists(st.integers(1, 30), max_size=8), st.integers(0, 9)),
        max_size=12,
    )
)
def test_what_was_told_before_is_told_again_only_while_it_is_true(steps):
    watched, every = Distinct(), []
    for at, customers, since in steps:
        every += [(at, customer) for customer in customers]
        if customers:
            watched.see([(at, customer) for customer in customers], 0)
        for begin in (since, since + 1, since):
            assert list(watched.least(begin)) == list(sketch(every, begin))


def test_a_window_that_slides_over_a_full_sketch_is_told_anew():
    watched, seen = Distinct(), list(enumerate(hashes(2 * K)))
    watched.see(seen, 0)
    for since in range(0, 2 * K, 50):
        assert list(watched.least(since)) == list(sketch(seen, since))


def test_a_team_that_nobody_names_counts_as_other():
    engine = Engine(Policy(CHANNELS, teams=("billing",)))
    engine.apply(
        [
            TicketCreated("a", "chat", START, "sales", customer=1),
            TicketCreated("b", "chat", START, "billing", customer=2),
        ]
    )
    assert told(engine.customers.least(0, START, [0])) == [[2]]
    assert told(engine.customers.least(1, START, [0])) == [[1]]


def test_an_engine_counts_the_customers_of_its_tickets_and_knows_them_after_a_restart():
    engine, keeper = Engine(PLAIN), Keeper()
    late = START - 3600 * SECOND
    engine.apply(
        [
            TicketCreated("a", "chat", START, customer=1),
            TicketCreated("b", "chat", START, customer=1),
            TicketCreated("c", "chat", START, customer=2),
            TicketCreated("d", "phone", late, customer=1),
            TicketCreated("e", "phone", START),
        ]
    )
    engine.advance(START)
    keeper.keep(engine)
    for each in (engine, keeper.begin_again(PLAIN, START)):
        assert told(each.customers.least(0, START, [START])) == [[1, 2]]
        assert told(each.customers.least(1, START, [late, START])) == [[1], []]


def test_what_is_older_than_a_day_is_dropped():
    customers = Customers(PLAIN)
    customers.noted[0] += [(START - DAY - 1, 1), (START - DAY, 2)]
    assert told(customers.least(0, START, [0])) == [[2]]
