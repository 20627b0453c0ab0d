"""Believable support traffic for the demo: customers write and call, agents answer in order.

A small simulation of a support team: nobody draws waiting times from a hat for phone and chat,
they grow where more customers come than agents are free. So a *chat rush*, an incident that
brings five times the chats, breaks promises by itself and is worked off afterwards.

It is pure: the same arguments give the same messages, and nobody asks a clock.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import count
from random import Random
from typing import Final, NamedTuple

from monitor.cli.traffic_channels import CHANNELS, HOUR, MINUTE, Channel
from monitor.cli.traffic_customers import JOIN_EVERY, LEAVE_EVERY, Customers

MORNING: Final = 10.5
"""It is always half past ten when made-up traffic goes live: the night is in its history."""

FIRST_LIVE_RUSH: Final = 40.0
"""Seconds after the live part begins: who starts the demo soon sees it at work."""
RUSH_EVERY: Final = 20 * MINUTE
RUSH_EVERY_IN_HISTORY: Final = 6 * HOUR
RUSH_LASTS: Final = 5 * MINUTE
RUSH_FACTOR: Final = 5.0
"""On the peak, whatever the hour: an incident wakes people."""
RUSH_SLOWNESS: Final = 2.5
"""Every answer takes this many times as long while nobody knows yet what is wrong."""
HELP_COMES: Final = 2 * MINUTE
HELP_LEAVES: Final = 15 * MINUTE
"""Colleagues help out from the one until the other, counted from the beginning of the rush."""
HELPERS: Final = 10
"""So many come beside the planned agents, who also ask as many of their own team."""

MERGED_SHARE: Final = 0.03
DUPLICATE_SHARE: Final = 0.002
LOST_SHARE: Final = 0.001
"""Helpdesks send an event twice now and then, and once in a while not at all."""

QUICK: Final = 3.0
"""A first reply within so many times the usual is remembered as a quick one."""

TEAMS: Final = {"accounts": 5, "billing": 3, "technical": 2}
PRIORITIES: Final = {"urgent": 3, "high": 12, "normal": 70, "low": 15}
RANKS: Final = {priority: rank for rank, priority in enumerate(PRIORITIES)}


Field = str | bool | int
"""What a field of a record holds here."""


class Message(NamedTuple):
    """One record for an input topic; `fields` is its JSON object."""

    at: float
    topic: str
    key: str
    """The ticket's id, or the customer's."""
    fields: dict[str, Field]


def traffic(
    start: float,
    seed: int,
    *,
    speed: float = 1.0,
    live_from: float | None = None,
    hour: float | None = None,
) -> Iterator[Message]:
    """Yield messages without end, in order of time from `start` (seconds since 1970).

    With `speed` the day runs that many times as fast, and every wait with it. At `live_from`,
    the start unless told, the demo goes live: before, there is a chat rush every six hours,
    after it the first one soon and then one every 20 minutes. With `hour` it is that hour of the
    team's day when the demo goes live, else what it is in UTC.
    """
    live = start if live_from is None else live_from
    clock = _Clock(live, speed, live if hour is None else hour * HOUR)
    random = Random(seed)  # noqa: S311 - no secret, a scene
    customers = Customers(Random(f"customers {seed}"))  # noqa: S311
    return _Support(clock, start, random, customers).messages()


class _Clock(NamedTuple):
    """Between event time and the moments of a day that runs at its natural speed."""

    live: float
    speed: float
    live_moment: float

    def moment(self, at: float) -> float:
        return self.live_moment + (at - self.live) * self.speed

    def at(self, moment: float) -> float:
        return round(self.live + (moment - self.live_moment) / self.speed, 3)

    def text(self, moment: float) -> str:
        return self.written(self.at(moment))

    def written(self, at: float) -> str:
        time = datetime.fromtimestamp(at, UTC)
        return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"

    def since_rush(self, moment: float) -> float:
        """Return how long ago the latest rush began."""
        since_first = moment - self.live_moment - FIRST_LIVE_RUSH
        return since_first % (RUSH_EVERY if since_first >= 0 else RUSH_EVERY_IN_HISTORY)


@dataclass(slots=True)
class _Ticket:
    ticket_id: str
    channel: Channel
    rank: int
    created: float
    is_answered: bool = False
    is_asked: bool = False
    """The customer has written again, and nobody has answered."""
    was_quick: bool = False
    is_closed: bool = False


@dataclass(slots=True)
class _Desk:
    """One channel's agents, and the tickets they have not taken yet."""

    queue: list[tuple[int, int, _Ticket]] = field(default_factory=list)
    busy: int = 0


