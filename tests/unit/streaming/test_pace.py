"""When a partition commits: by a clock of the test, and how much there still is to be read."""

from types import SimpleNamespace

import pytest

from monitor.streaming.pace import Pace
from monitor.streaming.settings import Settings

SETTINGS = Settings("nowhere:1", flush_seconds=0.3, far_flush_seconds=1.0, max_poll_records=5000)
TOPIC = "ticket-created"


class Clock:
    now = 100.0

    def monotonic(self):
        return self.now

    def wall(self):
        return 0


def state(*, dirty=True, news=False, pending=1):
    engine = SimpleNamespace(next_due=None)
    return SimpleNamespace(
        is_dirty=dirty,
        has_news=news,
        pending=pending if dirty else 0,
        positions={TOPIC: 1},
        ends={TOPIC: 1},
        engine=engine,
    )


def first_due(lag, behind=(TOPIC,), **what):
    """Return how many tenths of a second after a commit the next one is due."""
    clock = Clock()
    pace = Pace(SETTINGS, clock)
    for tenths in range(400):
        clock.now = 100.0 + tenths / 10 + 0.001
        if pace.is_commit_due(state(**what), behind, lag):
            return tenths
    return None


@pytest.mark.parametrize(
    ("lag", "tenths"),
    [(0, 3), (5000, 3), (5001, 10), (1_000_000, 10)],
)
def test_commits_are_larger_while_there_is_much_to_be_read(lag, tenths):
    assert first_due(lag) == tenths


def test_what_somebody_waits_for_goes_at_once_when_all_is_read():
    assert first_due(0, behind=(), news=True) == 0
    assert first_due(1, news=True) == 3


def test_many_changes_do_not_wait():
    assert first_due(1_000_000, pending=SETTINGS.max_pending + 1) == 0


def test_with_nothing_to_commit_the_clock_is_committed_seldom():
    assert first_due(0, dirty=False) == 300
    assert first_due(1_000_000, dirty=False) == 300


@pytest.mark.parametrize(("lag", "seconds"), [(0, 0.3), (5001, 1.0)])
def test_it_sleeps_until_the_next_commit(lag, seconds):
    pace = Pace(SETTINGS, Clock())
    assert pace.idle_seconds(state(), (), lag, 0) == pytest.approx(seconds)
