"""The rules of one more clock: each of its runs is a ticket to an engine of its own.

So lines, windows, counters, retractions and restarts are those of the first response. Only that
what is known of a run may change in any way, for it is worked out from the times of a ticket.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from monitor.sla.backlog import Backlog, PausedBacklog
from monitor.sla.effects import Effect, retell
from monitor.sla.engine import Engine
from monitor.sla.life import ENDINGS, NOT_THERE
from monitor.sla.pauses import known
from monitor.sla.policy import Past, Policy
from monitor.sla.promises import NO_PROMISE
from monitor.sla.spans import Span
from monitor.sla.ticket import Exchange, Phase, Ticket
from monitor.sla.totals import GroupTotals
from monitor.sla.views import View

_SEPARATOR: Final = "\0"
_ENDS: Final = frozenset(ENDINGS.values())


def span_key(ticket_id: str, number: int) -> str:
    """Return the name of a run among all of its clock."""
    return f"{number}{_SEPARATOR}{ticket_id}"


def ticket_of(key: str) -> tuple[str, int]:
    """Return whose run it is, and which."""
    number, _, ticket_id = key.partition(_SEPARATOR)
    return ticket_id, int(number)


def as_ticket(key: str, ticket: Ticket, span: Span) -> Ticket:
    """Return a run as a ticket: answered when what was promised was done."""
    return Ticket(
        key,
        span.began,
        ticket.channel,
        ticket.team,
        ticket.priority,
        span.ended,
        span.closed,
        tier=ticket.tier,
        exchange=Exchange(pauses=span.pauses) if span.pauses else None,
    )


def _ran_otherwise(run: Ticket, new: Ticket) -> bool:
    """Tell whether a run that was told to have ended turns out to have paused otherwise.

    Its stages may have been at the same moments; how long it waited is wrong.
    """
    if run.told[-1].kind not in _ENDS or run.exchange == new.exchange:
        return False
    ended = run.told[-1].at
    return known(_pauses(run), ended) != known(_pauses(new), ended)


def _pauses(run: Ticket) -> tuple[int, ...]:
    return () if run.exchange is None else run.exchange.pauses


class SpanEngine(Engine):
    """An engine whose tickets are put, not joined. Those of paused clocks have their own backlogs.

    What is over stays until its ticket is forgotten: see `ClockedEngine`.
    """

    _copies = 2
    _is_blind = True

    def __init__(
        self,
        policy: Policy,
        *,
        clock: int,
        tickets: Iterable[Ticket],
        totals: dict[str, GroupTotals] | None,
        views: Sequence[View],
        kept: Iterable[str],
        past: Sequence[Past] = (),
    ) -> None:
        super().__init__(
            policy,
            clock=clock,
            tickets=tickets,
            totals=totals,
            over_at_reply=True,
            views=views,
            past=past,
        )
        self.kept = set(kept)
        """The runs of which something is kept."""

    def put(self, new: Ticket | None, key: str) -> list[Effect]:
        """Take what is known of a run now, None if there never was one; return what to tell."""
        ticket = self.tickets.get(key) or Ticket(key)
        before, promise_before = self._booked(ticket), ticket.promise
        effects: list[Effect] = []
        if new is None:
            self._take_back(ticket, effects)
            new = Ticket(key)
        moved = ticket.created != new.created
        moved |= (ticket.channel, ticket.team) != (new.channel, new.team)
        moved |= (ticket.priority, ticket.tier) != (new.priority, new.tier)
        stale = bool(ticket.told) and (moved or _ran_otherwise(ticket, new))
        ticket.created, ticket.replied, ticket.closed = new.created, new.replied, new.closed
        ticket.channel, ticket.team, ticket.priority = new.channel, new.team, new.priority
        ticket.tier, ticket.exchange = new.tier, new.exchange
        ticket.touched = self.clock
        self.tickets[key] = self.changed[key] = ticket
        promise = self._promise(ticket)
        if promise != promise_before or moved:
            if promise_before != NO_PROMISE:
                self._backlogs[promise_before].move(ticket, NOT_THERE)
            ticket.phase, ticket.is_open, ticket.promise = Phase.UNSEEN, False, promise
        after = self._booked(ticket)
        self._rebook(self._groups[promise_before], before, self._groups[promise], after)
        ticket.booked = len(after)
        self._settle(ticket, effects, stale=stale)
        return effects

    def drop(self, key: str) -> bool:
        """Forget a run; tell whether there was one."""
        ticket = self.tickets.get(key)
        if ticket is None:
            return False
        if ticket.promise != NO_PROMISE:
            self._backlogs[ticket.promise].move(ticket, NOT_THERE)
        self._drop(ticket)
        return True

    def drain(self) -> Iterator[tuple[str, Ticket | None]]:
        """Hand out what is to be kept of the runs that changed: those of which something was told.

        None stands for one that was kept and is not to be any more.
        """
        changed, self.changed = self.changed, {}
        for key, run in changed.items():
            if run is not None and run.revisions:
                self.kept.add(key)
                yield key, run
            elif key in self.kept:
                self.kept.remove(key)
                yield key, None

    def forget(self) -> int:
        """Drop nothing by itself, but do not heap up what could be."""
        for _ in self._fading.until(self.clock):
            pass
        return 0

    def _take_back(self, ticket: Ticket, effects: list[Effect]) -> None:
        """Take all back that was told of a run that never was."""
        target = self.target(ticket)
        if ticket.told and target is not None:
            told = retell(ticket, target, NOT_THERE, self.clock, stale=True)
            effects += told
            for effect in told:
                self.totals.tell(self._groups[ticket.promise], effect.kind)

    def _promise(self, ticket: Ticket) -> int:
        promise = super()._promise(ticket)
        paused = ticket.exchange is not None
        return promise + len(self._promises.all) if paused and promise != NO_PROMISE else promise

    def _make_backlogs(self) -> list[Backlog]:
        find, half = self.tickets.get, len(self._promises.all)
        targets = list(enumerate(self._targets))
        return [
            *(Backlog(index, target, find) for index, target in targets[:half]),
            *(PausedBacklog(index, target, find) for index, target in targets[half:]),
        ]
