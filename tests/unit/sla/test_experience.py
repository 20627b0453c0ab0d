"""The life table: what became of those who waited as long."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla import experience
from monitor.sla.cohorts import TICKS, Cohort
from monitor.sla.experience import HALF_LIFE, Experience, hoped_for

endings = st.dictionaries(st.integers(0, TICKS + 1), st.integers(1, 50), max_size=6)
cohorts = st.lists(st.tuples(endings, st.integers(0, 20)), max_size=30)


def learned(all_cohorts, until=None):
    found = Experience()
    numbered = [Cohort(number, *each) for number, each in enumerate(all_cohorts)]
    found.learn(numbered, len(numbered) - 1 if until is None else until)
    return found


def test_the_chance_is_the_share_of_misses_among_those_who_waited_as_long():
    # Of 1000, 600 ended before their first tick, 300 at the tenth, and 100 missed.
    table = learned([({0: 600, 10: 300}, 100)]).chances(hoped_for(0.9))
    assert table[1] == pytest.approx(100 / 400, abs=0.002)
    assert table[10] == pytest.approx(100 / 400, abs=0.002)
    assert table[11] == pytest.approx(1.0, abs=0.01)


@given(cohorts, st.floats(0.01, 1.0))
def test_it_is_a_chance_and_never_falls_while_a_ticket_waits(all_cohorts, share):
    table = learned(all_cohorts).chances(hoped_for(share))
    assert all(0.0 <= chance <= 1.0 for chance in table)
    assert all(later >= earlier - 1e-12 for earlier, later in pairwise(table))


def test_before_anything_is_known_the_target_is_taken_to_be_just_kept():
    table = Experience().chances(hoped_for(0.9))
    assert table[0] == pytest.approx(0.1)
    # Half of the limit is left: half of the way, at a steady rate.
    assert table[10] == pytest.approx(0.1**0.525)
    assert table[TICKS] > 0.9


def test_what_is_recent_counts_more_and_fades_by_half_in_its_half_life():
    calm, bad = ({0: 0, 5: 900}, 100), ({5: 100}, 900)
    before = learned([calm] * 10)
    hoped = hoped_for(0.9)
    assert before.chances(hoped)[1] == pytest.approx(0.1, abs=0.01)
    before.learn([Cohort(10, *bad)], 10)
    after = before.chances(hoped)[1]
    assert after > 1900 / 11_000
    half = before.recent.missed / 2
    before.learn([], 10 + HALF_LIFE)
    assert before.recent.missed == pytest.approx(half)
    assert before.whole.missed == 1900


@given(cohorts, st.integers(0, 29))
def test_it_does_not_matter_in_how_many_steps_it_was_learned(all_cohorts, cut):
    cut = min(cut, len(all_cohorts))
    numbered = [Cohort(number, *each) for number, each in enumerate(all_cohorts)]
    at_once, in_two = Experience(), Experience()
    at_once.learn(numbered, len(numbered))
    in_two.learn(numbered[:cut], max(cut - 1, 0))
    in_two.learn(numbered[cut:], len(numbered))
    hoped = hoped_for(0.8)
    assert in_two.chances(hoped) == pytest.approx(at_once.chances(hoped))
    if all_cohorts and cut:
        assert in_two.endings_per_span() == pytest.approx(at_once.endings_per_span())


def test_the_rate_is_what_ended_of_late_within_the_limit():
    steady = learned([({3: 5}, 2)] * (10 * HALF_LIFE))
    assert steady.endings_per_span() == pytest.approx(5.0, rel=0.01)
    steady.learn([], 11 * HALF_LIFE - 1)  # a half-life in which nothing was created
    assert steady.endings_per_span() == pytest.approx(2.5, rel=0.01)


def test_with_few_recent_tickets_the_whole_past_is_believed():
    assert experience.RECENT_PRIOR == 40
    table = learned([({5: 950}, 50)])
    table.learn([Cohort(100 * HALF_LIFE, {}, 3)], 100 * HALF_LIFE)
    assert table.chances(hoped_for(0.9))[1] == pytest.approx((3 + 40 * 0.0528) / 43, abs=0.01)
