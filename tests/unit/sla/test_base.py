"""The customer base: who came and who left, each once, in any order, and what follows of it."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.base import BaseFigures, Changes, CustomerBase
from monitor.sla.events import DAY, SECOND, CustomerChanged
from tests.unit.sla.strategies import START

LONG_AGO = START - 400 * DAY


def joined(customer_id, at=START):
    return CustomerChanged(customer_id, joined=True, at=at)


def left(customer_id, at=START):
    return CustomerChanged(customer_id, joined=False, at=at)


def take(base, *events, now=START):
    for event in events:
        base.advance(now)
        base.take(event)
    base.advance(now)
    return base


def begin(*events, now=START):
    return take(CustomerBase(clock=now), *events, now=now)


def test_retention_is_who_stayed_of_those_at_the_start():
    """(1,200 customers at the end - 300 new ones) / 1,000 at the start = 90 %."""
    base = begin(*(joined(f"old{n}", LONG_AGO) for n in range(1000)))
    take(base, *(joined(f"new{n}") for n in range(300)), *(left(f"old{n}") for n in range(100)))
    assert base.figures()["24h"] == (1200, 300, 100)
    assert base.figures()["24h"].at_start == 1000
    assert base.figures()["24h"].retention_ratio == 0.9


def test_churn_is_who_left_of_those_at_the_start():
    """400 of 2,000 = 20 %."""
    base = begin(*(joined(f"c{n}", LONG_AGO) for n in range(2000)))
    take(base, *(left(f"c{n}") for n in range(400)))
    assert base.figures()["1h"].churn_ratio == 0.2
    assert base.figures()["1h"].retention_ratio == 0.8


def test_of_nobody_there_is_no_ratio():
    nobody = begin().figures()["24h"]
    assert (nobody.at_start, nobody.retention_ratio, nobody.churn_ratio) == (0, None, None)
    only_new = begin(joined("a")).figures()["24h"]
    assert (only_new.retention_ratio, only_new.churn_ratio) == (None, None)


def test_retention_is_never_below_nothing():
    """Of one customer and two new ones all three left: the formula would say -100 %."""
    assert BaseFigures(0, 2, 3).retention_ratio == 0


def test_each_window_has_its_own_start():
    base = begin(joined("a", LONG_AGO), joined("b", START - 7200 * SECOND), left("a"))
    assert base.figures()["5m"] == (1, 0, 1)
    assert base.figures()["1h"] == (1, 0, 1)
    assert base.figures()["24h"] == (1, 1, 1)


def test_a_change_that_changes_nothing_is_none():
    assert begin(joined("a"), joined("a", START + 1), now=START + 1).customers == 1
    assert begin(left("a")).customers == 0
    assert begin(joined("a"), left("a", START + 1), joined("a", START + 2), now=DAY).customers == 0


def test_somebody_may_come_back():
    base = begin(joined("a"), left("a", START + 1), joined("a", START + 2), now=START + 2)
    assert base.figures()["24h"] == (1, 2, 1)


def test_a_departure_that_was_read_before_its_arrival_counts_once_both_are_known():
    base = begin(left("a"))
    assert base.figures()["24h"] == (0, 0, 0)
    take(base, joined("a", LONG_AGO))
    assert base.figures()["24h"] == (0, 0, 1)


def test_what_lies_ahead_counts_when_the_clock_gets_there():
    base = begin(joined("a", START + SECOND))
    assert base.customers == 0
    base.advance(START + SECOND)
    assert base.customers == 1


def test_customers_are_remembered_and_those_who_left_for_a_day():
    base = begin(joined("stays"), joined("leaves"), left("leaves", START + 1), now=START + 1)
    base.advance(START + DAY)
    base.forget()
    assert len(base) == 2
    base.changed.clear()
    base.advance(START + 1 + DAY)
    base.forget()
    assert len(base) == 1
    assert base.changed == {"leaves": None}
    take(base, joined("stays"), now=START + 90 * DAY)
    assert base.customers == 1
    assert base.counted == Changes(2, 1, 0, 0)


def test_what_was_read_late_is_remembered_for_a_day_too():
    base = begin(left("a", LONG_AGO))
    base.forget()
    take(base, joined("a", LONG_AGO))
    assert base.customers == 0


def test_what_a_late_event_proves_false_is_taken_back_and_counted():
    base = begin(joined("a", START))
    take(base, joined("a", START - SECOND))
    assert base.counted == Changes(2, 0, 1, 0)
    assert base.customers == 1


changes = st.builds(
    CustomerChanged,
    st.sampled_from("ab"),
    st.booleans(),
    st.sampled_from([START + n for n in (-2 * DAY, -SECOND, 0, 1, SECOND, 7200 * SECOND)]),
)


def truth(events, clock):
    """Work out the slow way who is there, and what happened in the last 24 hours' panes."""
    there = joins = leaves = 0
    first = (clock // (DAY // 60) - 59) * (DAY // 60)
    for customer in {event.customer_id for event in events}:
        mine = {(e.at, not e.joined) for e in events if e.customer_id == customer and e.at <= clock}
        inside = False
        for at, goes in sorted(mine):
            if goes == inside:
                inside = not goes
                joins += not goes and at >= first
                leaves += goes and at >= first
        there += inside
    return there, joins, leaves


@given(data=st.data(), events=st.lists(changes, min_size=1, max_size=10))
def test_order_repeats_restarts_and_batches_change_nothing(data, events):
    order = data.draw(st.permutations([*events, *events[:3]]))
    clock, kept = START - DAY // 2, {}
    base = CustomerBase(clock=clock)
    for event in order:
        clock = max(clock, data.draw(st.sampled_from((clock, event.at))))
        take(base, event, now=clock)
        base.forget()  # nothing yet: each may be repeated within a day
        if data.draw(st.booleans()):
            base = again(base, kept, clock)
    end = START + 3 * 3600 * SECOND
    base.advance(end)
    assert base.figures()["24h"] == truth(events, end)
    counted = base.counted
    net = counted.joined - counted.joined_taken_back - counted.left + counted.left_taken_back
    assert net == base.customers
    later = end + 2 * DAY
    base.advance(later)
    base.forget()
    assert (
        again(base, kept, later).figures()["24h"] == base.figures()["24h"] == truth(events, later)
    )


def again(base, kept, clock):
    """Return the base after a restart; `kept` is what the changelog has of it."""
    kept |= base.changed
    remembered = [each for each in kept.values() if each is not None]
    return CustomerBase(remembered, base.counted, clock=clock)
