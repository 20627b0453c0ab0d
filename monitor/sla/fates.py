"""What became of a ticket under a policy, and how that differs between two of them."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from monitor.sla.engine import Engine
from monitor.sla.life import life, thresholds
from monitor.sla.policy import Clock
from monitor.sla.ticket import Kind, Phase, Ticket


class Verdict(StrEnum):
    """What a promise came to."""

    MET = "met"
    MISSED = "missed"
    """The limit passed, however it ended."""
    LEFT_OUT = "left_out"
    """Closed unanswered within the limit: see `Formula`."""
    OPEN = "open"
    """Neither yet, or never: its clock has stopped for good."""


class Name(NamedTuple):
    """Which clock of which ticket."""

    ticket_id: str
    clock: str = Clock.FIRST_RESPONSE
    number: int = 0


class Fate(NamedTuple):
    """What became of it; times in microseconds."""

    channel: str
    team: str
    created: int
    at_risk_at: int
    """The last moment before it is at risk, if it waits until then; likewise `due_at`."""
    due_at: int
    told: tuple[tuple[Kind, int], ...]
    """What stands of it, in order."""
    verdict: Verdict

    @property
    def kinds(self) -> frozenset[Kind]:
        """What was told of it."""
        return frozenset(kind for kind, _ in self.told)


def fate(engine: Engine, ticket: Ticket) -> Fate | None:
    """Return what has become of a ticket by the engine's clock; None where nothing is promised."""
    target = engine.target(ticket)
    if target is None or ticket.created is None:
        return None
    pauses = () if ticket.exchange is None else ticket.exchange.pauses
    state = life(ticket, target, engine.clock)
    if state.breached_at is not None:
        verdict = Verdict.MISSED
    elif state.phase is Phase.ANSWERED:
        verdict = Verdict.MET
    else:
        verdict = Verdict.LEFT_OUT if state.phase is Phase.ABANDONED else Verdict.OPEN
    told = tuple((telling.kind, telling.at) for telling in ticket.told)
    moments = thresholds(target, ticket.created, pauses)
    return Fate(ticket.channel, ticket.team, ticket.created, *moments, told, verdict)


class Difference(NamedTuple):
    """One ticket's fate under the old policy and the new one; None where it counts for nothing."""

    name: Name
    old: Fate | None
    new: Fate | None

    @property
    def one(self) -> Fate:
        """Return either of the two: what they share is the same."""
        found = self.old or self.new
        assert found is not None  # noqa: S101 - there is no difference between nothing and nothing
        return found

    def changes(self) -> Iterator[str]:
        """Yield what is different, by the names under which it is counted."""
        old, new = self.old, self.new
        if old is None or new is None:
            yield "only_new" if old is None else "only_old"
            return
        for kind, what in ((Kind.AT_RISK, "at_risk"), (Kind.BREACHED, "breached")):
            if (kind in old.kinds) is not (kind in new.kinds):
                yield f"newly_{what}" if kind in new.kinds else f"no_longer_{what}"
        if old.verdict is not new.verdict:
            yield "verdict"
        if (old.at_risk_at, old.due_at) != (new.at_risk_at, new.due_at):
            yield "deadline"


COUNTED = (
    *("newly_at_risk", "no_longer_at_risk", "newly_breached", "no_longer_breached"),
    *("verdict", "deadline", "only_old", "only_new"),
)
"""All that can be different."""

OLD, NEW = 0, 1


class Comparison:
    """Takes fates from both sides, in any order, and keeps those that differ.

    What is the same is forgotten as soon as both are known, so that what is kept is bounded by the
    differences and by what one side still remembers.
    """

    def __init__(self) -> None:
        self.tickets: Counter[str] = Counter()
        """By channel how many fates were compared."""
        self.differences: list[Difference] = []
        self._waiting: tuple[dict[Name, Fate | None], dict[Name, Fate | None]] = ({}, {})

    def take(self, side: int, name: Name, found: Fate | None) -> None:
        """Take a fate of one side."""
        other = self._waiting[1 - side]
        if name not in other:
            self._waiting[side][name] = found
            return
        pair = (other.pop(name), found)
        self._compare(Difference(name, *(pair if side == NEW else reversed(pair))))

    def finish(self) -> None:
        """Take it that the other side knows nothing of what it has not told."""
        for name, found in self._waiting[OLD].items():
            self._compare(Difference(name, found, None))
        for name, found in self._waiting[NEW].items():
            self._compare(Difference(name, None, found))
        for waiting in self._waiting:
            waiting.clear()

    def _compare(self, difference: Difference) -> None:
        if difference.old is None and difference.new is None:
            return
        self.tickets[difference.one.channel] += 1
        if any(difference.changes()):
            self.differences.append(difference)
