"""The demo's customers: who there are, who comes and goes, and what they say of a ticket."""

from collections.abc import Iterator
from random import Random
from typing import Final, NamedTuple

DAY: Final = 86_400.0

AT_THE_START: Final = 2000
JOINED_BEFORE: Final = (3 * DAY, 900 * DAY)
"""How long ago those there are at the start joined, however fast the day runs."""
JOIN_EVERY: Final = DAY / 60
LEAVE_EVERY: Final = DAY / 25

SURVEY_SHARE: Final = 0.3
"""So many answer when they are asked."""
SURVEYED_AFTER: Final = (20.0, 600.0)
NPS_SHARE: Final = 1 / 3
"""One of three is asked whether they would recommend, the others whether they are satisfied."""

_SCORES: Final = {
    ("csat", True): {5: 60, 4: 28, 3: 7, 2: 3, 1: 2},
    ("csat", False): {5: 10, 4: 20, 3: 25, 2: 25, 1: 20},
    ("nps", True): {10: 35, 9: 25, 8: 15, 7: 10, 6: 7, 5: 5, 3: 3},
    ("nps", False): {9: 5, 8: 12, 7: 18, 6: 20, 4: 25, 1: 20},
}
"""By kind, and whether the reply came soon, how often each score is given."""


class Answer(NamedTuple):
    """What a customer says in a survey."""

    kind: str
    score: int


class Customers:
    """Everybody who is a customer."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ids = [f"c{number:05}" for number in range(AT_THE_START)]
        self._next = AT_THE_START

    def at_the_start(self) -> Iterator[tuple[str, float]]:
        """Yield those there are, and for how many seconds they have been customers."""
        for customer in self._ids:
            yield customer, self._random.uniform(*JOINED_BEFORE)

    def one(self) -> str:
        """Return one of them."""
        return self._random.choice(self._ids)

    def join(self) -> str:
        """Add one."""
        customer = f"c{self._next:05}"
        self._next += 1
        self._ids.append(customer)
        return customer

    def leave(self) -> str:
        """Take one away."""
        return self._ids.pop(self._random.randrange(len(self._ids)))

    def wait(self, every: float) -> float:
        """Return how long it takes until something happens that happens so often."""
        return self._random.expovariate(1 / every)

    def answers_survey(self) -> bool:
        """Tell whether one answers when asked."""
        return self._random.random() < SURVEY_SHARE

    def thinks_it_over(self) -> float:
        """Return after how many seconds a survey is answered."""
        return self._random.uniform(*SURVEYED_AFTER)

    def answer(self, *, was_quick: bool) -> Answer:
        """Return what is said of a ticket."""
        kind = "nps" if self._random.random() < NPS_SHARE else "csat"
        scores = _SCORES[kind, was_quick]
        return Answer(kind, self._random.choices(list(scores), list(scores.values()))[0])
