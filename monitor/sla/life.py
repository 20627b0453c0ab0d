"""What follows from what is known of a ticket at a given clock: the whole of it, from scratch."""

from typing import Final, NamedTuple

from monitor.sla.policy import EXPIRES_AFTER, REMEMBERED_FOR, Target
from monitor.sla.ticket import Kind, Phase, Ticket

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


NOT_THERE: Final = Life(Phase.UNSEEN)


def life(ticket: Ticket, target: Target | None, clock: int, *, over_at_reply: bool = False) -> Life:
    """Return what is true of the ticket at `clock`; what lies after it is not known yet.

    Thresholds begin strictly after their moment, facts at it. Without a target (a channel that
    the policy dropped) a ticket is kept and counts for nothing.
    """
    created = ticket.created
    if created is None or target is None:
        return NOT_THERE
    if clock < created:
        return Life(Phase.UNSEEN, wake_at=created)
    at_risk_at = created + target.at_risk
    due_at = created + target.limit
    expires_at = created + EXPIRES_AFTER

    closed = None if ticket.closed is None else max(ticket.closed, created)
    ending, ends_at, known_from = Phase.EXPIRED, expires_at, expires_at + 1
    if closed is not None and closed <= ends_at:
        ending, ends_at, known_from = Phase.ABANDONED, closed, closed
    if ticket.replied is not None:
        replied = max(ticket.replied, created)
        if replied <= ends_at:
            ending, ends_at, known_from = Phase.ANSWERED, replied, replied

    ended = clock >= known_from
    waited_to = ends_at if ended else clock
    passed_at_risk = waited_to > at_risk_at
    passed_limit = waited_to > due_at
    if not ended:
        if passed_limit:
            phase, wake_at = Phase.OVERDUE, known_from
        elif passed_at_risk:
            phase, wake_at = Phase.AT_RISK, min(due_at + 1, known_from)
        else:
            phase, wake_at = Phase.WAITING, min(at_risk_at + 1, known_from)
        return Life(
            phase,
            created,
            at_risk_at if passed_at_risk else None,
            due_at if passed_limit else None,
            None,
            None,
            True,
            wake_at,
        )

    closed_at = closed if closed is not None and closed <= clock else None
    over = (
        closed_at is not None or ending is not Phase.ANSWERED or over_at_reply or clock > expires_at
    )
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
    )


def stages(state: Life) -> list[tuple[Kind, int]]:
    """List what is to be told of a ticket, in order; nothing of one that never was at risk."""
    if state.at_risk_at is None:
        return []
    told = [(Kind.AT_RISK, state.at_risk_at)]
    if state.breached_at is not None:
        told.append((Kind.BREACHED, state.breached_at))
    if state.ended_at is not None:
        told.append((ENDINGS[state.phase], state.ended_at))
    return told


def forget_at(ticket: Ticket, state: Life) -> int | None:
    """Return when the ticket may be forgotten, or None while it may not.

    Counted from the last that is known of it, be it read late or ahead of the clock.
    """
    if state.is_open or (state.phase is Phase.UNSEEN and state.wake_at is not None):
        return None
    last = max(
        ticket.touched,
        ticket.replied or 0,
        ticket.closed or 0,
        state.ended_at or 0,
    )
    return last + REMEMBERED_FOR
