"""What follows from what is known of a ticket at a given clock: the whole of it, from scratch."""

from collections.abc import Callable
from typing import Final, NamedTuple

from monitor.sla.events import NEVER
from monitor.sla.pauses import after, elapsed
from monitor.sla.policy import EXPIRES_AFTER, REMEMBERED_FOR, Goal, Target
from monitor.sla.ticket import Kind, Phase, Ticket

# Looked up through its class, a member costs as much as a call until Python 3.12.
_UNSEEN: Final = Phase.UNSEEN
_WAITING: Final = Phase.WAITING
_AT_RISK: Final = Phase.AT_RISK
_OVERDUE: Final = Phase.OVERDUE
_ANSWERED: Final = Phase.ANSWERED
_ABANDONED: Final = Phase.ABANDONED
_EXPIRED: Final = Phase.EXPIRED
_TOLD_AT_RISK: Final = Kind.AT_RISK
_TOLD_BREACHED: Final = Kind.BREACHED

ENDINGS: Final = {
    Phase.ANSWERED: Kind.ANSWERED,
    Phase.ABANDONED: Kind.CLOSED,
    Phase.EXPIRED: Kind.EXPIRED,
}


class Life(NamedTuple):
    """What is true of a ticket at one clock."""

    phase: Phase
    created: int = 0
    at_risk_at: int | None = None
    """When it passed its at-risk threshold, if it did."""
    breached_at: int | None = None
    """When it passed its limit, if it did."""
    ended_at: int | None = None
    """When it was answered, abandoned or expired, if it was."""
    closed_at: int | None = None
    """When it was closed, answered or not, if it was."""
    is_open: bool = False
    """Not over yet (DESIGN 3.7)."""
    wake_at: int | None = None
    """The next clock at which any of this changes by itself."""
    waited: int = 0
    """How long its clock had run when it ended."""
    goals: tuple["Decided", ...] = ()
    """What is decided of its promise's goals."""


class Decided(NamedTuple):
    """A goal that was met, or missed, and when that was decided."""

    within: int
    is_met: bool
    at: int


NOT_THERE: Final = Life(Phase.UNSEEN)


def life(  # noqa: C901, PLR0912 - the whole of it in one place; calls cost a tenth of it
    ticket: Ticket, target: Target | None, clock: int, *, over_at_reply: bool = False
) -> Life:
    """Return what is true of the ticket at `clock`; what lies after it is not known yet.

    Thresholds begin strictly after their moment, facts at it. Without a target (a channel that
    the policy dropped) a ticket is kept and counts for nothing.
    """
    created = ticket.created
    if created is None or target is None:
        return NOT_THERE
    if clock < created:
        return Life(_UNSEEN, wake_at=created)
    pauses: tuple[int, ...] = () if ticket.exchange is None else ticket.exchange.pauses
    is_plain = target.calendar is None and not pauses and not target.before
    if is_plain:
        at_risk_at, due_at = created + target.at_risk, created + target.limit
    else:
        at_risk_at, due_at = thresholds(target, created, pauses)
    expires_at = created + EXPIRES_AFTER

    closed = None if ticket.closed is None else max(ticket.closed, created)
    ending, ends_at, known_from = _EXPIRED, expires_at, expires_at + 1
    if closed is not None and closed <= ends_at:
        ending, ends_at, known_from = _ABANDONED, closed, closed
    if ticket.replied is not None:
        replied = max(ticket.replied, created)
        if replied <= ends_at:
            ending, ends_at, known_from = _ANSWERED, replied, replied

    ended = clock >= known_from
    waited_to = ends_at if ended else clock
    passed_at_risk = waited_to > at_risk_at
    passed_limit = waited_to > due_at
    goals: tuple[Decided, ...] = ()
    if target.goals:
        is_answered = ended and ending is _ANSWERED
        goals, next_at = _goals(target, created, pauses, waited_to, is_answered=is_answered)
        known_from = min(known_from, next_at)
    if not ended:
        if passed_limit:
            phase, wake_at = _OVERDUE, known_from
        elif passed_at_risk:
            phase, wake_at = _AT_RISK, min(due_at + 1, known_from)
        else:
            phase, wake_at = _WAITING, min(at_risk_at + 1, known_from)
        return Life(
            phase,
            created,
            at_risk_at if passed_at_risk else None,
            due_at if passed_limit else None,
            None,
            None,
            True,
            wake_at,
            0,
            goals,
        )

    closed_at = closed if closed is not None and closed <= clock else None
    over = closed_at is not None or ending is not _ANSWERED or over_at_reply or clock > expires_at
    moments = [closed] if closed is not None and closed > clock else []
    if not over:
        moments.append(expires_at + 1)
    return Life(
        ending,
        created,
        at_risk_at if passed_at_risk else None,
        due_at if passed_limit else None,
        ends_at,
        closed_at,
        not over,
        min(moments, default=None),
        ends_at - created if is_plain else elapsed(target.at(ends_at), created, ends_at, pauses),
        goals,
    )


