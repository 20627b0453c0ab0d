"""The figures of a whole history, by channel: what `backtest` prints."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.sla.base import BaseFigures
from monitor.sla.durations import short_duration
from monitor.sla.events import NEVER, SECOND, TicketCreated
from monitor.sla.policy import Formula, Goal, Policy, Target
from monitor.sla.promises import by_group, goals_of
from monitor.sla.quantiles import bucket, quantiles
from monitor.sla.views import GOALS, Book, Booking
from monitor.sla.windows import Pane, service_level

_ENDS = (Book.ANSWERED, Book.UNANSWERED, Book.EXPIRED)


class ChannelTally:
    """One channel's sums since the beginning."""

    def __init__(self, ages: Sequence[int]) -> None:
        self.counts = [0] * len(Book)
        self.latencies: dict[int, int] = {}
        self.goals: dict[int, list[int]] = {}
        """By a goal's time how often it was met and missed."""
        self.sum_us = 0
        self.max_us = 0
        self.resolution_us = 0
        self.customers: set[int] = set()
        self.closed_within = [0] * len(ages)
        self.answered_within = [0] * len(ages)
        self._ages = ages
        self._waiting = 0
        self._most_waiting = 0
        self._at = 0

    def add(self, booking: Booking, sign: int) -> None:
        """Count one booking, or take it back."""
        what, value = booking.what, booking.value
        self.counts[what] += sign
        if booking.at > self._at:
            # Only now is a moment over: one who leaves as another comes makes no two.
            self._most_waiting = self.max_waiting
            self._at = booking.at
        if what is Book.CREATED:
            self._waiting += sign
        elif what in _ENDS:
            self._waiting -= sign
        if what in GOALS:
            self.goals.setdefault(value, [0, 0])[what - Book.GOAL_MET] += sign
        if what is Book.ANSWERED:
            index = bucket(value)
            self.latencies[index] = self.latencies.get(index, 0) + sign
            self.sum_us += sign * value
            if sign > 0:
                self.max_us = max(self.max_us, value)
            elif value == self.max_us:
                # The greatest was taken back: which came next is known within 1 % only.
                self.max_us = int(quantiles(self.latencies, (1.0,))[0] or 0)
        elif what is Book.RESOLVED:
            self.resolution_us += sign * value
        if what in (Book.ANSWERED, Book.CLOSED):
            self._count_within(what, value, sign)

    def _count_within(self, what: Book, value: int, sign: int) -> None:
        within = self.answered_within if what is Book.ANSWERED else self.closed_within
        for index in range(bisect_left(self._ages, value), len(self._ages)):
            within[index] += sign

    def merge(self, other: "ChannelTally") -> None:
        """Add another's sums: all but what waited at one time."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        for index, count in other.latencies.items():
            self.latencies[index] = self.latencies.get(index, 0) + count
        self.sum_us += other.sum_us
        self.max_us = max(self.max_us, other.max_us)
        self.resolution_us += other.resolution_us
        self.customers |= other.customers

    @property
    def max_waiting(self) -> int:
        """The most that waited at one time."""
        return max(self._most_waiting, self._waiting)

    def unresolved(self, *, over_at_reply: bool) -> list[int]:
        """Return how many tickets were unresolved for longer than each age of the policy."""
        within = self.answered_within if over_at_reply else self.closed_within
        return [self.counts[Book.CREATED] - count for count in within]

    def measures(
        self, policy: Policy, tickets: int, customers: int, *, over_at_reply: bool
    ) -> dict[str, int | float | None]:
        """Return the measures of a support team; tickets and customers are those of all channels.

        `over_at_reply` says that closes are not reported.
        """
        c = self.counts
        total = Pane()
        total.counts = c
        figures = total.figures(policy.formula)
        answered, resolved = c[Book.ANSWERED], c[Book.RESOLVED]
        unresolved = self.unresolved(over_at_reply=over_at_reply)
        ages = map(short_duration, policy.backlog_ages)
        return {
            "first_response_mean_seconds": rounded_seconds(
                self.sum_us / answered if answered else None
            ),
            "resolution_mean_seconds": rounded_seconds(
                self.resolution_us / resolved if resolved else None
            ),
            "tickets_ratio": rounded_ratio(c[Book.CREATED] / tickets if tickets else None),
            "customers": len(self.customers),
            "customers_ratio": rounded_ratio(
                len(self.customers) / customers if customers else None
            ),
            **{f"unresolved_longer_than_{age}": n for age, n in zip(ages, unresolved, strict=True)},
            "csat_answers": c[Book.SATISFIED] + c[Book.DISSATISFIED],
            "csat_ratio": rounded_ratio(figures.csat_ratio),
            "nps_answers": c[Book.PROMOTER] + c[Book.PASSIVE] + c[Book.DETRACTOR],
            "net_promoter_score": rounded_ratio(figures.net_promoter_score),
        }

    def figures(self, policy: Policy) -> dict[str, int | float | None]:
        """Return the channel's figures under the names of the contract (DESIGN 4)."""
        c = self.counts
        answered = c[Book.ANSWERED]
        p50, p90 = quantiles(self.latencies, (0.5, 0.9))
        return {
            "created": c[Book.CREATED],
            "answered": answered,
            "abandoned": c[Book.UNANSWERED],
            "expired": c[Book.EXPIRED],
            "first_response_sum_seconds": rounded_seconds(self.sum_us),
            "first_response_mean_seconds": rounded_seconds(
                self.sum_us / answered if answered else None
            ),
            "first_response_p50_seconds": rounded_seconds(p50),
            "first_response_p90_seconds": rounded_seconds(p90),
            "first_response_max_seconds": rounded_seconds(self.max_us if answered else None),
            "answered_within_limit": c[Book.MET],
            "passed_at_risk": c[Book.AT_RISK],
            "breached": c[Book.MISSED],
            "service_level_ratio": rounded_ratio(service_level(c, policy.formula)),
            "max_waiting": self.max_waiting,
        }


