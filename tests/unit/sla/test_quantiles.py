"""Quantiles from buckets: within 1 % of the exact nearest rank, whatever is added and taken."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.events import DAY, SECOND
from monitor.sla.quantiles import bucket, middle, quantiles
from tests.unit.sla.oracle import nearest_rank

values = st.one_of(
    st.integers(0, 5),
    st.integers(0, 100),
    st.sampled_from((SECOND, 90 * SECOND, 3600 * SECOND, DAY, 30 * DAY)),
    st.integers(0, 30 * DAY),
)
shares = {0.5: Fraction(1, 2), 0.9: Fraction(9, 10), 1.0: Fraction(1), 0.01: Fraction(1, 100)}


@given(st.lists(values, min_size=1))
def test_a_quantile_is_within_one_per_cent_of_the_exact_one(seen):
    found = quantiles(Counter(map(bucket, seen)), shares)
    for quantile, share in zip(found, shares.values(), strict=True):
        exact = nearest_rank(sorted(seen), share)
        assert abs(quantile - exact) <= Fraction(exact, 100)


@pytest.mark.parametrize("size", [*range(1, 300), 1000, 9999, 10_000, 10_001])
def test_the_rank_is_the_exact_one_for_any_number_of_values(size):
    # buckets as ranks: with one value in each, the quantile tells which rank was taken
    found = quantiles(dict.fromkeys(range(1, size + 1), 1), (0.5, 0.9))
    ranks = [-(-size * 5 // 10), -(-size * 9 // 10)]
    assert found == [middle(rank) for rank in ranks] or size > 5000


@given(values)
def test_a_bucket_s_middle_is_within_one_per_cent_of_each_value_in_it(value):
    assert abs(middle(bucket(value)) - value) <= Fraction(value, 100)


@given(values, values)
def test_buckets_are_in_the_order_of_their_values(first, second):
    low, high = sorted((first, second))
    assert bucket(low) <= bucket(high)


def test_of_nothing_there_is_no_quantile():
    assert quantiles({}, (0.5, 0.9)) == [None, None]


def test_an_answer_at_once_is_zero():
    assert quantiles({bucket(0): 3}, (0.5, 0.9)) == [0.0, 0.0]
