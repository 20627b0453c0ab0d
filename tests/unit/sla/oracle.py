"""What must be true of tickets, worked out from DESIGN 3 the slow and obvious way.

Nothing here is shared with the rules but the words (events, policy, `Book` and `Kind` as names of
columns): every figure is computed afresh from the whole list of events and one clock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from monitor.sla.events import DAY, SECOND, AgentReplied, Event, TicketClosed, TicketCreated
from monitor.sla.policy import Policy, Target
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book

EXPIRY = 30 * DAY
MEMORY = DAY
AGES = (0, 90 * SECOND, 3600 * SECOND, DAY, 29 * DAY)
WINDOW_LENGTHS = {"5m": 300 * SECOND, "1h": 3600 * SECOND, "24h": DAY}


@dataclass(frozen=True)
class Truth:
    """One ticket at one clock."""

    ticket_id: str
    channel: str
    team: str
    priority: str
    target: Target
    created: int
    phase: Phase
    waited: int
    """From its creation to its end, or to the clock."""
    ended: int | None
    closed: int | None
    is_open: bool
    skewed: bool
    conflict: bool
    short_abandon: int

    @property
    def is_waiting(self) -> bool:
        return self.phase in (Phase.WAITING, Phase.AT_RISK, Phase.OVERDUE)

    @property
    def due_at(self) -> int:
        return self.created + self.target.limit

    @property
    def passed_at_risk(self) -> bool:
        return self.waited > self.target.at_risk

    @property
    def passed_limit(self) -> bool:
        return self.waited > self.target.limit

    @property
    def stages(self) -> list[tuple[Kind, int]]:
        """Rule 3: at_risk, breached, then how it ended; of one never at risk, nothing."""
        told = []
        if self.passed_at_risk:
            told.append((Kind.AT_RISK, self.created + self.target.at_risk))
            if self.passed_limit:
                told.append((Kind.BREACHED, self.due_at))
            if self.phase is Phase.ANSWERED:
                told.append((Kind.ANSWERED, self.ended))
            if self.phase is Phase.ABANDONED:
                told.append((Kind.CLOSED, self.ended))
            if self.phase is Phase.EXPIRED:
                told.append((Kind.EXPIRED, self.ended))
        return told

    @property
    def booked(self) -> list[tuple[Book, int, int]]:
        """Rule 5 and 6: what counts for it, when it was decided, and its value."""
        found = [(Book.CREATED, self.created, 0)]
        if self.conflict:
            found.append((Book.CHANNEL_CONFLICT, self.created, 0))
        if self.passed_at_risk:
            found.append((Book.AT_RISK, self.created + self.target.at_risk, 0))
        if self.passed_limit:
            found.append((Book.MISSED, self.due_at, 0))
        if self.phase is Phase.ANSWERED:
            found.append((Book.ANSWERED, self.ended, self.waited))
            found.append((Book.LATE if self.passed_limit else Book.MET, self.ended, 0))
            if self.skewed:
                found.append((Book.CLOCK_SKEW, self.ended, 0))
        if self.phase is Phase.ABANDONED:
            found.append((Book.UNANSWERED, self.ended, 0))
            if not self.passed_limit:
                found.append((Book.ABANDONED, self.ended, 0))
                if self.waited <= self.short_abandon:
                    found.append((Book.SHORT_ABANDONED, self.ended, 0))
        if self.phase is Phase.EXPIRED:
            found.append((Book.EXPIRED, self.ended, 0))
        if self.closed is not None:
            found.append((Book.CLOSED, self.closed, self.closed - self.created))
            if self.phase is Phase.ANSWERED:
                found.append((Book.RESOLVED, self.closed, self.closed - self.created))
        return found


def truth(
    events: Sequence[Event], ticket_id: str, policy: Policy, clock: int, *, over_at_reply: bool
) -> Truth | None:
    """Return what is true of a ticket, or None while nothing is (no creation by then)."""
    mine = [event for event in events if event.ticket_id == ticket_id]
    creations = [event for event in mine if isinstance(event, TicketCreated)]
    if not creations:
        return None
    first = min(creations, key=lambda e: (e.at, e.channel, e.team, e.priority))
    if clock < first.at:
        return None
    target = policy.channels[first.channel]
    replies = [e.at for e in mine if isinstance(e, AgentReplied) and not e.automated]
    closes = [e.at for e in mine if isinstance(e, TicketClosed)]
    # What came before the ticket counts as come with it.
    reply = max(min(replies), first.at) if replies else None
    close = max(min(closes), first.at) if closes else None
    expiry = first.at + EXPIRY

    if reply is not None and reply <= expiry and (close is None or reply <= close):
        end, how, is_told = reply, Phase.ANSWERED, clock >= reply
    elif close is not None and close <= expiry:
        end, how, is_told = close, Phase.ABANDONED, clock >= close
    else:
        end, how, is_told = expiry, Phase.EXPIRED, clock > expiry

    waited = (end if is_told else clock) - first.at
    if is_told:
        phase = how
    elif waited > target.limit:
        phase = Phase.OVERDUE
    elif waited > target.at_risk:
        phase = Phase.AT_RISK
    else:
        phase = Phase.WAITING
    closed = close if close is not None and clock >= close and is_told else None
    return Truth(
        ticket_id,
        first.channel,
        first.team,
        first.priority,
        target,
        first.at,
        phase,
        waited,
        end if is_told else None,
        closed,
        is_open=closed is None
        and phase is not Phase.EXPIRED
        and not (phase is Phase.ANSWERED and (over_at_reply or clock > expiry)),
        skewed=bool(replies) and min(replies) < first.at,
        conflict=len({event.channel for event in creations}) > 1,
        short_abandon=policy.short_abandon,
    )


def truths(
    events: Iterable[Event], policy: Policy, clock: int, *, over_at_reply: bool = False
) -> dict[str, Truth]:
    """Return what is true of every ticket that exists by then."""
    events = list(events)
    found = {}
    for ticket_id in sorted({event.ticket_id for event in events}):
        one = truth(events, ticket_id, policy, clock, over_at_reply=over_at_reply)
        if one is not None:
            found[ticket_id] = one
    return found


def of_group(all_: dict[str, Truth], policy: Policy, group: tuple[str, str]) -> list[Truth]:
    """Return the tickets that count in a group."""
    channel, team = group
    return [
        one
        for one in all_.values()
        if one.channel == channel
        and (not policy.teams or (one.team if one.team in policy.teams else "other") == team)
    ]


def counts(tickets: Iterable[Truth]) -> Counter[Book]:
    """Return how often each thing is booked."""
    return Counter(what for one in tickets for what, _, _ in one.booked)


def backlog(tickets: Sequence[Truth], clock: int) -> dict[str, object]:
    """Return who waits."""
    waiting = [one for one in tickets if one.is_waiting]
    ahead = [one.due_at for one in waiting if one.due_at >= clock]
    return {
        "open": sum(one.is_open for one in tickets),
        "waiting": len(waiting),
        "at_risk": sum(one.passed_at_risk for one in waiting),
        "overdue": sum(one.passed_limit for one in waiting),
        "oldest": min((one.created for one in waiting), default=None),
        "next_deadline": min(ahead, default=None),
        "longest_waiting": [
            one.ticket_id for one in sorted(waiting, key=lambda o: (o.created, o.ticket_id))
        ],
    }


def older(tickets: Sequence[Truth], clock: int) -> list[int]:
    """Return how many are open for longer than each age."""
    return [sum(one.is_open and clock - one.created > age for one in tickets) for age in AGES]


def window(tickets: Iterable[Truth], name: str, clock: int) -> tuple[Counter[Book], list[int]]:
    """Return what is booked in the 60 panes that end with the clock's, and the waiting times."""
    pane = WINDOW_LENGTHS[name] // 60
    last = clock // pane
    inside = [
        (what, value)
        for one in tickets
        for what, at, value in one.booked
        if last - 60 < at // pane <= last
    ]
    return (
        Counter(what for what, _ in inside),
        sorted(value for what, value in inside if what is Book.ANSWERED),
    )


