"""Why a ticket counts as it does: its own events through the rules, every step written down.

The engine itself decides, and what it tells and books is taken down; only the words are added. A
ticket's fate depends on its own events and the clock, so no other ticket is needed.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from monitor.sla.clocked import ClockedEngine
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import AgentReplied, CustomerReplied, Event, TicketClosed, TicketCreated
from monitor.sla.explained_clocks import Move, Run, facts, moves, runs
from monitor.sla.life import Life, life
from monitor.sla.policy import EXPIRES_AFTER, Formula, Policy, Target
from monitor.sla.ticket import Phase, Ticket
from monitor.sla.views import Book, Booking
from monitor.sla.windows import service_level

RULES: Final = {
    1: "A ticket is the join of its events: the earliest creation, the first human reply, the "
    "first close count; order and repeats do not matter.",
    2: "A first response at exactly the limit is met; at risk and breached begin strictly after "
    "their threshold.",
    3: "Told are at_risk, breached and how it ended, of tickets that came to be at risk; what a "
    "late event proves false is taken back.",
    4: "Nothing is told or booked before the clock has reached the time at which it is true.",
    5: "The service level is booked when it is decided: answered within the limit, answered late, "
    "or limit passed.",
    7: "A ticket is over when it is closed; one still waiting after 30 days expires.",
}
"""The rules that decide about a ticket, by their numbers."""


class Did(StrEnum):
    """What an event was for its ticket."""

    STARTS = "starts"
    """The first creation that is known."""
    STARTS_EARLIER = "starts_earlier"
    """A creation that counts instead of the one known before."""
    CONFLICTS = "conflicts"
    """A creation on another channel, which changes nothing else."""
    REPLIES = "replies"
    REPLIES_EARLIER = "replies_earlier"
    """A human reply before the one known before."""
    AUTOMATED = "automated"
    CLOSES = "closes"
    CLOSES_EARLIER = "closes_earlier"
    ASKS = "asks"
    """The customer wrote again, which is nothing to the clock of the first response."""
    NOTHING_NEW = "nothing_new"


class Step(NamedTuple):
    """What happened at one clock: an event was read, or a moment came."""

    clock: int
    event: Event | None
    did: Did | None
    told: list[Effect]
    booked: list[tuple[Booking, int]]
    """Of the first response; with -1 for what was taken back."""
    moves: Sequence[Move] = ()
    """What became of the other clocks."""
    others: Sequence[tuple[str, Booking, int]] = ()
    """What was booked of them, by the name of the clock."""


class Verdict(StrEnum):
    """How a ticket counts by a formula."""

    KEPT = "kept"
    BROKEN = "broken"
    LEFT_OUT = "left_out"
    OPEN = "not_decided"


class _Witness:
    """Takes down what is booked (a `View`)."""

    def __init__(self) -> None:
        self.booked: list[tuple[Booking, int]] = []

    def drain(self) -> list[tuple[Booking, int]]:
        """Hand out what was booked since."""
        booked, self.booked = self.booked, []
        return booked

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Take down a booking."""
        del group
        self.booked.append((booking, sign))

    def opened(self, group: int, at: int) -> None:
        """Take down a creation."""
        self.book(group, Booking(Book.CREATED, at), 1)

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Take down a first response within the limit."""
        self.book(group, Booking(Book.ANSWERED, at, waited), 1)
        self.book(group, Booking(Book.MET, at), 1)


class Explained:
    """One ticket's story, told by the engine."""

    def __init__(self, policy: Policy, ticket_id: str, *, over_at_reply: bool = False) -> None:
        self.policy = policy
        self.ticket_id = ticket_id
        self.steps: list[Step] = []
        self._over_at_reply = over_at_reply
        self._witness = _Witness()
        self._others = {name: _Witness() for name in policy.clocks}
        if policy.clocks:  # a ticket answered but not closed is open then, whoever reports closes
            self._over_at_reply = False
            views = {name: [witness] for name, witness in self._others.items()}
            self._engine: Engine = ClockedEngine(policy, views=[self._witness], clock_views=views)
        else:
            self._engine = Engine(policy, over_at_reply=over_at_reply, views=[self._witness])

    @property
    def clock(self) -> int:
        """Until when it is told."""
        return self._engine.clock

    @property
    def ticket(self) -> Ticket | None:
        """What is known of it."""
        return self._engine.tickets.get(self.ticket_id)

    @property
    def target(self) -> Target | None:
        """What was promised for it."""
        return None if self.ticket is None else self._engine.target(self.ticket)

    @property
    def state(self) -> Life:
        """What is true of it at the clock."""
        ticket = self.ticket
        if ticket is None:
            return Life(Phase.UNSEEN)
        return life(ticket, self.target, self.clock, over_at_reply=self._over_at_reply)

    @property
    def waited(self) -> int:
        """For how long its clock has run, in microseconds."""
        state, target = self.state, self.target
        if target is None or state.phase is Phase.UNSEEN:
            return 0
        end = self.clock if state.ended_at is None else state.ended_at
        return target.elapsed(state.created, end)

    def take(self, event: Event, now: int) -> None:
        """Read an event of the ticket, the clock having come to `now` before."""
        self.advance(now)
        did, before = _did(self.ticket, event), facts(self.ticket, self.policy)
        told = self._engine.apply([event])
        self._note(event, did, told, moves(before, facts(self.ticket, self.policy)))

    def advance(self, now: int) -> None:
        """Move the clock on, through every moment at which something becomes true."""
        while (due := self._engine.next_due) is not None and due <= now:
            self._note(None, None, self._engine.advance(due))
        self._engine.advance(now)

    @property
    def booked(self) -> list[Booking]:
        """What stands of all that was booked."""
        standing: list[Booking] = []
        for step in self.steps:
            for booking, sign in step.booked:
                if sign > 0:
                    standing.append(booking)
                else:
                    standing.remove(booking)
        return standing

    def verdicts(self) -> dict[Formula, Verdict]:
        """Return how the ticket counts by each formula."""
        counts = [0] * len(Book)
        for booking in self.booked:
            counts[booking.what] += 1
        return {formula: _verdict(counts, formula, self.state) for formula in Formula}

    def runs(self) -> list[Run]:
        """Return the runs of its other clocks that have begun."""
        engine, ticket = self._engine, self.ticket
        if ticket is None or not isinstance(engine, ClockedEngine):
            return []
        return list(runs(engine, ticket))

    def _note(
        self,
        event: Event | None,
        did: Did | None,
        told: list[Effect],
        moved: Sequence[Move] = (),
    ) -> None:
        booked = self._witness.drain()
        others = [
            (name, *each) for name, witness in self._others.items() for each in witness.drain()
        ]
        if event is not None or told or booked or others:
            clock = self._engine.clock
            self.steps.append(Step(clock, event, did, told, booked, moved, others))


