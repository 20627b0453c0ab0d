"""The chance of fewer than n events, against sums that are exact."""

from fractions import Fraction
from math import erfc, exp, factorial, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.poisson import fewer_than


def exact(places, mean):
    """Sum the formula in fractions; e to the power of -mean as 1 over its series."""
    mean = Fraction(mean)
    series = sum(mean**k / factorial(k) for k in range(int(10 * mean) + 60))
    return float(sum(mean**k / factorial(k) for k in range(places)) / series)


def test_the_worked_example_two_places_and_one_reply_a_minute_for_three_minutes():
    # e^-3 (1 + 3) = 0.1991: of twenty at the second place with three minutes left, four miss.
    assert fewer_than(2, 3.0) == pytest.approx(0.19914827, abs=1e-8)


@pytest.mark.parametrize("places", [1, 2, 3, 7, 20, 60])
@pytest.mark.parametrize("mean", ["1/1000", "1/3", "1", "5/2", "7", "20", "45"])
def test_it_is_the_sum_of_the_formula(places, mean):
    assert fewer_than(places, float(Fraction(mean))) == pytest.approx(
        exact(places, mean), rel=1e-12, abs=1e-15
    )


@given(st.integers(1, 300), st.floats(0, 400))
def test_it_is_a_probability(places, mean):
    assert 0.0 <= fewer_than(places, mean) <= 1.0


@given(st.integers(1, 300), st.floats(0, 400))
def test_further_back_in_the_queue_the_chance_to_miss_is_no_less(places, mean):
    assert fewer_than(places + 1, mean) >= fewer_than(places, mean) - 1e-12


@given(st.integers(1, 300), st.floats(0, 400), st.floats(0, 50))
def test_with_more_time_left_the_chance_to_miss_is_no_more(places, mean, more):
    assert fewer_than(places, mean + more) <= fewer_than(places, mean) + 1e-12


@given(st.integers(1, 200), st.floats(0.001, 300))
def test_one_place_more_adds_the_chance_of_exactly_so_many(places, mean):
    # P(N < n + 1) - P(N < n) = P(N = n) = P(N = n - 1) mean / n
    last = fewer_than(places, mean) - fewer_than(places - 1, mean)
    this = fewer_than(places + 1, mean) - fewer_than(places, mean)
    assert this == pytest.approx(last * mean / places, abs=1e-11)


def test_nobody_ahead_of_nobody_misses_and_with_no_reply_to_come_everybody_does():
    assert fewer_than(0, 3.0) == 0.0
    assert fewer_than(1, 0.0) == 1.0
    assert fewer_than(1000, 0.0) == 1.0


@pytest.mark.parametrize("places", [10_000, 1_000_000])
def test_a_long_queue_neither_overflows_nor_loses_its_accuracy(places):
    for z in (-3.0, -1.0, 0.0, 1.0, 3.0):
        mean = places + z * sqrt(places)
        assert fewer_than(places, mean) == pytest.approx(
            edgeworth(places - 0.5, mean), abs=2 / places
        )
    assert fewer_than(places, places / 2) == 1.0
    assert fewer_than(places, places * 2.0) == pytest.approx(0.0, abs=1e-300)


def edgeworth(at, mean):
    """Return P(N <= at) for a Poisson count: the normal law, corrected for its skewness."""
    x = (at - mean) / sqrt(mean)
    density = exp(-x * x / 2) / sqrt(2 * pi)
    return 0.5 * erfc(-x / sqrt(2)) - density * (x * x - 1) / (6 * sqrt(mean))
