"""One partition as a whole: tickets, surveys and the customer base, moved by one clock."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from monitor.sla.base import Changes, Customer, CustomerBase, Watch
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import CustomerChanged, SurveyAnswered, TicketCreated, Told
from monitor.sla.surveys import Survey, Surveys
from monitor.sla.views import View


class KeptMeasures(NamedTuple):
    """What is read back of surveys and customers."""

    surveys: Iterable[Survey] = ()
    customers: Iterable[Customer] = ()
    changes: Changes | None = None


class Measures:
    """Takes all kinds of events; those of tickets are the engine's business.

    `views` count answers, as the engine's own do; `watch` is told who comes and goes. Nothing is
    told of surveys and customers, so they need no deadlines: what is true of them is worked out
    when the clock gets there.
    """

    def __init__(
        self,
        engine: Engine,
        kept: KeptMeasures | None = None,
        views: Sequence[View] = (),
        watch: Watch | None = None,
    ) -> None:
        kept = kept or KeptMeasures()
        self.engine = engine
        counted: tuple[View, ...] = (engine.totals, engine.windows, *views)
        self.surveys = Surveys(engine.policy, counted, self._find, kept.surveys, clock=engine.clock)
        self.base = CustomerBase(kept.customers, kept.changes, clock=engine.clock, watch=watch)

    def step(self, event: Told, now: int) -> list[Effect]:
        """Take in an event and move the clock on, as `Engine.step` does."""
        if isinstance(event, SurveyAnswered):
            effects = self.engine.advance(now)
            self.advance()
            self.surveys.take(event)
            return effects
        if isinstance(event, CustomerChanged):
            effects = self.engine.advance(now)
            self.advance()
            self.base.take(event)
            return effects
        effects = self.engine.step(event, now)
        if type(event) is TicketCreated and self.surveys:
            self.surveys.ticket_known(event.ticket_id)
        return effects

    def advance(self) -> None:
        """Follow the engine's clock."""
        self.surveys.advance(self.engine.clock)
        self.base.advance(self.engine.clock)
        self.engine.customers.advance(self.engine.clock)

    def forget(self) -> None:
        """Drop all that has been over for long enough (DESIGN 3.7)."""
        self.engine.forget()
        self.advance()
        self.surveys.forget()
        self.base.forget()

    def _find(self, ticket_id: str) -> tuple[str, str] | None:
        ticket = self.engine.tickets.get(ticket_id)
        return None if ticket is None or ticket.created is None else (ticket.channel, ticket.team)