_Action = Callable[[float], Iterator[Message]]


class _Support:
    """The team at work: what happens next is on a heap, in natural time."""

    def __init__(self, clock: _Clock, start: float, random: Random, customers: Customers) -> None:
        self._clock = clock
        self._start = start
        self._random = random
        self._customers = customers
        self._numbers = count(1)
        self._agenda: list[tuple[float, int, _Action]] = []
        self._desks = {channel: _Desk() for channel in CHANNELS}
        for channel in CHANNELS:
            self._plan_customer(channel, clock.moment(start))
        self._plan(clock.moment(start) + customers.wait(JOIN_EVERY), self._join)
        self._plan(clock.moment(start) + customers.wait(LEAVE_EVERY), self._leave)

    def messages(self) -> Iterator[Message]:
        for customer, since in self._customers.at_the_start():
            yield self._change(customer, "joined", self._start, self._start - since)
        while True:
            moment, _, action = heapq.heappop(self._agenda)
            yield from action(moment)

    def _plan(self, moment: float, action: _Action) -> None:
        heapq.heappush(self._agenda, (moment, next(self._numbers), action))

    def _plan_customer(self, channel: Channel, moment: float) -> None:
        most_per_hour = channel.peak_per_hour * (RUSH_FACTOR if channel.has_rushes else 1)
        wait = self._random.expovariate(most_per_hour / HOUR)
        self._plan(moment + wait, partial(self._maybe_come, channel, most_per_hour))

    def _maybe_come(
        self, channel: Channel, most_per_hour: float, moment: float
    ) -> Iterator[Message]:
        """Let a customer come as often as the time of the day asks for.

        Customers are planned at the highest rate there is, and this share of them is real:
        the usual way to a Poisson process whose rate changes.
        """
        self._plan_customer(channel, moment)
        if self._chance(self._per_hour(channel, moment) / most_per_hour):
            yield from self._create(channel, moment)
        self._take_tickets(channel, moment)

    def _create(self, channel: Channel, moment: float) -> Iterator[Message]:
        number = next(self._numbers)
        priority = self._one_of(PRIORITIES)
        ticket = _Ticket(f"{channel.name}-{number}", channel, RANKS[priority], moment)
        heapq.heappush(self._desks[channel].queue, (ticket.rank, number, ticket))
        self._plan(
            moment + self._random.expovariate(1 / channel.patience), partial(self._give_up, ticket)
        )
        if self._chance(channel.automated_share):
            receipt = partial(self._say, ticket, "auto-responder", automated=True)
            self._plan(moment + self._random.uniform(1, 8), receipt)
        if not self._chance(LOST_SHARE):
            yield from self._send(
                "ticket-created",
                ticket,
                moment,
                channel=channel.name,
                created_at=self._clock.text(moment),
                priority=priority,
                team=self._one_of(TEAMS),
                customer_id=self._customers.one(),
            )

    def _take_tickets(self, channel: Channel, moment: float) -> None:
        """Give waiting tickets to free agents, the urgent first, then the oldest."""
        desk = self._desks[channel]
        agents = self._agents(channel, moment)
        while desk.queue and desk.busy < agents:
            ticket = heapq.heappop(desk.queue)[2]
            if ticket.is_closed:
                continue
            desk.busy += 1
            agent = f"{channel.name}-agent-{self._random.randint(1, agents)}"
            slowness = RUSH_SLOWNESS if self._is_rush(channel, moment) else 1
            effort = channel.effort.draw(self._random) * slowness
            reply = channel.reply.draw(self._random) * slowness
            self._plan(moment + effort, partial(self._finish, channel))
            self._plan(moment + reply, partial(self._answer, ticket, agent))

    def _answer(self, ticket: _Ticket, agent: str, moment: float) -> Iterator[Message]:
        if ticket.is_closed:
            return
        ticket.is_answered = True
        ticket.was_quick = moment - ticket.created < QUICK * ticket.channel.reply.median
        yield from self._say(ticket, agent, moment)
        rest = ticket.channel.resolve.draw(self._random)
        self._may_ask(ticket, agent, moment, rest)
        reason = "merged" if self._chance(MERGED_SHARE) else "resolved"
        self._plan(moment + rest, partial(self._end, ticket, reason))

    def _may_ask(self, ticket: _Ticket, agent: str, moment: float, rest: float) -> None:
        if self._chance(ticket.channel.asks_again_share):
            later = moment + rest * self._random.uniform(0.1, 0.5)
            self._plan(later, partial(self._ask, ticket, agent))

    def _ask(self, ticket: _Ticket, agent: str, moment: float) -> Iterator[Message]:
        """Let the customer write again; the agent who has the ticket answers when there is time."""
        if ticket.is_closed:
            return
        ticket.is_asked = True
        yield from self._send(
            "customer-replied", ticket, moment, replied_at=self._clock.text(moment)
        )
        slowness = RUSH_SLOWNESS if self._is_rush(ticket.channel, moment) else 1
        reply = ticket.channel.reply.draw(self._random) * slowness
        self._plan(moment + reply, partial(self._answer_again, ticket, agent))

    def _answer_again(self, ticket: _Ticket, agent: str, moment: float) -> Iterator[Message]:
        ticket.is_asked = False
        yield from self._say(ticket, agent, moment)
        self._may_ask(ticket, agent, moment, ticket.channel.resolve.median)

    def _end(self, ticket: _Ticket, reason: str, moment: float) -> Iterator[Message]:
        """Close a ticket, but none whose customer waits."""
        if ticket.is_asked:
            later = moment + ticket.channel.reply.draw(self._random)
            self._plan(later, partial(self._end, ticket, reason))
            return
        yield from self._close(ticket, reason, moment)
        if self._customers.answers_survey():
            later = moment + self._customers.thinks_it_over()
            self._plan(later, partial(self._survey, ticket))

    def _survey(self, ticket: _Ticket, moment: float) -> Iterator[Message]:
        kind, score = self._customers.answer(was_quick=ticket.was_quick)
        yield from self._send(
            "survey-answered",
            ticket,
            moment,
            survey_id=f"s-{ticket.ticket_id}",
            kind=kind,
            score=score,
            answered_at=self._clock.text(moment),
        )

    def _join(self, moment: float) -> Iterator[Message]:
        self._plan(moment + self._customers.wait(JOIN_EVERY), self._join)
        at = self._clock.at(moment)
        yield self._change(self._customers.join(), "joined", at, at)

    def _leave(self, moment: float) -> Iterator[Message]:
        self._plan(moment + self._customers.wait(LEAVE_EVERY), self._leave)
        at = self._clock.at(moment)
        yield self._change(self._customers.leave(), "left", at, at)

    def _change(self, customer: str, change: str, sent: float, at: float) -> Message:
        fields: dict[str, Field] = {"customer_id": customer, "change": change}
        fields["at"] = self._clock.written(at)
        return Message(sent, "customer-changed", customer, fields)

    def _give_up(self, ticket: _Ticket, moment: float) -> Iterator[Message]:
        if not ticket.is_answered:
            yield from self._close(ticket, "abandoned", moment)

    def _finish(self, channel: Channel, moment: float) -> Iterator[Message]:
        self._desks[channel].busy -= 1
        self._take_tickets(channel, moment)
        yield from ()

    def _say(
        self, ticket: _Ticket, agent: str, moment: float, *, automated: bool = False
    ) -> Iterator[Message]:
        return self._send(
            "agent-replied",
            ticket,
            moment,
            replied_at=self._clock.text(moment),
            agent_id=agent,
            automated=automated,
        )

    def _close(self, ticket: _Ticket, reason: str, moment: float) -> Iterator[Message]:
        ticket.is_closed = True
        return self._send(
            "ticket-closed", ticket, moment, closed_at=self._clock.text(moment), reason=reason
        )

    def _send(
        self, topic: str, ticket: _Ticket, moment: float, **fields: Field
    ) -> Iterator[Message]:
        message = Message(
            self._clock.at(moment),
            topic,
            ticket.ticket_id,
            {"ticket_id": ticket.ticket_id, **fields},
        )
        yield message
        if self._chance(DUPLICATE_SHARE):
            self._plan(moment + self._random.uniform(1, 30), partial(self._repeat, message))

    def _repeat(self, message: Message, moment: float) -> Iterator[Message]:
        yield message._replace(at=self._clock.at(moment))

    def _per_hour(self, channel: Channel, moment: float) -> float:
        if self._is_rush(channel, moment):
            return channel.peak_per_hour * RUSH_FACTOR
        return channel.per_hour(moment)

    def _agents(self, channel: Channel, moment: float) -> int:
        planned = channel.agents(moment)
        is_helped = HELP_COMES <= self._clock.since_rush(moment) < HELP_LEAVES
        return planned * 2 + HELPERS if channel.has_rushes and is_helped else planned

    def _is_rush(self, channel: Channel, moment: float) -> bool:
        return channel.has_rushes and self._clock.since_rush(moment) < RUSH_LASTS

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one_of(self, weights: Mapping[str, int]) -> str:
        return self._random.choices(list(weights), list(weights.values()))[0]