class BaseTally:
    """Who came and who left, over a whole history."""

    def __init__(self) -> None:
        self._moves: Counter[tuple[int, Book]] = Counter()

    def move(self, booking: Booking, sign: int) -> None:
        """Count a customer who came or left, or take it back."""
        self._moves[booking.at, booking.what] += sign

    def figures(self, start: int, end: int) -> BaseFigures:
        """Return the customer base at `end`, and what changed from `start` on until before it."""
        customers = joined = left = 0
        for (at, what), count in self._moves.items():
            if at < end:
                customers += count if what is Book.JOINED else -count
                if at >= start:
                    joined += count if what is Book.JOINED else 0
                    left += count if what is Book.LEFT else 0
        return BaseFigures(customers, joined, left)


class Tally:
    """Every channel's figures (a `View`)."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.base = BaseTally()
        self._channels = {name: ChannelTally(policy.backlog_ages) for name in policy.channels}
        self._goals = goals_by_channel(policy)
        self._by_group = [self._channels[channel] for channel, _ in policy.groups]
        self._first = NEVER

    def book(self, group: int, booking: Booking, sign: int) -> None:
        """Count a booking for its channel, whatever the team."""
        self._by_group[group].add(booking, sign)

    def opened(self, group: int, at: int) -> None:
        """Count a creation."""
        self._by_group[group].add(Booking(Book.CREATED, at), 1)

    def answered_in_time(self, group: int, at: int, waited: int) -> None:
        """Count a first response within the limit."""
        channel = self._by_group[group]
        channel.add(Booking(Book.ANSWERED, at, waited), 1)
        channel.add(Booking(Book.MET, at), 1)

    def note(self, event: TicketCreated) -> None:
        """Take note of a ticket's customer, and of when the history began."""
        self._first = min(self._first, event.at)
        if event.customer:
            self._channels[event.channel].customers.add(event.customer)

    def figures(self) -> Mapping[str, dict[str, int | float | None]]:
        """Return the figures of every channel that had a ticket."""
        return {name: tally.figures(self.policy) for name, tally in self._used()}

    def service_levels(self) -> Mapping[str, dict[str, float | None]]:
        """Return the service level by every formula, of every channel that had a ticket."""
        return {
            name: {each.value: rounded_ratio(service_level(tally.counts, each)) for each in Formula}
            for name, tally in self._used()
        }

    def targets(self) -> Mapping[str, list[dict[str, int | float | None]]]:
        """Return of every channel that promises a list of targets how each was kept."""
        return {
            name: [_kept(goal, self._channels[name].goals) for goal in goals]
            for name, goals in self._goals.items()
            if any(self._channels[name].counts)
        }

    def measures(self) -> dict[str, Any]:
        """Return the measures of a support team, by channel and over all of them.

        Retention and churn are from the first ticket on: whoever joined before was a customer.
        """
        used = self._used()
        tickets = sum(tally.counts[Book.CREATED] for _, tally in used)
        seen = Counter(each for _, tally in used for each in tally.customers)
        over_at_reply = not any(tally.counts[Book.CLOSED] for _, tally in used)
        base = self.base.figures(self._first, NEVER)
        return {
            "channels": {
                name: tally.measures(self.policy, tickets, len(seen), over_at_reply=over_at_reply)
                for name, tally in used
            },
            "all": {
                "customers": len(seen),
                "omnichannel_customers": sum(channels > 1 for channels in seen.values()),
                "customers_at_start": base.at_start,
                "customers_joined": base.joined,
                "customers_left": base.left,
                "customer_retention_ratio": rounded_ratio(base.retention_ratio),
                "customer_churn_ratio": rounded_ratio(base.churn_ratio),
            },
        }

    def _used(self) -> list[tuple[str, ChannelTally]]:
        return [(name, tally) for name, tally in self._channels.items() if any(tally.counts)]


def _kept(goal: Goal, counts: Mapping[int, list[int]]) -> dict[str, int | float | None]:
    met, missed = counts.get(goal.within, (0, 0))
    return {
        "within_seconds": goal.within / SECOND,
        "share": goal.share,
        "met": met,
        "missed": missed,
        "met_ratio": round(met / (met + missed), 6) if met + missed else None,
    }


def goals_by_channel(policy: Policy) -> dict[str, tuple[Goal, ...]]:
    """Return all goals that are measured in each channel that has some."""
    targets: dict[str, list[Target]] = {}
    for (channel, _), found in zip(policy.groups, by_group(policy), strict=True):
        targets.setdefault(channel, []).extend(found)
    goals = {channel: goals_of(found) for channel, found in targets.items()}
    return {channel: found for channel, found in goals.items() if found}


def rounded_ratio(ratio: float | None) -> float | None:
    """Return a ratio, or a score, as it is printed."""
    return None if ratio is None else round(ratio, 6)


def rounded_seconds(us: float | None) -> float | None:
    """Return microseconds as the seconds that are printed."""
    return None if us is None else round(us / SECOND, 3)
