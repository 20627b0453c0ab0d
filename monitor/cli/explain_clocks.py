"""What an explanation says of the clocks beside the first response, as plain values."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from monitor.cli.explain_policy import policy_line
from monitor.sla.durations import format_duration
from monitor.sla.effects import Effect
from monitor.sla.events import NEVER, SECOND
from monitor.sla.explained import Explained
from monitor.sla.explained_clocks import Move, Moved, Run
from monitor.sla.policy import Clock
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book, Booking
from monitor.streaming.codec import kind_name, rfc3339

_MOVED: Final = {
    Moved.STARTS: "its clock starts",
    Moved.STANDS: "its clock stands: the customer has to answer",
    Moved.GOES_ON: "its clock goes on: the customer has written",
    Moved.CLOSED: "its clock ends: the ticket is closed",
}
_ENDS: Final = {
    Clock.NEXT_REPLY: "its clock ends: answered",
    Clock.RESOLUTION: "its clock ends: closed",
}
_DONE: Final = {Clock.NEXT_REPLY: "answered", Clock.RESOLUTION: "closed"}
_WITHOUT: Final = {Clock.NEXT_REPLY: "unanswered", Clock.RESOLUTION: "with no close"}


def run_name(clock: str, number: int) -> str:
    """Return how a run is called: `next reply 2`."""
    name = clock.replace("_", " ")
    return f"{name} {number}" if number else name


def clocks_data(one: Explained, path: Path | None) -> Iterator[dict[str, Any]]:
    """Yield every run of the ticket's other clocks: its promise, thresholds, and how it went."""
    assert one.ticket is not None  # noqa: S101 - it has runs only once it is known
    for run in one.runs():
        promises, target, ended = one.policy.clocks[run.clock], run.target, run.state.ended_at
        yield {
            "clock": run.clock,
            "number": run.number,
            "verdict": run_sentence(run),
            "promise": {
                "at_risk_seconds": target.at_risk / SECOND,
                "limit_seconds": target.limit / SECOND,
                "share": target.share,
                "hours": None if target.calendar is None else target.calendar.name,
                "pauses": target.pauses,
                **policy_line(promises, one.ticket, path)._asdict(),
            },
            "state": run.state.phase.name.lower(),
            "started_at": rfc3339(run.span.began),
            "at_risk_after": _moment(run.at_risk_after),
            "due_at": _moment(run.due_at),
            "stopped_at": None if ended is None else rfc3339(ended),
            "stands": run.stands,
            "ran_seconds": run.ran / SECOND,
        }


def _moment(at: int) -> str | None:
    return None if at == NEVER else rfc3339(at)


def run_sentence(run: Run) -> str:
    """Say whether a run of a clock was late, and why."""
    phase, late = run.state.phase, run.state.breached_at is not None
    took, limit = format_duration(run.ran), format_duration(run.target.limit)
    apart = format_duration(abs(run.ran - run.target.limit))
    over = f"{apart} {'over' if late else 'before'} its limit of {limit}"
    if run.ran == run.target.limit:
        over = "exactly at its limit, which is met"
    if run.stands:
        over += "; its clock stands, the customer has to answer"
    judged = "Late" if late else "Not late"
    done = _DONE[Clock(run.clock)]
    return {
        Phase.ANSWERED: f"{judged}: {done} after {took}, {over}.",
        Phase.ABANDONED: f"{judged}: ended without it after {took}, {over}.",
        Phase.EXPIRED: f"{judged}: given up after {took}, {over}.",
        Phase.OVERDUE: f"Late: not {done} after {took}, {over}.",
        Phase.AT_RISK: f"Not decided: not {done} after {took}, {over}.",
        Phase.WAITING: f"Not decided: not {done} after {took}, {over}.",
    }[phase]


def moved_words(move: Move) -> str:
    """Say what became of a clock."""
    said = _MOVED.get(move.what) or _ENDS[Clock(move.clock)]
    taken_back = "" if move.sign > 0 else "taken back: "
    return f"{run_name(move.clock, move.number)}: {taken_back}{said}"


def told_words(effect: Effect) -> str:
    """Say what was told of a run of a clock."""
    clock = Clock(effect.clock)
    waited, threshold = format_duration(effect.waited), format_duration(effect.threshold)
    kinds = ", ".join(kind_name(clock, telling.kind) for telling in effect.retracts)
    said = {
        Kind.AT_RISK: f"told at risk: it has run {threshold}",
        Kind.BREACHED: f"told breached: its limit of {threshold} has passed {_WITHOUT[clock]}",
        Kind.ANSWERED: f"told {_DONE[clock]}, after {waited}",
        Kind.CLOSED: f"told closed with no reply, after {waited}",
        Kind.EXPIRED: f"told expired, after {waited}",
        Kind.RETRACTED: f"taken back what this event proves false: {kinds}",
    }[effect.kind]
    return f"{run_name(clock, effect.number)}: {said}"


def booked_words(clock: str, booking: Booking) -> str | None:
    """Say what was counted of a clock, None of what is not worth a line."""
    done = _DONE[Clock(clock)]
    said = {
        Book.MET: f"counts as {done} within the limit",
        Book.MISSED: "counts as missed: the limit has passed",
        Book.LATE: f"counts as {done} late",
        Book.ABANDONED: "counts as ended within the limit without it",
        Book.EXPIRED: "counts as given up",
    }.get(booking.what)
    return said and f"{run_name(clock, 0)}: {said}"
