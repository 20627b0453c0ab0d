"""Another policy tried on what happens: its figures are shown, and nobody is told what it says."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from msgspec import structs

from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import CustomerChanged, SurveyAnswered, Told
from monitor.sla.policy import Policy
from monitor.sla.ticket import Ticket

Step = Callable[[Any, int], list[Effect]]


class Shadow:
    """An engine of its own beside the real one, with tickets of its own.

    Of them nothing is kept: it begins with what is known of the real ones, all of whose life it
    judges by its own policy. Only first responses are judged.
    """

    def __init__(
        self, policy: Policy, clock: int, tickets: Iterable[Ticket], *, over_at_reply: bool
    ) -> None:
        self.policy = policy
        self.engine = Engine(
            replace(policy, clocks={}),
            clock=clock,
            tickets=[structs.replace(each, told=(), revisions=()) for each in tickets],
            over_at_reply=over_at_reply,
        )
        self.advance(clock)

    def beside(self, step: Step) -> Step:
        """Return what takes an event in as `step` does, and then here too."""

        def both(event: Told, now: int) -> list[Effect]:
            effects = step(event, now)
            if not isinstance(event, SurveyAnswered | CustomerChanged):
                self.engine.step(event, now)
            return effects

        return both

    def advance(self, now: int) -> None:
        """Follow the real clock."""
        self.engine.advance(now)
        self.engine.customers.advance(now)
        self.engine.changed.clear()

    def forget(self) -> None:
        """Drop all that has been over for long enough."""
        self.engine.forget()
        self.engine.changed.clear()
