"""What a ticket passes that only waits: the thresholds of a plain promise, one after the other."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from monitor.sla.policy import Target
from monitor.sla.ticket import Kind, Phase
from monitor.sla.views import Book


class Step(NamedTuple):
    """A threshold: what it makes of a ticket, and what is booked and told of it."""

    span: int
    """Microseconds from the creation until it is passed."""
    phase: Phase
    what: Book
    kind: Kind


NO_STEPS: Final[Mapping[Phase, Step]] = {}


def steps(target: Target) -> Mapping[Phase, Step]:
    """Return by phase the step out of it; none of a promise that more than the time decides."""
    if target.calendar is not None or target.goals or target.before or target.pauses:
        return NO_STEPS
    return {
        Phase.WAITING: Step(target.at_risk, Phase.AT_RISK, Book.AT_RISK, Kind.AT_RISK),
        Phase.AT_RISK: Step(target.limit, Phase.OVERDUE, Book.MISSED, Kind.BREACHED),
    }
