"""Burns: every alert can fire, and none fires always."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.observability.rules.burn import FAST, SLOW, Burn, burn, greatest

SHARES = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.999]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("speed", [FAST, SLOW])
def test_every_factor_can_be_reached_and_none_is_reached_while_the_promise_is_kept(share, speed):
    told = burn(share, speed)
    assert 1 < told.factor < greatest(share)
    assert 1 - share < told.missed < 1


@given(st.floats(0.5, 0.999))
def test_whatever_the_share_the_fast_burn_is_faster_than_the_slow_one(share):
    fast, slow = burn(share, FAST), burn(share, SLOW)
    assert 1 < slow.factor < fast.factor < greatest(share)


@pytest.mark.parametrize("share", [0.99, 0.995, 0.999])
def test_where_the_share_leaves_room_the_factors_are_the_workbooks(share):
    assert burn(share, FAST).factor == 14.4
    assert burn(share, SLOW).factor == 6.0


def test_with_80_percent_a_burn_of_14_4_is_refused():
    with pytest.raises(ValueError, match="at most 5"):
        Burn(0.8, 14.4)


def test_with_80_percent_it_is_told_at_three_times_the_allowance_instead():
    told = burn(0.8, FAST)
    assert told.factor == pytest.approx(3)
    assert told.missed == pytest.approx(0.6)


def test_where_everything_is_promised_nothing_can_burn():
    with pytest.raises(ValueError, match="allows no misses"):
        Burn(1.0, 2.0)


@pytest.mark.parametrize("share", SHARES)
def test_no_burn_is_told_of_fewer_than_three_misses_or_ten_tickets(share):
    told = burn(share, FAST)
    assert told.least_tickets >= 10
    assert told.least_tickets * told.missed >= 3 - 1e-9