def nearest_rank(ordered: Sequence[int], share: Fraction) -> int | None:
    """Return the least value that this share of all values does not exceed."""
    return ordered[max(1, ceil(share * len(ordered))) - 1] if ordered else None


def most_waiting(tickets: Sequence[Truth]) -> int:
    """Return the most tickets that waited at one instant, all that fell into it being settled."""
    spans = [(one.created, one.ended) for one in tickets]
    return max(
        (
            sum(begin <= instant and (end is None or instant < end) for begin, end in spans)
            for instant, _ in spans
        ),
        default=0,
    )


def tally(events: Iterable[Event], policy: Policy, clock: int) -> dict[str, dict[str, object]]:
    """Return the figures of a whole history (DESIGN 4), quantiles exact."""
    all_ = truths(events, policy, clock)
    figures: dict[str, dict[str, object]] = {}
    for channel in policy.channels:
        tickets = [one for one in all_.values() if one.channel == channel]
        if not tickets:
            continue
        seconds = sorted(one.waited for one in tickets if one.phase is Phase.ANSWERED)
        within = sum(one.phase is Phase.ANSWERED and not one.passed_limit for one in tickets)
        breached = sum(one.passed_limit for one in tickets)
        total = sum(seconds)
        figures[channel] = {
            "created": len(tickets),
            "answered": len(seconds),
            "abandoned": sum(one.phase is Phase.ABANDONED for one in tickets),
            "expired": sum(one.phase is Phase.EXPIRED for one in tickets),
            "first_response_sum_seconds": total / SECOND,
            "first_response_mean_seconds": total / len(seconds) / SECOND if seconds else None,
            "first_response_p50_seconds": _in_seconds(nearest_rank(seconds, Fraction(1, 2))),
            "first_response_p90_seconds": _in_seconds(nearest_rank(seconds, Fraction(9, 10))),
            "first_response_max_seconds": _in_seconds(max(seconds, default=None)),
            "answered_within_limit": within,
            "passed_at_risk": sum(one.passed_at_risk for one in tickets),
            "breached": breached,
            "service_level_ratio": within / (within + breached) if within + breached else None,
            "max_waiting": most_waiting(tickets),
        }
    return figures


def _in_seconds(us: int | None) -> float | None:
    return None if us is None else us / SECOND
