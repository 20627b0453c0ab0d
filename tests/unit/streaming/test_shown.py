"""Figures are worked out once for all who ask at about the same time."""

import pytest

from monitor.observability.stats import Counts, PartitionStats
from monitor.streaming.clock import Clock
from monitor.streaming.shown import FAR_BEHIND_SECONDS, LIVE_SECONDS, Shown

COST = 1 / 128
CHEAP, DEAR = 1.0, COST / 100
"""Shares of the time: by the one figures are good for 8 ms, by the other for 100 s."""


class Turned(Clock):
    def __init__(self):
        self.now = self.worked = 0.0

    def monotonic(self):
        return self.now

    def cpu(self):
        return self.worked


class Asked:
    """Somebody who asks for figures, numbered as they are worked out."""

    def __init__(self):
        self.clock = Turned()
        self._shown = Shown(self.clock)
        self._number = 0

    def after(self, seconds, **options):
        return self.shown_after(seconds, **options).clock

    def shown_after(
        self, seconds, *, work_ratio=DEAR, caught_up=True, is_far_behind=False, commits=0
    ):
        self.clock.now += seconds
        counts = Counts(records={"ticket-created": {"ok": commits}})

        def work_out():
            self._number += 1
            self.clock.worked += COST
            return PartitionStats(
                partition=0,
                clock=self._number,
                groups=[],
                counts=counts,
                lag=0,
                caught_up=caught_up,
                last_commit=0.0,
            )

        options = {"caught_up": caught_up, "is_far_behind": is_far_behind}
        return self._shown.read(work_out, counts, work_ratio=work_ratio, **options)


def test_who_asks_at_the_same_moment_is_told_the_same():
    asked = Asked()
    assert [asked.after(seconds) for seconds in (0, 0, LIVE_SECONDS - 0.01)] == [1, 1, 1]


@pytest.mark.parametrize("caught_up", [True, False])
def test_figures_are_never_older_than_a_moment(caught_up):
    asked = Asked()
    assert [asked.after(LIVE_SECONDS, caught_up=caught_up) for _ in range(3)] == [1, 2, 3]


def test_what_costs_little_is_worked_out_more_often():
    asked = Asked()
    assert [asked.after(COST, work_ratio=CHEAP) for _ in range(3)] == [1, 2, 3]
    assert asked.after(COST / 2, work_ratio=CHEAP) == 3


def test_of_a_partition_that_is_far_behind_they_may_be_some_seconds_old():
    asked = Asked()
    behind = {"caught_up": False, "is_far_behind": True}
    steps = (0, FAR_BEHIND_SECONDS - 0.1, 0.1, 1)
    assert [asked.after(step, **behind) for step in steps] == [1, 1, 2, 2]


def test_one_that_has_just_caught_up_shows_what_is_now():
    asked = Asked()
    assert asked.after(0, caught_up=False, is_far_behind=True) == 1
    assert asked.after(0) == 2
    assert asked.after(0) == 2


def test_counters_go_with_the_gauges_but_for_one_that_is_far_behind():
    asked = Asked()

    def counted(commits, **options):
        shown = asked.shown_after(0, commits=commits, **options)
        return shown.counts.records["ticket-created"]["ok"]

    behind = {"caught_up": False, "is_far_behind": True}
    assert [counted(commits, **behind) for commits in (1, 2, 3)] == [1, 2, 3]
    assert counted(4, caught_up=False) == 3  # not of a commit that the gauges do not know
    assert counted(5) == 5
    assert counted(6) == 5
