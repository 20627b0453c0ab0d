"""An explanation as plain values, times in RFC 3339 and spans in seconds: what `--json` prints."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from monitor.cli.explain_clocks import booked_words, clocks_data, moved_words, told_words
from monitor.cli.explain_policy import policy_line
from monitor.sla.durations import format_duration
from monitor.sla.effects import Effect
from monitor.sla.events import (
    SECOND,
    AgentReplied,
    CustomerReplied,
    SurveyAnswered,
    TicketClosed,
    TicketCreated,
)
from monitor.sla.explained import RULES, Did, Explained, Step, moments
from monitor.sla.policy import Clock
from monitor.sla.surveys import verdict
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book, Booking
from monitor.streaming.codec import event_id, kind_name, rfc3339

Line = dict[str, Any]

_DID: Final = {
    Did.STARTS: "the ticket is created: the clock of its first response starts",
    Did.STARTS_EARLIER: "an earlier creation: the clock starts here",
    Did.CONFLICTS: "created again, on another channel: the earliest creation counts",
    Did.REPLIES: "a human reply",
    Did.REPLIES_EARLIER: "a human reply before the one known",
    Did.AUTOMATED: "an automated reply: no first response",
    Did.CLOSES: "the ticket is closed",
    Did.CLOSES_EARLIER: "closed before the close known",
    Did.ASKS: "the customer wrote again, which is nothing to the clock of the first response",
    Did.NOTHING_NEW: "says nothing new",
}

_NOTHING: Final = (Did.NOTHING_NEW, Did.ASKS)
_AGAIN: Final = {
    "agent-replied": "a human reply, not the first",
    "customer-replied": "the customer wrote again",
}
"""What is nothing to the first response may be something to another clock."""

_BOOKED: Final = {
    Book.MET: "counts as answered within the limit",
    Book.MISSED: "counts as missed: the limit has passed",
    Book.LATE: "counts as answered late",
    Book.ABANDONED: "counts as abandoned within the limit",
    Book.SHORT_ABANDONED: "counts as a short abandon",
    Book.CLOCK_SKEW: "counts as clock skew: answered before it was created, which is 0 s",
    Book.CHANNEL_CONFLICT: "counts as a channel conflict",
    Book.RESOLVED: "counts as resolved",
}
"""What is booked beside what a step says anyhow."""


def as_data(one: Explained, answers: list[SurveyAnswered], path: Path | None) -> Line:
    """Return all of an explanation."""
    ticket, target = one.ticket, one.target
    data: Line = {"ticket_id": one.ticket_id, "as_of": rfc3339(one.clock)}
    if ticket is not None and target is not None:
        promise = policy_line(one.policy, ticket, path)
        data |= {
            "channel": ticket.channel,
            "team": ticket.team or None,
            "priority": ticket.priority or None,
            "promise": {
                "at_risk_seconds": target.at_risk / SECOND,
                "limit_seconds": target.limit / SECOND,
                "share": target.share,
                "hours": None if target.calendar is None else target.calendar.name,
                **promise._asdict(),
            },
            "first_response": _clock(one),
        }
        if one.policy.clocks:
            data["clocks"] = list(clocks_data(one, path))
    data["verdict"] = sentence(one)
    data["service_level"] = {
        "formula": one.policy.formula.value,
        "by_formula": {f.value: v.value for f, v in one.verdicts().items()},
    }
    data["timeline"] = list(timeline(one, answers, path))
    cited = {rule for line in data["timeline"] for rule in line["rules"]}
    data["rules"] = {str(number): RULES[number] for number in sorted(cited)}
    return data


def _clock(one: Explained) -> Line:
    """Return the clock of the first response: its thresholds, and how far it ran."""
    assert one.ticket is not None  # noqa: S101 - seen before
    assert one.target is not None  # noqa: S101
    found, state = moments(one.ticket, one.target), one.state
    if state.phase is Phase.UNSEEN:
        return {"state": "not_started", "started_at": rfc3339(found.created)}
    ended = state.ended_at
    return {
        "state": state.phase.name.lower(),
        "started_at": rfc3339(found.created),
        "at_risk_after": rfc3339(found.at_risk),
        "due_at": rfc3339(found.limit),
        "stopped_at": None if ended is None else rfc3339(ended),
        "waited_seconds": one.waited / SECOND,
    }


def sentence(one: Explained) -> str:
    """Answer the question: was it late, and why."""
    ticket, target, state = one.ticket, one.target, one.state
    if ticket is None or ticket.created is None:
        return "Not known: its creation is not among the events."
    if target is None or state.phase is Phase.UNSEEN:
        return "Not begun: its creation lies ahead of the clock."
    waited = one.waited
    took, limit = format_duration(waited), format_duration(target.limit)
    apart = format_duration(abs(waited - target.limit))
    late = state.breached_at is not None
    judged = "Late" if late else "Not late"
    over = f"{apart} over its limit of {limit}" if late else f"{apart} before its limit of {limit}"
    if state.phase is Phase.ANSWERED and waited == target.limit:
        over = "exactly at its limit, which is met"
    return {
        Phase.ANSWERED: f"{judged}: answered after {took}, {over}.",
        Phase.ABANDONED: f"{judged}: closed unanswered after {took}, {over}.",
        Phase.EXPIRED: f"Late: never answered; given up after {took}, its limit was {limit}.",
        Phase.OVERDUE: f"Late: still waiting after {took}, {over}.",
        Phase.AT_RISK: f"Not decided: waiting for {took}, {over}.",
        Phase.WAITING: f"Not decided: waiting for {took}, {over}.",
    }[state.phase]


def timeline(
    one: Explained, answers: list[SurveyAnswered], path: Path | None = None
) -> Iterator[Line]:
    """Yield all that happened, in the order of the clock."""
    lines: list[tuple[int, int, Line]] = []
    for step in one.steps:
        for line in _step(one, step, path):
            lines.append((step.clock, len(lines), line))
    for answer in answers:
        book = verdict(answer.kind, answer.score, one.policy)
        said = f"survey {answer.kind}: {answer.score:g} points, {book.name.lower()}"
        lines.append((answer.at, len(lines), _line(answer.at, "survey", said, [])))
    yield from (line for *_, line in sorted(lines, key=lambda entry: entry[:2]))


def _step(one: Explained, step: Step, path: Path | None) -> Iterator[Line]:
    if step.event is not None:
        assert step.did is not None  # noqa: S101 - an event is always something
        kind = {
            TicketCreated: "ticket-created",
            AgentReplied: "agent-replied",
            TicketClosed: "ticket-closed",
            CustomerReplied: "customer-replied",
        }[type(step.event)]
        said = _AGAIN.get(kind) if step.moves and step.did in _NOTHING else None
        said = said or _DID[step.did] + _in_vain(one, step)
        line = _line(step.event.at, kind, said, [1], did=step.did.value)
        if step.clock > step.event.at:
            line["read_at"] = rfc3339(step.clock)
        yield line
    for move in step.moves:
        clock = {"clock": move.clock, "number": move.number}
        more = {"moved": move.what.value, "sign": move.sign}
        yield _line(move.at, "clock", moved_words(move), [1], **clock, **more)
    for effect in step.told:
        yield _told(one, effect, path)
    for booking, sign in step.booked:
        if booking.what in _BOOKED:
            yield _book(booking, sign)
    for clock_name, booking, sign in step.others:
        words = booked_words(clock_name, booking)
        if words is not None:
            yield _book(booking, sign, words, clock=clock_name)


def _in_vain(one: Explained, step: Step) -> str:
    """Say of a reply or a close why it changes nothing, where the ticket had ended before."""
    ended, phase = one.state.ended_at, one.state.phase
    at = 0 if step.event is None else step.event.at
    if ended is None or at <= ended or step.did not in (Did.REPLIES, Did.REPLIES_EARLIER):
        return ""
    why = {Phase.ABANDONED: "after it was closed", Phase.EXPIRED: "after it was given up"}
    return f", {why[phase]}: it counts for nothing" if phase in why else ""


_RULES_OF_KIND: Final = {
    Kind.AT_RISK: [2, 3],
    Kind.BREACHED: [2, 3],
    Kind.ANSWERED: [3],
    Kind.CLOSED: [3],
    Kind.EXPIRED: [3, 7],
    Kind.RETRACTED: [3],
}


def _told(one: Explained, effect: Effect, path: Path | None) -> Line:
    """Return what was told, with the line of the policy that has decided it."""
    is_first, rules = effect.clock == Clock.FIRST_RESPONSE, _RULES_OF_KIND[effect.kind]
    said = _told_first(effect) if is_first else told_words(effect)
    line = _line(effect.at, "told", said, rules, kind=kind_name(effect.clock, effect.kind))
    if not is_first:
        line |= {"clock": effect.clock, "number": effect.number}
    clock, number = effect.clock, effect.number
    line["id"] = event_id(
        effect.ticket_id, effect.kind, effect.revision, clock=clock, number=number
    )
    promises = one.policy if is_first else one.policy.clocks[effect.clock]
    where = policy_line(promises, effect, path)
    if where.file is not None and effect.kind in (Kind.AT_RISK, Kind.BREACHED):
        line["policy"] = f"{where.file}:{where.line}"
    return line


def _told_first(effect: Effect) -> str:
    waited, threshold = format_duration(effect.waited), format_duration(effect.threshold)
    return {
        Kind.AT_RISK: f"told at risk: it has waited {threshold}",
        Kind.BREACHED: f"told breached: its limit of {threshold} has passed unanswered",
        Kind.ANSWERED: f"told answered, after {waited}",
        Kind.CLOSED: f"told closed with no reply, after {waited}",
        Kind.EXPIRED: f"told expired, after {waited}",
        Kind.RETRACTED: "taken back what this event proves false: "
        + ", ".join(telling.kind.name.lower() for telling in effect.retracts),
    }[effect.kind]


def _book(booking: Booking, sign: int, words: str = "", **more: Any) -> Line:
    said = words or _BOOKED[booking.what]
    if sign < 0 and words:
        said = said.replace(": ", ": no longer ", 1)
    elif sign < 0:
        said = f"no longer {said}"
    rules = [1] if booking.what in (Book.CLOCK_SKEW, Book.CHANNEL_CONFLICT) else [5]
    rules = [7] if booking.what is Book.RESOLVED else rules
    booked = booking.what.name.lower()
    return _line(booking.at, "counted", said, rules, booked=booked, sign=sign, **more)


def _line(at: int, what: str, says: str, rules: list[int], **more: Any) -> Line:
    return {"at": rfc3339(at), "what": what, "says": says, "rules": rules, **more}
