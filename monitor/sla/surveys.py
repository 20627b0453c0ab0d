"""What customers say in surveys: each answer counted once, for the channel of its ticket."""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from monitor.sla.events import SurveyAnswered
from monitor.sla.policy import REMEMBERED_FOR, Policy
from monitor.sla.views import Book, Booking, View

NO_GROUP: Final = -1

_PROMOTER: Final = 9
_PASSIVE: Final = 7


class Survey(msgspec.Struct, gc=False, array_like=True):
    """One answer; times are microseconds since 1970."""

    survey_id: str
    ticket_id: str
    kind: str
    score: float
    at: int
    named: tuple[str, str] = ("", "")
    """Channel and team as the survey itself names them."""
    channel: str = ""
    """The one it is counted for: its ticket's, or the one named."""
    team: str = ""
    touched: int = 0
    """The partition's clock when it was last changed by an event."""
    group: int = NO_GROUP
    """The index of the group for which it is counted; set anew when it is read back."""
    is_booked: bool = False
    """Whether it is counted; likewise."""

    @property
    def said(self) -> tuple[object, ...]:
        """What tells it from another answer to the same survey: the least counts.

        That is the earliest; of several at one moment one that names a channel.
        """
        return self.at, self.ticket_id, self.kind, self.score, not self.named[0], self.named


def verdict(kind: str, score: float, policy: Policy) -> Book:
    """Return as what an answer counts."""
    if kind == "csat":
        return Book.SATISFIED if score >= policy.satisfied_from else Book.DISSATISFIED
    if score >= _PROMOTER:
        return Book.PROMOTER
    return Book.PASSIVE if score >= _PASSIVE else Book.DETRACTOR


class Surveys:
    """The answers of one partition, remembered as long as tickets that are over.

    `find` returns channel and team of a ticket that is known. `changed` collects what is to be
    kept since it was last emptied, None for a forgotten one.
    """

    def __init__(
        self,
        policy: Policy,
        views: Sequence[View],
        find: Callable[[str], tuple[str, str] | None],
        kept: Iterable[Survey] = (),
        *,
        clock: int = 0,
    ) -> None:
        self.changed: dict[str, Survey | None] = {}
        self._policy = policy
        self._views = views[1:]
        self._find = find
        self._groups = {name: index for index, name in enumerate(policy.groups)}
        self._answers: dict[str, Survey] = {}
        self._by_ticket: dict[str, list[Survey]] = {}
        self._to_come: list[tuple[int, str]] = []
        self._clock = clock
        for survey in kept:
            survey.group, survey.is_booked = NO_GROUP, False
            self._add(survey)
        self._views = views  # the totals, which come first, outlive what they counted

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def every(self) -> Iterable[Survey]:
        """All that are remembered."""
        return self._answers.values()

    @property
    def unmatched(self) -> int:
        """How many answers wait for their ticket, or for anybody to say its channel."""
        return sum(survey.group == NO_GROUP for survey in self._answers.values())

    def take(self, event: SurveyAnswered) -> None:
        """Take in an answer; of several to one survey the earliest counts."""
        new = Survey(
            *(event.survey_id, event.ticket_id, event.kind, event.score, event.at),
            *((event.channel, event.team), event.channel, event.team, self._clock),
        )
        known = self._answers.get(event.survey_id)
        if known is not None:
            if known.said <= new.said:
                return
            self._book(known, -1)
            self._by_ticket[known.ticket_id].remove(known)
        self._add(new)
        self.changed[new.survey_id] = new

    def ticket_known(self, ticket_id: str) -> None:
        """Take note that a ticket was created, or that its creation changed."""
        for survey in self._by_ticket.get(ticket_id, ()):
            before = survey.channel, survey.team
            self._settle(survey)
            if before != (survey.channel, survey.team):
                self.changed[survey.survey_id] = survey

    def advance(self, now: int) -> None:
        """Move the clock on: what lay ahead of it counts from its own time on."""
        self._clock = max(self._clock, now)
        while self._to_come and self._to_come[0][0] <= self._clock:
            _, survey_id = heapq.heappop(self._to_come)
            if survey_id in self._answers:
                self._settle(self._answers[survey_id])

    def forget(self) -> None:
        """Drop what has been remembered for long enough."""
        until = self._clock - REMEMBERED_FOR
        old = [each for each in self._answers.values() if max(each.at, each.touched) <= until]
        for survey in old:
            del self._answers[survey.survey_id]
            mine = self._by_ticket[survey.ticket_id]
            mine.remove(survey)
            if not mine:
                del self._by_ticket[survey.ticket_id]
            self.changed[survey.survey_id] = None

    def _add(self, survey: Survey) -> None:
        self._answers[survey.survey_id] = survey
        self._by_ticket.setdefault(survey.ticket_id, []).append(survey)
        if survey.at > self._clock:
            heapq.heappush(self._to_come, (survey.at, survey.survey_id))
        self._settle(survey)

    def _settle(self, survey: Survey) -> None:
        """Count an answer for the group of its ticket, once its time has come."""
        found = self._find(survey.ticket_id)
        if found is not None:
            survey.channel, survey.team = found
        group = self._groups.get(self._policy.group(survey.channel, survey.team), NO_GROUP)
        if group != survey.group:
            self._book(survey, -1)
            survey.group = group
        if not survey.is_booked and survey.at <= self._clock:
            self._book(survey, 1)

    def _book(self, survey: Survey, sign: int) -> None:
        if survey.group == NO_GROUP or survey.is_booked is (sign > 0):
            return
        survey.is_booked = sign > 0
        booking = Booking(verdict(survey.kind, survey.score, self._policy), survey.at)
        for view in self._views:
            view.book(survey.group, booking, sign)
