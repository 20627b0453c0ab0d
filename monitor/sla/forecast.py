"""The chance of each waiting ticket to miss its limit, and how good these forecasts were.

Two things are known of a ticket that waits: how long it has, and its place in the queue. Of all
who waited as long, a share missed the limit (`experience`). And whoever stands at place n misses
it if fewer than n are answered in the time left (`poisson`), which is right where the queue is
served in order, at a steady rate. Few are: so the second counts as much as the past says it
improves the first, and no more.
"""

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from monitor.sla.cohorts import TICKS, Cohort, Cohorts
from monitor.sla.experience import Experience, hoped_for
from monitor.sla.poisson import fewer_than
from monitor.sla.policy import Target
from monitor.sla.scores import LIKELY, Scores

TRUST_PRIOR: Final = 200.0
"""The queue is trusted once it has told so much: the sum of its squared differences from age."""

BASELINES: Final = ("share_of_misses", "threshold", "queue")
"""What the forecast is held against, beside the at-risk threshold; see `Chance`."""


class Trust(msgspec.Struct, array_like=True):
    """How far the queue improves on the age: the weight of least squares, from 0 to 1.

    Of all blends p = age + weight (queue - age) it is the one that would have had the least
    Brier score so far.
    """

    gained: float = 0.0
    told: float = 0.0

    @property
    def weight(self) -> float:
        """The part of the queue in the blend."""
        return min(max(self.gained / (self.told + TRUST_PRIOR), 0.0), 1.0)

    def judge(self, age: float, queue: float, forecasts: int, missed: int) -> None:
        """Count forecasts that differed, and how many of them came true."""
        told = queue - age
        self.gained += told * (missed - forecasts * age)
        self.told += forecasts * told**2


class Record(msgspec.Struct):
    """What a group's forecasts rest on, and their record; it outlives its tickets."""

    limit: int
    """Of another limit nothing can be learned."""
    experience: Experience = msgspec.field(default_factory=Experience)
    trust: Trust = msgspec.field(default_factory=Trust)
    likely_late: Scores = msgspec.field(default_factory=Scores)
    at_risk: Scores = msgspec.field(default_factory=Scores)
    """The record of the at-risk threshold, taken for a forecast: certain from there on."""


class Chance(NamedTuple):
    """What is known of one cohort's tickets."""

    cohort: int
    waiting: int
    age: float
    """Going by the time they have waited."""
    queue: float
    """Going by their place in the queue."""
    blend: float
    """Going by both: the forecast."""
    share_of_misses: float
    """Going by how often it has happened: the same for all."""
    threshold: float
    """Going by whether it is at risk: how often it has happened to those who were, or were not."""


