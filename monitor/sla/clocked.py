"""A partition's rules with more clocks than the first response's, and all of them as one.

The tickets are those of the first response; of each of them the other clocks' runs are worked out
anew whenever something is learned, and what differs is put to the engine of that clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import CustomerReplied, Event
from monitor.sla.forecast import Record
from monitor.sla.policy import Past, Policy
from monitor.sla.span_engine import SpanEngine, as_ticket, span_key, ticket_of
from monitor.sla.spans import Span, note, spans
from monitor.sla.ticket import Ticket
from monitor.sla.totals import GroupTotals
from monitor.sla.views import View


class Kept(NamedTuple):
    """What is kept of one clock beside the tickets: what was told of its runs, and its counters."""

    told: Sequence[Ticket] = ()
    totals: dict[str, GroupTotals] | None = None


class ClockedEngine(Engine):
    """An engine for a policy with `clocks`; whatever is told names its clock.

    A ticket answered but not closed is open here even where closes are not reported: its other
    clocks go on.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        clock: int = 0,
        tickets: Iterable[Ticket] = (),
        totals: dict[str, GroupTotals] | None = None,
        forecasts: dict[str, Record] | None = None,
        views: Sequence[View] = (),
        kept: Mapping[str, Kept] | None = None,
        clock_views: Mapping[str, Sequence[View]] | None = None,
        past: Sequence[Past] = (),
    ) -> None:
        super().__init__(
            policy,
            clock=clock,
            tickets=tickets,
            totals=totals,
            forecasts=forecasts,
            views=views,
            past=past,
        )
        self.clocks: dict[str, SpanEngine] = {}
        """By name the engine of each other clock."""
        self._spanning = _pausing(policy, past)
        """The policy, but pauses are worked out where any policy asks or asked for them."""
        runs = _runs(self._spanning, self.tickets.values())
        for name, promises in policy.clocks.items():
            mine = (kept or {}).get(name, Kept())
            self.clocks[name] = SpanEngine(
                promises,
                clock=clock,
                tickets=_with_told(runs[name], mine.told),
                totals=mine.totals,
                views=(clock_views or {}).get(name, ()),
                kept=[run.ticket_id for run in mine.told],
                past=[each.of_clock(name) for each in past],
            )

    def _look_up_due(self) -> int | None:
        others = [engine.next_due for engine in self.clocks.values()]
        return min(
            (due for due in (super()._look_up_due(), *others) if due is not None), default=None
        )

    def step(self, event: Event, now: int) -> list[Effect]:
        """Take in an event and move the clock on: the same as `apply`, then `advance`."""
        effects: list[Effect] = []
        if self.clock < event.at <= now:
            effects += self.advance(event.at)
        self._take(event, effects)
        if now > self.clock:
            effects += self.advance(now)
        return effects

    def advance(self, now: int) -> list[Effect]:
        """Move all clocks on together, through every moment at which one has something to tell."""
        effects: list[Effect] = []
        engines: list[Engine] = [self, *self.clocks.values()]
        while (due := min(engine.head for engine in engines)) <= now:
            effects += self._advance_all(due)
        return effects + self._advance_all(max(now, self.clock))

    def _advance_all(self, now: int) -> list[Effect]:
        effects = super().advance(now)
        for name, engine in self.clocks.items():
            effects += _named(name, engine.advance(now))
        return effects

    def forget(self) -> int:
        """Drop all that has been over for long enough, with all its clocks."""
        for engine in self.clocks.values():
            engine.forget()
        return super().forget()

    def _drop(self, ticket: Ticket) -> None:
        super()._drop(ticket)
        for engine in self.clocks.values():
            engine.drop(span_key(ticket.ticket_id, 0))
            number = 1
            while engine.drop(span_key(ticket.ticket_id, number)):
                number += 1

    def _take(self, event: Event, effects: list[Effect]) -> None:
        key = event.ticket_id
        before = spans(self.tickets.get(key), self._spanning)
        creation = _creation(self.tickets.get(key))
        super()._take(event, effects)
        self._note(event, effects)
        ticket = self.tickets.get(key)
        if ticket is not None:
            moved = creation != _creation(ticket)
            self._put(ticket, before, spans(ticket, self._spanning), effects, moved=moved)

    def _note(self, event: Event, effects: list[Effect]) -> None:
        """Keep who spoke when; a ticket of which nothing else is known is remembered as long."""
        ticket = self.tickets.get(event.ticket_id)
        if ticket is None and type(event) is CustomerReplied:
            ticket = Ticket(event.ticket_id)
        if ticket is not None and note(ticket, event):
            ticket.touched = self.clock
            self.tickets[ticket.ticket_id] = self.changed[ticket.ticket_id] = ticket
            self._settle(ticket, effects)

    def _put(
        self,
        ticket: Ticket,
        before: Mapping[str, tuple[Span, ...]],
        after: Mapping[str, tuple[Span, ...]],
        effects: list[Effect],
        *,
        moved: bool,
    ) -> None:
        for name, engine in self.clocks.items():
            were = {span.number: span for span in before.get(name, ())}
            are = {span.number: span for span in after.get(name, ())}
            for number in sorted(were.keys() | are.keys()):
                span = are.get(number)
                if moved or span != were.get(number):
                    key = span_key(ticket.ticket_id, number)
                    new = None if span is None else as_ticket(key, ticket, span)
                    effects += _named(name, engine.put(new, key))


def _pausing(policy: Policy, past: Sequence[Past]) -> Policy:
    clocks = {}
    for name, promises in policy.clocks.items():
        formers = [each.of_clock(name).policy.channels for each in past]
        channels = {
            channel: replace(
                target,
                pauses=target.pauses
                or any(former[channel].pauses for former in formers if channel in former),
            )
            for channel, target in promises.channels.items()
        }
        clocks[name] = replace(promises, channels=channels)
    return replace(policy, clocks=clocks)


def _creation(ticket: Ticket | None) -> tuple[str, str, str, str]:
    if ticket is None:
        return "", "", "", ""
    return ticket.channel, ticket.team, ticket.priority, ticket.tier


def _named(clock: str, effects: Iterable[Effect]) -> list[Effect]:
    """Return what a clock tells under the name of the ticket."""
    named = []
    for effect in effects:
        ticket_id, number = ticket_of(effect.ticket_id)
        named.append(effect._replace(ticket_id=ticket_id, clock=clock, number=number))
    return named


def _runs(policy: Policy, tickets: Iterable[Ticket]) -> dict[str, dict[str, Ticket]]:
    """Return by clock all runs that are known of these tickets."""
    found: dict[str, dict[str, Ticket]] = {name: {} for name in policy.clocks}
    for ticket in tickets:
        for name, mine in spans(ticket, policy).items():
            for span in mine:
                key = span_key(ticket.ticket_id, span.number)
                found[name][key] = as_ticket(key, ticket, span)
    return found


def _with_told(runs: dict[str, Ticket], kept: Iterable[Ticket]) -> list[Ticket]:
    """Give runs back what was told of them; one that was taken back has only that."""
    for one in kept:
        run = runs.setdefault(one.ticket_id, Ticket(one.ticket_id))
        run.told, run.revisions, run.touched = one.told, one.revisions, one.touched
    return list(runs.values())
