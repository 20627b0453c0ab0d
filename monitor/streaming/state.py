"""One partition between two commits: what was read, what follows, what is to be written.

No I/O: records and the wall clock are handed in, a batch is handed out.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from monitor.sla.clocked import ClockedEngine
from monitor.sla.clocked import Kept as KeptClock
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.measures import Measures
from monitor.sla.policy import Past, Policy
from monitor.sla.policy_changes import PolicyChange
from monitor.sla.shadow import Shadow
from monitor.sla.span_engine import SpanEngine
from monitor.streaming.changelog import (
    COUNTERS_KEY,
    CUSTOMER,
    POLICIES_KEY,
    SURVEY,
    Counters,
    Kept,
    forecast_key,
    pack_counters,
    pack_customer,
    pack_forecast,
    pack_policies,
    pack_survey,
    pack_ticket,
    run_key,
)
from monitor.streaming.codec import Decoder, UnusableError
from monitor.streaming.merge import Merge
from monitor.streaming.policies import in_force
from monitor.streaming.settings import Topics


class DeadLetter(NamedTuple):
    """An input record that cannot be used, whole, and why."""

    topic: str
    record: Any
    reason: str


class Batch(NamedTuple):
    """What one transaction writes."""

    changelog: list[tuple[bytes, bytes | None]]
    effects: list[Effect]
    dead_letters: list[DeadLetter]
    positions: dict[str, int]
    clock: int
    policy_change: PolicyChange | None = None
    """Told before the effects: they are the first under the new policy."""


class PartitionState:
    """The rules' state of one partition, and how far its topics were read."""

    def __init__(
        self,
        policy: Policy,
        kinds: Mapping[str, str],
        positions: Mapping[str, int],
        *,
        clock: int,
        kept: Kept,
        over_at_reply: bool,
        shadow: Policy | None = None,
    ) -> None:
        self.policy = policy
        self._kinds, self._over_at_reply = kinds, over_at_reply
        self._policies, past, self._change = in_force(
            kept.policies, policy, clock, kept.tickets.values()
        )
        self._policies_changed = self._policies != kept.policies
        counters = kept.counters
        self.records = counters.records
        self.engine = _engine(policy, clock, kept, counters, past, over_at_reply=over_at_reply)
        self.measures = Measures(self.engine, kept.measures)
        # What happens to tickets only goes the short way.
        only_tickets = not (set(kinds.values()) & set(Topics().measures) or self.measures.surveys)
        self._step: Callable[[Any, int], list[Effect]] = (
            self.engine.step if only_tickets else self.measures.step
        )
        self.shadow: Shadow | None = None
        """Another policy's figures, if they are asked for."""
        if shadow is not None:
            tickets = self.engine.tickets.values()
            self.shadow = Shadow(shadow, clock, tickets, over_at_reply=over_at_reply)
            self._step = self.shadow.beside(self._step)
        decoder = Decoder(policy)
        self._merge = Merge(positions, {t: decoder.reader(kind) for t, kind in kinds.items()})
        self._effects: list[Effect] = []
        self._dead_letters: list[DeadLetter] = []
        # The first policy is kept before there can be a second one.
        self._moved = self._policies_changed

    @property
    def positions(self) -> dict[str, int]:
        """Up to where each topic was applied."""
        return self._merge.positions

    @property
    def ends(self) -> dict[str, int]:
        """Up to where each topic was taken."""
        return self._merge.ends

    @property
    def has_news(self) -> bool:
        """There is something that somebody waits to be told."""
        return bool(self._effects or self._dead_letters or self._change)

    @property
    def is_dirty(self) -> bool:
        """There is something to commit."""
        return self._moved or self.has_news or self.pending > 0

    @property
    def pending(self) -> int:
        """How many changed tickets, and what else is kept, wait for their transaction."""
        measures = self.measures
        return sum(len(part.changed) for part in (self.engine, measures.surveys, measures.base))

    def has_enough(self, topic: str) -> bool:
        """Tell whether nothing more of a topic is needed for the time being."""
        return self._merge.has_enough(topic)

    def take(self, topic: str, records: Sequence[Any], end: int, wall: int) -> None:
        """Take records of a topic, up to position `end`, to be applied in their turn."""
        self._merge.take(topic, records, end, wall)
        self._moved = True

    def tick(self, behind: Collection[str], wall: int) -> None:
        """Apply what is at its turn, and let time pass.

        The clock steps from record to record, so that it makes no difference how they were
        batched. `behind` are the topics of which there is more to be taken.
        """
        engine, effects = self.engine, self._effects
        step = self._step
        found, counts = self._merge.hand_out(behind)
        if (
            found
        ):  # taken before the last commit, perhaps: what changes nothing is still to be noted
            self._moved = True
        for at, topic, decode, record in found:
            try:
                event = decode(record.key, record.value, wall)
            except UnusableError as reason:
                self._dead_letters.append(DeadLetter(topic, record, str(reason)))
                self._count(topic, "dead_letter", 1)
                counts[topic] -= 1
                effects += engine.advance(at)
            else:
                effects += step(event, at)
        for topic, count in counts.items():
            self._count(topic, "ok", count)
        if not behind:
            effects += engine.advance(wall)
        self.measures.advance()
        if self.shadow is not None:
            self.shadow.advance(engine.clock)

    def forget(self) -> None:
        """Drop all that has been over for long enough (DESIGN 3.7)."""
        self.measures.forget()
        if self.shadow is not None:
            self.shadow.forget()

    def drain(self) -> Batch:
        """Hand out all that is to be committed, and begin anew."""
        changed, self.engine.changed = self.engine.changed, {}
        changelog = [
            (key.encode(), None if ticket is None else pack_ticket(ticket))
            for key, ticket in changed.items()
        ]
        changelog += self._drain_measures()
        for name, clock in self._clocks.items():
            changelog += _runs(name, clock)
        changelog.append((COUNTERS_KEY, pack_counters(self._counters())))
        if self._policies_changed:
            changelog.append((POLICIES_KEY, pack_policies(self._policies)))
        changelog += [
            (forecast_key(name), pack_forecast(record))
            for name, record in self.engine.forecasts.changes().items()
        ]
        batch = Batch(
            changelog,
            self._effects,
            self._dead_letters,
            dict(self.positions),
            self.engine.clock,
            self._change,
        )
        self._effects, self._dead_letters, self._moved = [], [], False
        self._change, self._policies_changed = None, False
        return batch

    def is_under(self, policy: Policy, shadow: Policy | None) -> bool:
        """Tell whether these are its policies."""
        return policy is self.policy and shadow is (self.shadow and self.shadow.policy)

    def under(self, policy: Policy, shadow: Policy | None = None) -> "PartitionState":
        """Return how it goes on under other policies, as if it were read back from Kafka.

        Everything must have been committed. What was taken and not applied is to be taken again.
        """
        return PartitionState(
            policy,
            self._kinds,
            self.positions,
            clock=self.engine.clock,
            kept=self._kept(),
            over_at_reply=self._over_at_reply,
            shadow=shadow,
        )

    def _kept(self) -> Kept:
        """Return what would be read back."""
        kept, measures = Kept(), self.measures
        kept.tickets = self.engine.tickets
        kept.policies = self._policies
        kept.surveys = {each.survey_id.encode(): each for each in measures.surveys.every}
        kept.customers = {each.customer_id.encode(): each for each in measures.base.every}
        kept.runs = {
            name: {key: clock.tickets[key] for key in clock.kept & clock.tickets.keys()}
            for name, clock in self._clocks.items()
        }
        kept.take(COUNTERS_KEY, pack_counters(self._counters()))
        for name, record in self.engine.forecasts.records().items():
            kept.take(forecast_key(name), pack_forecast(record))
        return kept

    @property
    def _clocks(self) -> Mapping[str, SpanEngine]:
        return self.engine.clocks if isinstance(self.engine, ClockedEngine) else {}

    def _counters(self) -> Counters:
        # Sorted: what is written must not depend on which topic was read first.
        return Counters(
            self.engine.totals.stored(),
            dict(sorted(self.records.items())),
            self.measures.base.counted,
            {name: clock.totals.stored() for name, clock in self._clocks.items()},
        )

    def _drain_measures(self) -> Iterator[tuple[bytes, bytes | None]]:
        surveys, base = self.measures.surveys, self.measures.base
        for key, survey in surveys.changed.items():
            yield SURVEY + key.encode(), None if survey is None else pack_survey(survey)
        for key, customer in base.changed.items():
            yield CUSTOMER + key.encode(), None if customer is None else pack_customer(customer)
        surveys.changed, base.changed = {}, {}

    def _count(self, topic: str, outcome: str, count: int) -> None:
        outcomes = self.records.setdefault(topic, {"ok": 0, "dead_letter": 0})
        outcomes[outcome] += count


def _engine(
    policy: Policy,
    clock: int,
    kept: Kept,
    counters: Counters,
    past: Sequence[Past] = (),
    *,
    over_at_reply: bool,
) -> Engine:
    """Return the engine for this policy with what was kept."""
    tickets, totals, forecasts = kept.tickets.values(), counters.groups, kept.forecasts
    if not policy.clocks:
        return Engine(
            policy,
            clock=clock,
            tickets=tickets,
            totals=totals,
            forecasts=forecasts,
            over_at_reply=over_at_reply,
            past=past,
        )
    told = {
        name: KeptClock(list(kept.runs.get(name, {}).values()), counters.clocks.get(name))
        for name in policy.clocks
    }
    return ClockedEngine(
        policy,
        clock=clock,
        tickets=tickets,
        totals=totals,
        forecasts=forecasts,
        kept=told,
        past=past,
    )


def _runs(name: str, engine: SpanEngine) -> list[tuple[bytes, bytes | None]]:
    """Return what is to be kept of a clock's runs: all else is worked out from the tickets."""
    return [
        (run_key(name, key), None if run is None else pack_ticket(run))
        for key, run in engine.drain()
    ]
