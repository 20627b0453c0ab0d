"""What must be true of tickets, worked out from DESIGN 3 the slow and obvious way.

Nothing here is shared with the rules but the words (events, policy, `Book` and `Kind` as names of
columns): every figure is computed afresh from the whole list of events and one clock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil

from msgspec import structs

from monitor.sla.events import (
    DAY,
    NEVER,
    SECOND,
    AgentReplied,
    CustomerReplied,
    Event,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.policy import Policy, Target
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book
from tests.unit.sla.hours import Table, table_of

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
    tier: str
    target: Target
    created: int
    phase: Phase
    waited: int
    """How long its clock ran from its creation to its end, or to now."""
    ended: int | None
    closed: int | None
    is_open: bool
    skewed: bool
    conflict: bool
    short_abandon: int
    pauses: tuple[int, ...] = ()

    @property
    def is_waiting(self) -> bool:
        return self.phase in (Phase.WAITING, Phase.AT_RISK, Phase.OVERDUE)

    @property
    def due_at(self) -> int:
        return due(self.target, self.created, self.target.limit, self.pauses)

    @property
    def at_risk_at(self) -> int:
        return due(self.target, self.created, self.target.at_risk, self.pauses)

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
            told.append((Kind.AT_RISK, self.at_risk_at))
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
            found.append((Book.AT_RISK, self.at_risk_at, 0))
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
                found.append((Book.ABANDONED, self.ended, self.ended - self.created))
                if self.ended - self.created <= self.short_abandon:
                    found.append((Book.SHORT_ABANDONED, self.ended, 0))
        if self.phase is Phase.EXPIRED:
            found.append((Book.EXPIRED, self.ended, 0))
        if self.closed is not None:
            found.append((Book.CLOSED, self.closed, self.closed - self.created))
            if self.phase is Phase.ANSWERED:
                found.append((Book.RESOLVED, self.closed, self.closed - self.created))
        for goal in self.target.goals:
            if self.waited > goal.within:
                at = due(self.target, self.created, goal.within, self.pauses)
                found.append((Book.GOAL_MISSED, at, goal.within))
            elif self.phase is Phase.ANSWERED:
                found.append((Book.GOAL_MET, self.ended, goal.within))
        return found


def due(target: Target, created: int, span: int, pauses: Sequence[int] = ()) -> int:
    """Return when a span has run on the clock of a promise; after all dates, if it never has."""
    if pauses:
        low, high = created, NEVER
        while high - low > 1 and low < created + 100 * DAY:
            middle = low + min(high - low, DAY) // 2
            if elapsed(target, created, middle, pauses) <= span:
                low = middle
            else:
                high = middle
        return low if high < NEVER else NEVER
    if target.calendar is None:
        return created + span
    return _table(target, created).due(created, span)


def elapsed(target: Target, start: int, end: int, pauses: Sequence[int] = ()) -> int:
    """Return how long the clock of a promise ran."""
    if pauses:
        stops, starts = list(pauses[0::2]), [start, *pauses[1::2]]
        stops += [end] * (len(starts) - len(stops))
        return sum(
            elapsed(target, begin, min(stop, end))
            for begin, stop in zip(starts, stops, strict=True)
            if begin < min(stop, end)
        )
    return end - start if target.calendar is None else _table(target, start).elapsed(start, end)


def _table(target: Target, at: int) -> Table:
    """Return the minutes of the half year around a moment."""
    half = at // (90 * DAY) * 90 * DAY
    return table_of(target.calendar, half - DAY, half + 270 * DAY)


def promised(policy: Policy, ticket: TicketCreated) -> Target:
    """Return what the policy promises: rule by rule, those that ask most of a ticket first."""
    own = policy.channels[ticket.channel]
    limit, at_risk, share, goals = own.limit, own.at_risk, own.share, own.goals
    calendar, limit_is_set, hours_are_set = own.calendar, False, False
    for asks in (4, 3, 2, 1, 0):
        for rule in policy.rules:
            if len(rule.when) != asks:
                continue
            if any(getattr(ticket, name) not in values for name, values in rule.when.items()):
                continue
            if rule.limit is not None and not limit_is_set:
                limit_is_set = True
                limit, goals = rule.limit, rule.goals
                at_risk = rule.at_risk or int(Fraction(own.at_risk, own.limit) * limit)
                share = rule.share or own.share
            if rule.hours is not None and not hours_are_set:
                hours_are_set = True
                calendar = policy.calendars.get(rule.hours)
    return Target(at_risk, limit, share, goals, calendar)


def truth(
    events: Sequence[Event],
    ticket_id: str,
    policy: Policy,
    clock: int,
    *,
    over_at_reply: bool,
    pauses: tuple[int, ...] = (),
) -> Truth | None:
    """Return what is true of a ticket, or None while nothing is (no creation by then)."""
    mine = [event for event in events if event.ticket_id == ticket_id]
    creations = [event for event in mine if isinstance(event, TicketCreated)]
    if not creations:
        return None
    first = min(creations, key=lambda e: (e.at, e.channel, e.team, e.priority, e.tier))
    if clock < first.at:
        return None
    target = promised(policy, first)
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

    waited = elapsed(target, first.at, end if is_told else clock, pauses)
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
        first.tier,
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
        pauses=pauses,
    )


@dataclass
class Run:
    """One run of another clock, as the story of a ticket goes."""

    began: int
    ended: int | None = None
    closed: int | None = None
    pauses: list[int] = field(default_factory=list)


def runs(
    events: Iterable[Event], ticket_id: str, clock: str, *, pausing: bool
) -> tuple[TicketCreated | None, list[Run]]:
    """Tell a ticket's story moment by moment: whose turn is it to speak?"""
    mine = [event for event in events if event.ticket_id == ticket_id]
    creations = [event for event in mine if isinstance(event, TicketCreated)]
    if not creations:
        return None, []
    first = min(creations, key=lambda e: (e.at, e.channel, e.team, e.priority, e.tier))
    close = min((max(e.at, first.at) for e in mine if isinstance(e, TicketClosed)), default=None)
    whole = Run(first.at, close)
    moments = [(e.at, "asks") for e in mine if isinstance(e, CustomerReplied) and e.at > first.at]
    moments += [
        (max(e.at, first.at), "replies")
        for e in mine
        if isinstance(e, AgentReplied) and not e.automated
    ]
    over = min(first.at + EXPIRY, close if close is not None else NEVER)
    cycles: list[Run] = []
    turn = "first response"
    for at, who in sorted(moments):  # of one moment the customer first: the reply answers that too
        if who == "replies":
            if turn == "team":
                cycles[-1:] = [Run(cycles[-1].began, at, over)] if cycles else []
            if turn in ("team", "first response"):
                whole.pauses.append(at)
            turn = "customer"
        elif turn == "customer" and at > whole.pauses[-1]:
            whole.pauses.append(at)
            turn = "team"
            if at < over:
                cycles.append(Run(at, None, over))
    if clock == "resolution":
        whole.pauses = whole.pauses if pausing else []
        return first, [whole]
    return first, cycles


