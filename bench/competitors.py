"""The competitors: each reads all there is once, and is checked for what it has counted."""

import itertools
import math
import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from bench.history import Counts
from bench.kafka import Kafka
from bench.monitors import SCRAPE_SECONDS, Monitors, Scrape, records
from bench.process import FailedError, Used, run
from bench.topics import INPUTS, STOCK_INPUTS

STOCK_SLICE: Final = 50
"""Stock Faust reads one event in so many."""

STOCK_TABLES: Final = ("tickets", "5m", "1h", "24h")

_numbers = itertools.count()


class Outcome(NamedTuple):
    """One run of one competitor."""

    events: int
    used: Used
    seconds: float
    """From the first record to the last."""
    counts: Counts | None


class Competitor(NamedTuple):
    """One that does the job."""

    title: str
    run: Callable[[Kafka, str, int], Outcome]
    topics: tuple[str, str] = INPUTS
    share: int = 1
    """It reads one event in so many."""

    def share_of(self, events: int) -> int:
        """Return how many events it reads: whole tickets."""
        return events // self.share // 2 * 2


def by_monitor(workers: int) -> Callable[[Kafka, str, int], Outcome]:
    """Return a run of the program with so many workers."""

    def run_it(kafka: Kafka, group: str, events: int) -> Outcome:
        with Monitors(kafka.bootstrap, group, workers) as monitors:
            if not events:
                scrape = monitors.until(monitors.is_caught_up)
                return Outcome(0, monitors.stop(), 0.0, None)
            first = monitors.until(lambda scrape: records(scrape) > 0, every_seconds=0.2)
            scrape = monitors.until(
                lambda scrape: records(scrape) >= events and monitors.is_caught_up(scrape),
                every_seconds=SCRAPE_SECONDS,
            )
            ended = scrape.max("sla_last_commit_timestamp_seconds")
            seconds = _extrapolated(events, records(first), ended - first.at)
            # What the wall clock makes true once all is read is told right after.
            scrape = _settled(monitors)
            return Outcome(events, monitors.stop(), seconds, scrape.counts())

    return run_it


def _extrapolated(events: int, before: float, seconds: float) -> float:
    """Return how long all events took, of which some were done `before` the seconds began."""
    left = events - before
    # Of a run so short that one look saw all of it nothing can be said.
    return events * seconds / left if left > 0 and seconds > 0 else math.nan


def _settled(monitors: Monitors) -> Scrape:
    before = None
    while True:
        scrape = monitors.until(monitors.is_caught_up)
        if scrape.counts() == before:
            return scrape
        before = scrape.counts()
        time.sleep(SCRAPE_SECONDS)


def by_module(
    module: str, topics: tuple[str, str] = INPUTS, *options: str
) -> Callable[[Kafka, str, int], Outcome]:
    """Return a run of a module that ends by itself and prints what it counted."""

    def run_it(kafka: Kafka, group: str, events: int) -> Outcome:
        total = list(options)
        if topics == STOCK_INPUTS:
            total = [str(events)]
            # Left to Faust, its agents may find 0 partitions, crash, and hang for good.
            kafka.create(*(f"{group}-{table}-changelog" for table in STOCK_TABLES))
        used, result = run(module, kafka.bootstrap, group, *topics, *total)
        if result["events"] != events:
            raise FailedError(f"{module} read {result['events']} events of {events}")
        return Outcome(events, used, result["seconds"], result["counts"])

    return run_it


COMPETITORS: Final[Mapping[str, Competitor]] = {
    "monitor": Competitor("sla-monitor, 1 worker", by_monitor(1)),
    "monitor-2": Competitor("sla-monitor, 2 workers", by_monitor(2)),
    "aiokafka": Competitor("limit A: by hand, aiokafka", by_module("bench.by_hand_aiokafka")),
    "aiokafka-tells": Competitor(
        "the same, sending what it tells", by_module("bench.by_hand_aiokafka", INPUTS, "tells")
    ),
    "confluent": Competitor("limit B: by hand, confluent", by_module("bench.by_hand_confluent")),
    "confluent-tells": Competitor(
        "the same, sending what it tells", by_module("bench.by_hand_confluent", INPUTS, "tells")
    ),
    "stock": Competitor(
        "stock Faust", by_module("bench.stock_faust", STOCK_INPUTS), STOCK_INPUTS, STOCK_SLICE
    ),
}


def new_group(name: str) -> str:
    """Return a group or app id that nobody has used."""
    return f"bench-{name}-{next(_numbers)}-{int(time.time())}"


def check(title: str, outcome: Outcome, expected: Counts) -> None:
    """Raise `FailedError` where anything was counted that does not belong there, or was not."""
    if outcome.counts != expected:
        raise FailedError(f"{title} counted {outcome.counts}, but should have {expected}")
