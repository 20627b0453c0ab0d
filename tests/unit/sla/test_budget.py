"""How many more may miss: worked examples, and the definition itself."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sla.budget import error_budget


@pytest.mark.parametrize(
    ("good", "decided", "share", "left"),
    [
        (95, 100, 0.9, 5),  # 95 of 105 are 90.5 %, 95 of 106 are 89.6 %
        (9, 10, 0.9, 0),
        (9, 15, 0.9, -5),  # five misses too many: 9 of 10 would do
        (0, 0, 0.9, 0),
        (10, 10, 1.0, 0),
        (9, 10, 1.0, -1),
        (1, 1, 0.5, 1),
        (0, 3, 0.9, -3),
    ],
)
def test_so_many_more_may_miss(good, decided, share, left):
    assert floor(error_budget(good, decided, share)) == left


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 1000))
def test_it_is_the_most_that_still_meets_the_target(good, missed, per_mille):
    share, decided = Fraction(per_mille, 1000), good + missed
    left = floor(error_budget(good, decided, per_mille / 1000))
    assert good >= share * (decided + left)
    assert good < share * (decided + left + 1)


def test_what_partitions_have_left_adds_up():
    parts = [(7, 9), (1, 1), (12, 13)]
    total = sum(error_budget(*part, 0.95) for part in parts)
    assert total == error_budget(20, 23, 0.95)