def clock_truths(events: Iterable[Event], policy: Policy, clock: str, now: int) -> dict[str, Truth]:
    """Return what is true of every run of another clock that has begun, by its key."""
    events, promises = list(events), policy.clocks[clock]
    found = {}
    for ticket_id in sorted({event.ticket_id for event in events}):
        pausing = any(target.pauses for target in promises.channels.values())
        first, _ = runs(events, ticket_id, clock, pausing=pausing)
        if first is None or first.channel not in promises.channels:
            continue
        pausing = promises.channels[first.channel].pauses
        for number, run in enumerate(runs(events, ticket_id, clock, pausing=pausing)[1]):
            key = f"{number + (clock == 'next_reply')}\0{ticket_id}"
            story: list[Event] = [structs.replace(first, ticket_id=key, at=run.began)]
            if run.ended is not None:
                story.append(AgentReplied(key, run.ended))
            if run.closed is not None:
                story.append(TicketClosed(key, run.closed))
            one = truth(story, key, promises, now, over_at_reply=True, pauses=tuple(run.pauses))
            if one is not None:
                found[key] = one
    return found


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


def goals(tickets: Iterable[Truth]) -> dict[int, tuple[int, int]]:
    """Return by a goal's time how often it was met and missed, where it was."""
    decided = Counter((value, what) for one in tickets for what, _, value in one.booked)
    times = {value for value, what in decided if what in (Book.GOAL_MET, Book.GOAL_MISSED)}
    return {
        within: (decided[within, Book.GOAL_MET], decided[within, Book.GOAL_MISSED])
        for within in times
    }


def backlog(tickets: Sequence[Truth], clock: int) -> dict[str, object]:
    """Return who waits."""
    waiting = [one for one in tickets if one.is_waiting]
    ahead = [one.due_at for one in waiting if clock <= one.due_at < NEVER]
    return {
        "open": sum(one.is_open for one in tickets),
        "waiting": len(waiting),
        "at_risk": sum(one.passed_at_risk for one in waiting),
        "overdue": sum(one.passed_limit for one in waiting),
        "oldest": min((one.created for one in waiting), default=None),
        "next_deadline": min(ahead, default=None),
        "most_urgent": [
            one.ticket_id
            for one in sorted(waiting, key=lambda o: (o.due_at, o.created, o.ticket_id))
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
