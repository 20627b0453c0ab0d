"""Deadlines a second on one core, as a ratio to the addition they stand for.

`python -m bench.calendars`. Plain arithmetic is the same call with a constant span added; live is
tickets as they come, a second apart; scattered is starts in no order over 16 years.
"""

import time
from collections.abc import Callable, Iterable
from random import Random
from statistics import median

from monitor.sla.calendar import Calendar
from monitor.sla.events import DAY, SECOND

HOUR = 3600 * SECOND
START = 1_769_860_800 * SECOND
COUNT = 300_000
ROUNDS = 7


def main() -> None:
    office = Calendar("Europe/Bucharest", (*(((8 * HOUR, 18 * HOUR),),) * 5, (), ()))
    random, span = Random(0), 24 * HOUR
    scattered = [START + random.randrange(-3000 * DAY, 3000 * DAY) for _ in range(COUNT)]
    live = [START + second * SECOND for second in range(COUNT)]
    runs: dict[str, tuple[Callable[[int], int], list[int]]] = {
        "plain arithmetic": (lambda start: start + span, live),
        "live": (office.deadline(span), live),
        "scattered": (lambda start: office.due(start, span), scattered),
    }
    for due, starts in runs.values():
        _rate(due, starts)
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, (due, starts) in runs.items():
            rates[name].append(_rate(due, starts))
    for name, found in rates.items():
        ratios = [
            mine / plain for mine, plain in zip(found, rates["plain arithmetic"], strict=True)
        ]
        print(f"{name:18} {median(found) / 1e6:6.2f} million/s  {median(ratios):5.2f} of plain")


def _rate(due: Callable[[int], int], starts: Iterable[int]) -> float:
    began = time.process_time()
    for start in starts:
        due(start)
    return COUNT / (time.process_time() - began)


if __name__ == "__main__":
    main()