def _verdict(counts: Sequence[int], formula: Formula, state: Life) -> Verdict:
    ratio = service_level(counts, formula)
    if ratio is not None:
        return Verdict.KEPT if ratio == 1 else Verdict.BROKEN
    waits = state.phase in (Phase.UNSEEN, Phase.WAITING, Phase.AT_RISK, Phase.OVERDUE)
    return Verdict.OPEN if waits else Verdict.LEFT_OUT


def _did(ticket: Ticket | None, event: Event) -> Did:
    """Say what an event is for what is known of its ticket."""
    if isinstance(event, TicketCreated):
        return _did_create(ticket, event)
    if isinstance(event, AgentReplied):
        if event.automated:
            return Did.AUTOMATED
        known = None if ticket is None else ticket.replied
        first, earlier = Did.REPLIES, Did.REPLIES_EARLIER
    elif isinstance(event, CustomerReplied):
        return Did.ASKS
    else:
        assert isinstance(event, TicketClosed)  # noqa: S101 - there are three
        known = None if ticket is None else ticket.closed
        first, earlier = Did.CLOSES, Did.CLOSES_EARLIER
    if known is None:
        return first
    return earlier if event.at < known else Did.NOTHING_NEW


def _did_create(ticket: Ticket | None, event: TicketCreated) -> Did:
    if ticket is None or ticket.created is None:
        return Did.STARTS
    new = (event.at, event.channel, event.team, event.priority, event.tier)
    if new < (ticket.created, ticket.channel, ticket.team, ticket.priority, ticket.tier):
        return Did.STARTS_EARLIER
    other = event.channel != ticket.channel and not ticket.conflict
    return Did.CONFLICTS if other else Did.NOTHING_NEW


class Moments(NamedTuple):
    """When the clock of the first response passes its thresholds, known from the creation on."""

    created: int
    at_risk: int
    limit: int
    expiry: int


def moments(ticket: Ticket, target: Target) -> Moments:
    """Return the thresholds of a ticket that has been created."""
    created = ticket.created or 0
    return Moments(created, *target.thresholds(created), created + EXPIRES_AFTER)
