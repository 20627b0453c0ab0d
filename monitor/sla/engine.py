"""The rules of one partition as a plain object: events and the clock in, effects out.

It asks nobody the time. `apply` judges what is read by the clock as it stands; `advance` moves
the clock through every moment on the way, in order, so that a replay tells what live would have.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from monitor.sla.backlog import LATE, ON_TIME, Backlog
from monitor.sla.deadlines import Deadlines
from monitor.sla.effects import Effect, retell
from monitor.sla.events import Event, TicketClosed, TicketCreated
from monitor.sla.life import ENDINGS, NOT_THERE, Life, forget_at, life, stages
from monitor.sla.policy import Policy, Target
from monitor.sla.ticket import Phase, Ticket, join
from monitor.sla.totals import GroupTotals, Totals
from monitor.sla.views import Booking, View, bookings
from monitor.sla.windows import Windows

NO_GROUP: Final = -1


class Engine:
    """Tickets, deadlines and views of one partition.

    `over_at_reply` says that closes are not reported: a ticket is over at its first response.
    `changed` collects what has to be kept since it was last emptied: tickets by id, None for a
    forgotten one.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        clock: int = 0,
        tickets: Iterable[Ticket] = (),
        totals: dict[str, GroupTotals] | None = None,
        over_at_reply: bool = False,
        views: Sequence[View] = (),
    ) -> None:
        self.policy = policy
        self.clock = clock
        self.tickets: dict[str, Ticket] = {}
        self.changed: dict[str, Ticket | None] = {}
        self.totals = Totals(policy, totals)
        self.windows = Windows(policy)
        self.backlogs = [
            Backlog(
                policy.channels[policy.groups[group][0]].limit,
                lambda at, key, group=group: self._stands(key, group, at, ON_TIME),  # type: ignore[misc]
                lambda at, key, group=group: self._stands(key, group, at, LATE),  # type: ignore[misc]
            )
            for group in range(len(policy.groups))
        ]
        self._over_at_reply = over_at_reply
        self._groups = {group: index for index, group in enumerate(policy.groups)}
        self._targets = [policy.channels[channel] for channel, _ in policy.groups]
        self._views: tuple[View, ...] = (self.totals, self.windows, *views)
        self._wakes = Deadlines(self._is_armed)
        self._forgets = Deadlines(self._is_forgettable)
        self._restore(tickets)

    @property
    def next_due(self) -> int | None:
        """The next clock at which something becomes true by itself."""
        first = self._wakes.peek()
        return first[0] if first else None

    def apply(self, events: Iterable[Event]) -> list[Effect]:
        """Take in what was read; return what is to be told of it at the present clock."""
        effects: list[Effect] = []
        for event in events:
            self._take(event, effects)
        return effects

    def step(self, event: Event, now: int) -> list[Effect]:
        """Take in an event and move the clock on: the same as `apply`, then `advance`.

        While a history is read in order every event moves the clock to its own moment. Going
        there first saves it from waiting for that moment among the deadlines.
        """
        effects: list[Effect] = []
        if self.clock < event.at <= now:
            effects += self.advance(event.at - 1)
            first = self._wakes.peek()
            if first is None or first[0] > event.at:
                self.clock = event.at
        self._take(event, effects)
        if now > self.clock:
            effects += self.advance(now)
        return effects

    def advance(self, now: int) -> list[Effect]:
        """Move the clock on, never back; return what has become true by then, in order."""
        effects: list[Effect] = []
        while entry := self._wakes.pop_until(now):
            at, key = entry
            self.clock = max(self.clock, at)
            self._settle(self.tickets[key], effects)
        self.clock = max(self.clock, now)
        self.windows.advance(self.clock)
        return effects

    def forget(self) -> int:
        """Drop all that has been over for long enough (DESIGN 3.7); return how many."""
        forgotten = 0
        while entry := self._forgets.pop_until(self.clock):
            _, key = entry
            del self.tickets[key]
            self.changed[key] = None
            forgotten += 1
        return forgotten

    def target(self, ticket: Ticket) -> Target | None:
        """Return what was promised for the ticket, if the policy still names its channel."""
        return self._targets[ticket.group] if ticket.group != NO_GROUP else None

    def _take(self, event: Event, effects: list[Effect]) -> None:
        ticket = self.tickets.get(event.ticket_id)
        if ticket is None:
            ticket = Ticket(event.ticket_id)
        before = self._booked(ticket) if self._may_undo(ticket, event) else None
        creation = _creation(ticket)
        if not join(ticket, event):
            return
        ticket.touched = self.clock
        self.tickets[event.ticket_id] = self.changed[event.ticket_id] = ticket
        if before is not None:
            self._resettle(ticket, creation, before, effects)
            return
        if isinstance(event, TicketCreated):
            ticket.group = self._group(ticket)
        self._settle(ticket, effects)

    def _may_undo(self, ticket: Ticket, event: Event) -> bool:
        """Tell whether an event can prove anything false that was booked or told before.

        One that does not lie in the past cannot, unless its ticket has ended: what is booked lies
        at or before the clock. The close of an answered ticket is the usual exception.
        """
        if not ticket.booked:
            return False
        if event.at < self.clock or isinstance(event, TicketCreated):
            return True
        closes = isinstance(event, TicketClosed) and ticket.closed is None
        return ticket.phase in ENDINGS and not (ticket.phase is Phase.ANSWERED and closes)

    def _booked(self, ticket: Ticket) -> tuple[Booking, ...]:
        return bookings(ticket, self._life(ticket, self.clock))

    def _settle(self, ticket: Ticket, effects: list[Effect], *, stale: bool = False) -> None:
        """Bring views, deadlines and what was told in line with the ticket's present truth."""
        state = self._place(ticket)
        target = self.target(ticket)
        if target is None or not (stale or ticket.told or state.at_risk_at is not None):
            return
        told = retell(ticket, target, state, self.clock, stale=stale)
        if told:
            self.changed[ticket.ticket_id] = ticket
            effects += told
            for effect in told:
                self.totals.tell(ticket.group, effect.kind)

    def _place(self, ticket: Ticket) -> Life:
        """Bring views and deadlines in line: what was booked stands, what follows is added."""
        state, group = self._life(ticket, self.clock), ticket.group
        if group != NO_GROUP:
            booked = bookings(ticket, state)
            for booking in booked[ticket.booked :]:
                for view in self._views:
                    view.book(group, booking, 1)
            ticket.booked = len(booked)
            self.backlogs[group].move(ticket, state)
        ticket.phase, ticket.is_open = state.phase, state.is_open
        self._schedule(ticket, state)
        return state

    def _resettle(
        self,
        ticket: Ticket,
        creation: tuple[int | None, str, str, str],
        before: tuple[Booking, ...],
        effects: list[Effect],
    ) -> None:
        """Settle a ticket of which something booked or told may have proved false.

        Only what differs is taken back, so that the counters tell corrections from repeats.
        """
        moved = creation != _creation(ticket)
        group_before = ticket.group
        if moved:
            if group_before != NO_GROUP:
                self.backlogs[group_before].move(ticket, NOT_THERE)
            ticket.phase, ticket.is_open = Phase.UNSEEN, False
            ticket.group = self._group(ticket)
        after = self._booked(ticket)
        self._rebook(group_before, before, ticket.group, after)
        ticket.booked = len(after)
        self._settle(ticket, effects, stale=moved and bool(ticket.told))

    def _rebook(
        self,
        group_before: int,
        before: tuple[Booking, ...],
        group: int,
        after: tuple[Booking, ...],
    ) -> None:
        same = group == group_before
        for view in self._views:
            for booking in before:
                if not same or booking not in after:
                    view.book(group_before, booking, -1)
            for booking in after:
                if not same or booking not in before:
                    view.book(group, booking, 1)

    def _schedule(self, ticket: Ticket, state: Life) -> None:
        wake_at = state.wake_at or 0
        if wake_at != ticket.armed:
            ticket.armed = wake_at
            if wake_at:
                self._wakes.push(wake_at, ticket.ticket_id)
        if state.is_open:
            ticket.forgettable = 0
            return
        forgettable = forget_at(ticket, state) or 0
        if forgettable != ticket.forgettable:
            ticket.forgettable = forgettable
            if forgettable:
                self._forgets.push(forgettable, ticket.ticket_id)

    def _restore(self, tickets: Iterable[Ticket]) -> None:
        """Rebuild views and deadlines; the totals, which outlive the tickets, are kept as given."""
        views, self._views = self._views, self._views[1:]
        self.windows.advance(self.clock)
        for ticket in tickets:
            self.tickets[ticket.ticket_id] = ticket
            ticket.armed = ticket.forgettable = ticket.booked = 0
            ticket.phase, ticket.is_open = Phase.UNSEEN, False
            ticket.group = self._group(ticket)
            state = self._place(ticket)
            if stages(state) != [telling[:2] for telling in ticket.told]:
                # The policy has changed since: what is told is put right at the next moment.
                ticket.armed = self.clock + 1
                self._wakes.push(ticket.armed, ticket.ticket_id)
        self._views = views

    def _life(self, ticket: Ticket, clock: int) -> Life:
        target = self._targets[ticket.group] if ticket.group != NO_GROUP else None
        return life(ticket, target, clock, over_at_reply=self._over_at_reply)

    def _group(self, ticket: Ticket) -> int:
        if ticket.created is None:
            return NO_GROUP
        return self._groups.get(self.policy.group(ticket.channel, ticket.team), NO_GROUP)

    def _is_armed(self, at: int, key: str) -> bool:
        ticket = self.tickets.get(key)
        return ticket is not None and ticket.armed == at

    def _is_forgettable(self, at: int, key: str) -> bool:
        ticket = self.tickets.get(key)
        return ticket is not None and ticket.forgettable == at

    def _stands(self, key: str, group: int, since: int, phases: tuple[Phase, ...]) -> bool:
        ticket = self.tickets.get(key)
        return (
            ticket is not None
            and ticket.phase in phases
            and ticket.created == since
            and ticket.group == group
        )


def _creation(ticket: Ticket) -> tuple[int | None, str, str, str]:
    return ticket.created, ticket.channel, ticket.team, ticket.priority
