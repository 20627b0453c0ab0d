"""What is counted of tickets: bookings, and the views that add them up.

A view never looks at a ticket: it is given the difference between what was booked for a ticket
before and what is booked now. So it can be taken back, and rebuilt from the tickets.
"""

from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from monitor.sla.life import Life
from monitor.sla.ticket import Phase, Ticket


class Book(IntEnum):
    """What can be booked for a ticket; the numbers are kept in the changelog."""

    CREATED = 0
    ANSWERED = 1
    """First response; its value is how long the clock had run, in microseconds."""
    CLOSED = 2
    """Closed, answered or not; its value is the time since its creation."""
    MET = 3
    """Answered within the limit."""
    MISSED = 4
    """The limit passed with no answer; stays when one comes late."""
    LATE = 5
    """Answered after the limit."""
    ABANDONED = 6
    """Closed unanswered within the limit; its value is the waiting time in microseconds."""
    AT_RISK = 7
    """Waited longer than the at-risk threshold, however it ended."""
    UNANSWERED = 8
    """Closed with no reply before."""
    EXPIRED = 9
    CLOCK_SKEW = 10
    """Answered before it was created."""
    CHANNEL_CONFLICT = 11
    """Two channels were named for one ticket."""
    GOAL_MET = 12
    """Answered within one of the promise's goals; its value is that goal's time."""
    GOAL_MISSED = 13
    """The time of one of the promise's goals passed with no answer; likewise."""
    SHORT_ABANDONED = 14
    """Of the abandoned, those that left at once."""
    RESOLVED = 15
    """Closed after a first response; its value is the time since its creation."""
    SATISFIED = 16
    """A survey's answer (`csat`) at or above the policy's threshold."""
    DISSATISFIED = 17
    PROMOTER = 18
    """A survey's answer (`nps`) of 9 or 10."""
    PASSIVE = 19
    """One of 7 or 8."""
    DETRACTOR = 20
    """One of 0 to 6."""
    JOINED = 21
    """A customer came; counted for no group."""
    LEFT = 22


# Looked up through its class, a member costs as much as a call until Python 3.12.
_CREATED: Final = Book.CREATED
_CHANNEL_CONFLICT: Final = Book.CHANNEL_CONFLICT
_AT_RISK: Final = Book.AT_RISK
_MISSED: Final = Book.MISSED
_CLOSED: Final = Book.CLOSED
_RESOLVED: Final = Book.RESOLVED
_ANSWERED: Final = Book.ANSWERED
_MET: Final = Book.MET
_LATE: Final = Book.LATE
_ABANDONED: Final = Book.ABANDONED
_IS_UNSEEN: Final = Phase.UNSEEN
_IS_ANSWERED: Final = Phase.ANSWERED

GOALS: Final = (Book.GOAL_MET, Book.GOAL_MISSED)


class Booking(NamedTuple):
    """One thing booked for one ticket, at the moment at which it was decided."""

    what: Book
    at: int
    value: int = 0


class View(Protocol):
    """Adds bookings up; `sign` is 1, or -1 where a late event took one back."""

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking for the group with this index in `Policy.groups`."""

    def opened(self, group: int, at: int) -> None:
        """Count a creation: the same as to `book` it."""

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Count a first response within the limit: the same as to `book` both its bookings."""


def bookings(ticket: Ticket, state: Life, short_abandon: int) -> tuple[Booking, ...]:
    """List all that is booked for a ticket in this state, in the order in which it came.

    `short_abandon` is that of the policy.
    """
    phase = state.phase
    if phase is _IS_UNSEEN:
        return ()
    booked = [Booking(_CREATED, state.created)]
    if ticket.conflict:
        booked.append(Booking(_CHANNEL_CONFLICT, state.created))
    if state.goals:
        booked += _passed(state)
    else:
        if state.at_risk_at is not None:
            booked.append(Booking(_AT_RISK, state.at_risk_at))
        if state.breached_at is not None:
            booked.append(Booking(_MISSED, state.breached_at))
    ended = state.ended_at
    if ended is not None:
        _book_ending(booked, ticket, state, ended, short_abandon)
    if state.closed_at is not None:
        open_for = state.closed_at - state.created
        booked.append(Booking(_CLOSED, state.closed_at, open_for))
        if phase is _IS_ANSWERED:
            booked.append(Booking(_RESOLVED, state.closed_at, open_for))
    return tuple(booked)


def _passed(state: Life) -> list[Booking]:
    """List the thresholds that were passed, those of goals among them, as they came."""
    passed = [Booking(Book.GOAL_MISSED, at, within) for within, met, at in state.goals if not met]
    if state.at_risk_at is not None:
        passed.append(Booking(_AT_RISK, state.at_risk_at))
    if state.breached_at is not None:
        passed.append(Booking(_MISSED, state.breached_at))
    return sorted(passed, key=lambda booking: booking.at)


def _book_ending(
    booked: list[Booking], ticket: Ticket, state: Life, ended: int, short_abandon: int
) -> None:
    in_time = state.breached_at is None
    if state.phase is _IS_ANSWERED:
        booked.append(Booking(_ANSWERED, ended, state.waited))
        booked.append(Booking(_MET if in_time else _LATE, ended))
        booked += [Booking(Book.GOAL_MET, at, within) for within, met, at in state.goals if met]
        if ticket.replied is not None and ticket.replied < state.created:
            booked.append(Booking(Book.CLOCK_SKEW, ended))
    elif state.phase is Phase.ABANDONED:
        booked.append(Booking(Book.UNANSWERED, ended))
        if in_time:
            booked.append(Booking(_ABANDONED, ended, ended - state.created))
            if ended - state.created <= short_abandon:
                booked.append(Booking(Book.SHORT_ABANDONED, ended))
    else:
        booked.append(Booking(Book.EXPIRED, ended))