def thresholds(target: Target, created: int, pauses: tuple[int, ...]) -> tuple[int, int]:
    """Return after which moments a ticket is at risk, and breached."""
    if not pauses and not target.before:
        return target.thresholds(created)
    return (
        _passed(target, lambda each: after(each, created, each.at_risk, pauses)),
        _passed(target, lambda each: after(each, created, each.limit, pauses)),
    )


def _passed(target: Target, after_what: Callable[[Target], int]) -> int:
    """Return after which moment a threshold is passed, by what is promised at that moment.

    What a change of the policy makes too late is so from the change on, not before.
    """
    since = 0
    for until, former in target.before:
        if former is not None and (at := max(since, after_what(former))) < until:
            return at
        since = until
    return max(since, after_what(target))


def _goals(
    target: Target, created: int, pauses: tuple[int, ...], waited_to: int, *, is_answered: bool
) -> tuple[tuple[Decided, ...], int]:
    """Return what is decided of the goals, and when the next will be missed.

    Of one that ended without an answer, the goals that had not been missed by then never are.
    """
    decided, next_at = [], NEVER
    for goal in target.goals:
        missed_at = _missed(target, goal, created, pauses)
        if waited_to > missed_at:
            decided.append(Decided(goal.within, False, missed_at))
        elif is_answered:
            decided.append(Decided(goal.within, True, waited_to))
        else:
            next_at = min(next_at, missed_at + 1)
    return tuple(decided), next_at


def _missed(target: Target, goal: Goal, created: int, pauses: tuple[int, ...]) -> int:
    """Return after which moment a goal is missed; a policy that had it not cannot say so."""

    def missed(each: Target) -> int:
        if all(one.within != goal.within for one in each.goals):
            return NEVER
        return after(each, created, goal.within, pauses)

    return _passed(target, missed) if target.before else missed(target)


def stages(state: Life) -> list[tuple[Kind, int]]:
    """List what is to be told of a ticket, in order; nothing of one that never was at risk."""
    if state.at_risk_at is None:
        return []
    told = [(_TOLD_AT_RISK, state.at_risk_at)]
    if state.breached_at is not None:
        told.append((_TOLD_BREACHED, state.breached_at))
    if state.ended_at is not None:
        told.append((ENDINGS[state.phase], state.ended_at))
    return told


def forget_at(ticket: Ticket, state: Life) -> int | None:
    """Return when the ticket may be forgotten, or None while it may not.

    Counted from the last that is known of it, be it read late or ahead of the clock.
    """
    if state.is_open or (state.phase is _UNSEEN and state.wake_at is not None):
        return None
    last = max(
        ticket.touched,
        ticket.replied or 0,
        ticket.closed or 0,
        state.ended_at or 0,
    )
    if ticket.exchange is not None and ticket.created is not None and ticket.closed is None:
        # Its other clocks end when it is given up, and what is over is remembered.
        last = max(last, ticket.created + EXPIRES_AFTER)
    return last + REMEMBERED_FOR