class Forecast:
    """One group's forecasts: `look` makes them, and judges them when it is known what came."""

    def __init__(
        self, target: Target, record: Record | None = None, since: int = 0, changed_at: int = 0
    ) -> None:
        if record is None or record.limit != target.limit:
            record = Record(target.limit)
        self.record = record
        self.cohorts = Cohorts(target.limit, record.experience.until)
        if changed_at:
            changed = self.cohorts.number(changed_at)
            self.cohorts.decided = max(self.cohorts.decided, changed)
        self._changed_at = changed_at
        """Of tickets created before it had another limit at first: nothing is said of them."""
        self._unknown = self.cohorts.number(since) if since else -1
        """Up to this cohort tickets may have been forgotten: nothing can be learned from it."""
        self.baselines = {name: Scores() for name in BASELINES}
        """What the forecast has to be better than; not kept."""
        self.is_blind = False
        """Nothing is told of its tickets: their limits differ, or their clocks stop at times."""
        self.changed = False
        """The record is another since it was last kept."""
        self._tick = -1
        self._said: dict[int, dict[int, Chance]] = {}
        self._hoped = hoped_for(target.share)
        self._by_tick: list[float] = []
        """What is expected by age alone; worked out when it is asked for."""
        ticks = range(1, TICKS + 1)
        self._at_risk = [t for t in ticks if (t - 0.5) * target.limit > target.at_risk * TICKS]
        self._before = [tick for tick in ticks if tick not in self._at_risk]
        self._shares: dict[bool, float] = {}
        """The share of misses among those at risk, and among those not yet."""

    def look(self, now: int) -> None:
        """Make a forecast at each tick, of what waits now; learn from what is decided by now."""
        tick = now // self.cohorts.width
        if tick <= self._tick:
            return
        self._tick = tick
        self._learn(self.cohorts.decide(tick))
        for chance in self.chances(now):
            ticks = tick - chance.cohort
            if 1 <= ticks <= TICKS:
                self._said.setdefault(chance.cohort, {})[ticks] = chance

    def begin_record(self) -> None:
        """Judge nothing that was said so far; what was learned stands."""
        self._said.clear()
        self.record.likely_late, self.record.at_risk = Scores(), Scores()
        self.baselines = {name: Scores() for name in BASELINES}

    def next_look(self, now: int) -> int | None:
        """Return when the next forecast is due, if anybody waits for one or for its outcome."""
        if not (self._said or self.cohorts.standing()):
            return None
        width = self.cohorts.width
        return max(self._tick + 1, -(-now // width)) * width

    def chances(self, now: int) -> list[Chance]:
        """Return by cohort how likely its tickets are to miss their limit, the oldest first."""
        experience, width = self.record.experience, self.cohorts.width
        share = experience.share_of_misses(self._hoped)
        per_span, weight = experience.endings_per_span(), self.record.trust.weight
        found, before = [], 0
        standing = self.cohorts.standing()
        if standing and not self._by_tick:
            self._by_tick = experience.chances(self._hoped)
            self._shares = {
                at_risk: experience.share_at(ticks, self._hoped) if ticks else share
                for at_risk, ticks in ((True, self._at_risk), (False, self._before))
            }
        for cohort, waiting in standing:
            # They were created half a span after their cohort began, in the mean.
            spans = min(max(now / width - cohort - 0.5, 0.0), TICKS - 0.5)
            tick = int(spans) + 1
            age, threshold = self._by_tick[tick], self._shares[tick in self._at_risk]
            place = before + (waiting + 1) // 2
            queue = fewer_than(place, per_span * (TICKS - spans))
            blend = age + weight * (queue - age)
            found.append(Chance(cohort, waiting, age, queue, blend, share, threshold))
            before += waiting
        return found

    def of(self, chances: Iterable[Chance]) -> Callable[[int], float | None]:
        """Return what tells the chance of a ticket by its creation: 1 of one past its limit."""
        by_cohort = {chance.cohort: chance.blend for chance in chances}
        number, changed_at = self.cohorts.number, 0 if self.is_blind else self._changed_at
        otherwise = None if self.is_blind else 1.0
        return lambda created: (
            None if created < changed_at else by_cohort.get(number(created), otherwise)
        )

    def _learn(self, decided: list[Cohort]) -> None:
        experience = self.record.experience
        for cohort in decided:
            said = self._said.pop(cohort.number, {})
            if 1 in said:  # it was watched from its beginning
                self._judge(said, cohort)
        if self.cohorts.decided > self._unknown:
            experience.until = max(experience.until, self._unknown)
            known = [cohort for cohort in decided if cohort.number > self._unknown]
            experience.learn(known, self.cohorts.decided)
        self._by_tick = []
        self.changed = self.changed or bool(decided)
        for number in [number for number in self._said if number <= self.cohorts.decided]:
            del self._said[number]

    def _judge(self, said: dict[int, Chance], cohort: Cohort) -> None:
        record, baselines = self.record, self.baselines
        for tick, each in said.items():
            record.trust.judge(each.age, each.queue, cohort.waiting(tick), cohort.missed)
        record.likely_late.judge([(tick, each.blend) for tick, each in said.items()], cohort)
        certain = [(tick, float(tick in self._at_risk)) for tick in said]
        record.at_risk.judge(certain, cohort)
        for name, scores in baselines.items():
            scores.judge([(tick, getattr(each, name)) for tick, each in said.items()], cohort)


def likely_late(chances: list[Chance]) -> int:
    """Count the tickets that are more likely than not to miss their limit."""
    return sum(chance.waiting for chance in chances if chance.blend >= LIKELY)
