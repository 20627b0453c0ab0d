"""Turns: a burst passes, what is more waits, and a pause makes room again."""

import pytest

from monitor.wall.settings import Limits
from monitor.wall.turns import Turns


@pytest.fixture
def turns():
    return Turns(Limits(requests_a_second=10, burst_requests=5))


def test_a_burst_passes_and_the_rest_goes_at_its_pace(turns):
    waits = [turns.take(now=100.0) for _ in range(8)]
    assert waits == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2, 0.3])


def test_a_pause_makes_room_for_no_more_than_a_burst(turns):
    for _ in range(8):
        turns.take(now=100.0)
    assert [turns.take(now=500.0) for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.1])


def test_who_keeps_to_the_pace_never_waits(turns):
    assert {turns.take(now=n / 10) for n in range(100)} == {0}


def test_what_costs_more_takes_more_turns(turns):
    assert turns.take(now=0.0, turns=8) == pytest.approx(0.3)
