"""The rules of one partition as a plain object: events and the clock in, effects out.

It asks nobody the time. `apply` judges what is read by the clock as it stands; `advance` moves
the clock through every moment on the way, in order, so that a replay tells what live would have.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Final

from monitor.sla.backlog import Backlog, GroupBacklog
from monitor.sla.deadlines import Deadlines, Line
from monitor.sla.distinct import Customers
from monitor.sla.effects import Effect, retell, tell
from monitor.sla.events import NEVER, AgentReplied, Event, TicketClosed, TicketCreated
from monitor.sla.forecast import Record
from monitor.sla.forecasts import Forecasts
from monitor.sla.forgetting import Fading
from monitor.sla.life import ENDINGS, NOT_THERE, Life, forget_at, life, stages
from monitor.sla.policy import EXPIRES_AFTER, REMEMBERED_FOR, Past, Policy, Target
from monitor.sla.promises import NO_PROMISE, NOWHERE, PromiseByKind, Promises
from monitor.sla.steps import NO_STEPS, steps
from monitor.sla.ticket import Phase, Ticket, join
from monitor.sla.totals import GroupTotals, Totals
from monitor.sla.views import Booking, View, bookings
from monitor.sla.windows import Windows

_HEAD: Final = attrgetter("head")

# Looked up through its class, a member costs as much as a call until Python 3.12.
_UNSEEN: Final = Phase.UNSEEN
_WAITING: Final = Phase.WAITING
_ANSWERED: Final = Phase.ANSWERED


class Engine:
    """Tickets, deadlines and views of one partition.

    `over_at_reply` says that closes are not reported: a ticket is over at its first response.
    `past` are the policies that were in force before this one, the earliest first, as far as any
    ticket has seen them: what was told and booked under them stands.
    `changed` collects what has to be kept since it was last emptied: tickets by id, None for a
    forgotten one.
    """

    _copies = 1
    """How often each promise has a backlog."""

    _is_blind = False
    """Nothing is forecast of its tickets."""

    on_forgotten: Callable[[Ticket], None] | None = None
    """Told of each ticket as it is forgotten, if somebody wants to know."""

    def __init__(
        self,
        policy: Policy,
        *,
        clock: int = 0,
        tickets: Iterable[Ticket] = (),
        totals: dict[str, GroupTotals] | None = None,
        forecasts: dict[str, Record] | None = None,
        over_at_reply: bool = False,
        views: Sequence[View] = (),
        past: Sequence[Past] = (),
    ) -> None:
        self.policy = policy
        self.clock = clock
        self.tickets: dict[str, Ticket] = {}
        self.changed: dict[str, Ticket | None] = {}
        self.totals = Totals(policy, totals)
        self._promises = Promises(policy, past)
        changed_at = self._promises.changed_at
        self.forecasts = Forecasts(
            policy, forecasts, clock, blind=self._is_blind, changed_at=changed_at
        )
        self.windows = Windows(policy, self.forecasts)
        self.customers = Customers(policy)
        self._plain = self._promises.plain
        self._since = self._promises.since
        promises = self._promises.all * self._copies
        self._targets = [promise.target for promise in promises]
        self._groups = [promise.group for promise in promises]
        self._usual = [_usual(target) for _, target in self._promises.all]
        self._usual += [-1] * (len(self._targets) - len(self._usual))
        self._steps = [steps(target) for _, target in self._promises.all]
        self._steps += [NO_STEPS] * (len(self._targets) - len(self._steps))
        self._backlogs = self._make_backlogs()
        self.backlogs = [self._backlog(group) for group in range(len(policy.groups))]
        """By `Policy.groups`."""
        self._over_at_reply = over_at_reply
        self._views: tuple[View, ...] = (self.totals, self.windows, *views)
        self._alarms = Deadlines(self._is_armed)
        self._queues: list[Deadlines | Line] = [self._alarms]
        for backlog in self._backlogs:
            self._queues += backlog.lines
        self._due = NEVER
        """Nothing is due earlier; looked up again whenever the clock gets there."""
        self._fading = Fading()
        self._restore(tickets)

    @property
    def next_due(self) -> int | None:
        """The next clock at which something becomes true by itself."""
        return self._look_up_due()

    def _look_up_due(self) -> int | None:
        for queue in self._queues:
            queue.first()
        self._due = min(map(_HEAD, self._queues))
        return None if self._due == NEVER else self._due

    @property
    def head(self) -> int:
        """Nothing becomes true by itself earlier; exact after `next_due`."""
        return self._due

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
        at = event.at
        if self.clock < at <= now:
            if self._due <= at:
                effects = self.advance(at)
            self.clock = at
        self._take(event, effects)
        if now > self.clock:
            effects += self.advance(now)
        return effects

    def advance(self, now: int) -> list[Effect]:
        """Move the clock on, never back; return what has become true by then, in order."""
        effects: list[Effect] = []
        if self._due <= now:
            queue = min(self._queues, key=_HEAD)
            while queue.head <= now:
                at, found = queue.head, queue.first()
                if found is not None and queue.head == at:
                    self.clock = max(self.clock, at)
                    ticket = self.tickets[found[1]]
                    if not self._pass(ticket, effects):
                        self._settle(ticket, effects)
                    queue.first()
                queue = min(self._queues, key=_HEAD)
            self._due = queue.head
        self.clock = max(self.clock, now)
        self.windows.advance(self.clock)
        return effects

    def look(self) -> None:
        """Bring up to the clock what is only worked out when somebody looks."""
        self.windows.count()
        self.forecasts.look(self.clock)

    def forget(self) -> int:
        """Drop all that has been over for long enough (DESIGN 3.7); return how many."""
        forgotten = 0
        for ticket in self._fading.until(self.clock):
            if self.tickets.get(ticket.ticket_id) is ticket:
                self._drop(ticket)
                forgotten += 1
        return forgotten

    def _drop(self, ticket: Ticket) -> None:
        del self.tickets[ticket.ticket_id]
        self.changed[ticket.ticket_id] = None
        if self.on_forgotten is not None:
            self.on_forgotten(ticket)

    def target(self, ticket: Ticket) -> Target | None:
        """Return what was promised for the ticket, if the policy still names its channel."""
        return self._targets[ticket.promise] if ticket.promise != NO_PROMISE else None

    def _take(self, event: Event, effects: list[Effect]) -> None:
        ticket = self.tickets.get(event.ticket_id)
        if ticket is None:
            if type(event) is TicketCreated and self._open(event):
                return
            ticket = Ticket(event.ticket_id)
        elif type(event) is AgentReplied and self._answer(ticket, event):
            return
        elif type(event) is TicketCreated and event.customer:
            self._see(self._promise_of(event), event.at, event.customer)
        before = self._booked(ticket) if self._may_undo(ticket, event) else None
        creation = _creation(ticket)
        if not join(ticket, event):
            return
        ticket.touched = self.clock
        self.tickets[event.ticket_id] = self.changed[event.ticket_id] = ticket
        if before is not None:
            self._resettle(ticket, creation, before, effects)
            return
        if type(event) is TicketCreated:
            ticket.promise = self._promise(ticket)
        self._settle(ticket, effects)

    def _open(self, event: TicketCreated) -> bool:
        """Take in the first that is heard of a ticket, if it has begun to wait and is in time.

        This and `_answer` are the two usual events, done without working out a whole life. They
        leave what `_settle` would leave; whatever is unusual is left to it.
        """
        at, clock = event.at, self.clock
        if self._plain is None:
            promise = self._promises.find(event.channel, event.team, event.priority, event.tier)
        else:
            by_team, promise = self._plain.get(event.channel, NOWHERE)
            promise = by_team.get(event.team, promise)
        if event.customer and promise != NO_PROMISE:
            self.customers.noted[self._groups[promise]].append((at, event.customer))
        if promise == NO_PROMISE:
            return False
        in_time_until = at + self._usual[promise]
        if not self._since <= at <= clock <= in_time_until:
            return False
        key = event.ticket_id
        ticket = Ticket(key, at, event.channel, event.team, event.priority)
        if event.tier:
            ticket.tier = event.tier
        ticket.touched, ticket.promise, ticket.customer = clock, promise, event.customer
        ticket.phase, ticket.is_open, ticket.booked = _WAITING, True, 1
        self.tickets[key] = self.changed[key] = ticket
        self._backlogs[promise].enter(ticket)
        due = in_time_until + 1
        if due < self._due:  # noqa: PLR1730 - half the time of min(), for every ticket
            self._due = due
        group = self._groups[promise]
        for view in self._views:
            view.opened(group, at)
        return True

    def _see(self, promise: int, at: int, customer: int) -> None:
        if customer and promise != NO_PROMISE:
            self.customers.noted[self._groups[promise]].append((at, customer))

    def _answer(self, ticket: Ticket, event: AgentReplied) -> bool:
        """Take in a reply that says nothing new, or the first one, in time to a waiting ticket."""
        at, created = event.at, ticket.created
        if event.automated or (ticket.replied is not None and ticket.replied <= at):
            return True  # it says nothing new
        if (
            ticket.phase is not _WAITING
            or ticket.armed
            or ticket.closed is not None
            or ticket.conflict
            or created is None
            or not created <= at <= self.clock
            or at - created > self._usual[ticket.promise]
        ):
            return False
        ticket.replied, ticket.touched = at, self.clock
        ticket.phase, ticket.is_open = _ANSWERED, not self._over_at_reply
        ticket.booked += 2
        self.changed[ticket.ticket_id] = ticket
        self._backlogs[ticket.promise].answered_in_time(over=self._over_at_reply)
        if self._over_at_reply:
            ticket.forgettable = self.clock + REMEMBERED_FOR
            self._fading.add(ticket)
        group = self._groups[ticket.promise]
        for view in self._views:
            view.answered_in_time(group, at, at - created)
        return True

    def _pass(self, ticket: Ticket, effects: list[Effect]) -> bool:
        """Let the threshold pass that a ticket's line is due for, if nothing else was heard of it.

        The third usual thing, done like the two usual events.
        """
        created, promise = ticket.created, ticket.promise
        if created is None or ticket.replied is not None or ticket.closed is not None:
            return False
        step = self._steps[promise].get(ticket.phase)
        if step is None or ticket.armed:
            return False
        at = created + step.span
        group, booking = self._groups[promise], Booking(step.what, at)
        for view in self._views:
            view.book(group, booking, 1)
        ticket.booked += 1
        self._backlogs[promise].pass_on(ticket, step.phase)
        ticket.phase = step.phase
        self.changed[ticket.ticket_id] = ticket
        effects.append(tell(ticket, self._targets[promise], self.clock, step.kind, at))
        self.totals.tell(group, step.kind)
        return True

    def _may_undo(self, ticket: Ticket, event: Event) -> bool:
        """Tell whether an event can prove anything false that was booked or told before.

        One that does not lie in the past cannot, unless its ticket has ended: what is booked lies
        at or before the clock. The close of an answered ticket is the usual exception.
        """
        if not ticket.booked:
            return False
        if event.at < self.clock or type(event) is TicketCreated:
            return True
        closes = type(event) is TicketClosed and ticket.closed is None
        return ticket.phase in ENDINGS and not (ticket.phase is _ANSWERED and closes)

    def _booked(self, ticket: Ticket) -> tuple[Booking, ...]:
        return bookings(ticket, self._life(ticket, self.clock), self.policy.short_abandon)

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
                self.totals.tell(self._groups[ticket.promise], effect.kind)

    def _place(self, ticket: Ticket) -> Life:
        """Bring views and deadlines in line: what was booked stands, what follows is added."""
        state, promise = self._life(ticket, self.clock), ticket.promise
        if promise != NO_PROMISE:
            booked, group = (
                bookings(ticket, state, self.policy.short_abandon),
                self._groups[promise],
            )
            for booking in booked[ticket.booked :]:
                for view in self._views:
                    view.book(group, booking, 1)
            ticket.booked = len(booked)
            self._backlogs[promise].move(ticket, state)
        ticket.phase, ticket.is_open = state.phase, state.is_open
        self._schedule(ticket, state)
        return state

    def _resettle(
        self,
        ticket: Ticket,
        creation: tuple[int | None, str, str, str, str],
        before: tuple[Booking, ...],
        effects: list[Effect],
    ) -> None:
        """Settle a ticket of which something booked or told may have proved false.

        Only what differs is taken back, so that the counters tell corrections from repeats.
        """
        moved = creation != _creation(ticket)
        promise_before = ticket.promise
        if moved:
            if promise_before != NO_PROMISE:
                self._backlogs[promise_before].move(ticket, NOT_THERE)
            ticket.phase, ticket.is_open = _UNSEEN, False
            ticket.promise = self._promise(ticket)
        after = self._booked(ticket)
        self._rebook(self._groups[promise_before], before, self._groups[ticket.promise], after)
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
        """See to it that the ticket is looked at when the next thing becomes true of it.

        Its line does it, but for a moment known ahead: of its creation, a reply or a close.
        """
        wake_at, promise = state.wake_at, ticket.promise
        armed = 0
        if wake_at is not None:
            self._due = min(self._due, wake_at)
            if promise == NO_PROMISE or wake_at != self._backlogs[promise].due(state):
                armed = wake_at
        if armed != ticket.armed:
            ticket.armed = armed
            if armed:
                self._alarms.push(armed, ticket.ticket_id)
        forgettable = 0 if state.is_open else forget_at(ticket, state) or 0
        if forgettable != ticket.forgettable:
            ticket.forgettable = forgettable
            if forgettable:
                self._fading.add(ticket)

    def _restore(self, tickets: Iterable[Ticket]) -> None:
        """Rebuild views and deadlines; the totals, which outlive the tickets, are kept as given."""
        views, self._views = self._views, self._views[1:]
        self.windows.advance(self.clock)
        # In the order of their creation, as they join their lines fastest.
        in_order = sorted(tickets, key=lambda ticket: ticket.created or 0)
        self.tickets.update({ticket.ticket_id: ticket for ticket in in_order})
        for ticket in self._restore_usual(in_order):
            ticket.armed = ticket.forgettable = ticket.booked = 0
            ticket.phase, ticket.is_open = _UNSEEN, False
            state = self._place(ticket)
            if stages(state) != [telling[:2] for telling in ticket.told]:
                # Under which policy it was told nobody knows any more: it is put right.
                ticket.armed = self.clock + 1
                self._due = min(self._due, ticket.armed)
                self._alarms.push(ticket.armed, ticket.ticket_id)
        self._views = views
        self._due = min(map(_HEAD, self._queues))

    def _restore_usual(self, tickets: Iterable[Ticket]) -> Iterator[Ticket]:
        """Put those in their place of which `_open` and `_answer` have taken all there is.

        The others are handed out in their turn. One loop with no call where it can be helped: a
        partition stands still for as long as this takes.
        """
        clock, over_at_reply, fading = self.clock, self._over_at_reply, self._fading
        usual, groups, backlogs = self._usual, self._groups, self._backlogs
        found = PromiseByKind(self._promises)
        noted, views, since = self.customers.noted, self._views, self._since
        earliest = clock - EXPIRES_AFTER
        for ticket in tickets:
            created, replied = ticket.created, ticket.replied
            if created is None or created < since or ticket.exchange is not None:
                promise = self._promise(ticket)
            else:
                promise = found[ticket.channel, ticket.team, ticket.priority, ticket.tier]
            ticket.promise = promise
            if promise == NO_PROMISE or created is None:
                yield ticket
                continue
            group = groups[promise]
            if ticket.customer:
                noted[group].append((created, ticket.customer))
            until = clock if replied is None else replied
            if (
                ticket.told
                or ticket.closed is not None
                or ticket.conflict
                or not earliest <= created <= until <= clock
                or until - created > usual[promise]
            ):
                yield ticket
                continue
            ticket.armed = ticket.forgettable = 0
            for view in views:
                view.opened(group, created)
            if replied is None:
                ticket.phase, ticket.is_open, ticket.booked = _WAITING, True, 1
                backlogs[promise].enter(ticket)
                continue
            ticket.phase, ticket.is_open, ticket.booked = _ANSWERED, not over_at_reply, 3
            for view in views:
                view.answered_in_time(group, replied, replied - created)
            if over_at_reply:
                ticket.forgettable = max(ticket.touched, replied) + REMEMBERED_FOR
                fading.add(ticket)
            else:
                backlogs[promise].stay_open(ticket)

    def _life(self, ticket: Ticket, clock: int) -> Life:
        target = self._targets[ticket.promise] if ticket.promise != NO_PROMISE else None
        return life(ticket, target, clock, over_at_reply=self._over_at_reply)

    def _promise(self, ticket: Ticket) -> int:
        """Return the index of what is promised to a ticket."""
        if ticket.created is None:
            return NO_PROMISE
        if ticket.created < self._since:
            return self._promises.find_former(
                ticket.channel, ticket.team, ticket.priority, ticket.tier
            )
        return self._promise_of(ticket)

    def _promise_of(self, created: Ticket | TicketCreated) -> int:
        return self._promises.find(created.channel, created.team, created.priority, created.tier)

    def _make_backlogs(self) -> list[Backlog]:
        """Return the backlog of each promise."""
        find = self.tickets.get
        return [Backlog(index, target, find) for index, target in enumerate(self._targets)]

    def _backlog(self, group: int) -> GroupBacklog:
        found = zip(self._groups, self._backlogs, strict=True)
        return GroupBacklog([part for index, part in found if index == group])

    def _is_armed(self, at: int, key: str) -> bool:
        ticket = self.tickets.get(key)
        return ticket is not None and ticket.armed == at


def _creation(ticket: Ticket) -> tuple[int | None, str, str, str, str]:
    return ticket.created, ticket.channel, ticket.team, ticket.priority, ticket.tier


def _usual(target: Target) -> int:
    """Return for how long a ticket of this promise is taken the short way, -1 for not at all.

    That way knows no hours and no goals. One that has seen other policies is not late under any.
    """
    seen = [target, *(former for _, former in target.before if former is not None)]
    if any(each.calendar is not None or each.goals for each in seen):
        return -1
    return min(each.at_risk for each in seen)
