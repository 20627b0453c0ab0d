"""The figures of a whole history, by channel: what `backtest` prints."""

from collections.abc import Mapping

from monitor.sla.events import SECOND
from monitor.sla.policy import Formula, Policy
from monitor.sla.quantiles import bucket, quantiles
from monitor.sla.views import Book, Booking
from monitor.sla.windows import service_level

_ENDS = (Book.ANSWERED, Book.UNANSWERED, Book.EXPIRED)


class ChannelTally:
    """One channel's sums since the beginning."""

    def __init__(self) -> None:
        self.counts = [0] * len(Book)
        self.latencies: dict[int, int] = {}
        self.sum_us = 0
        self.max_us = 0
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
        if what is Book.ANSWERED:
            index = bucket(value)
            self.latencies[index] = self.latencies.get(index, 0) + sign
            self.sum_us += sign * value
            if sign > 0:
                self.max_us = max(self.max_us, value)
            elif value == self.max_us:
                # The greatest was taken back: which came next is known within 1 % only.
                self.max_us = int(quantiles(self.latencies, (1.0,))[0] or 0)

    @property
    def max_waiting(self) -> int:
        """The most that waited at one time."""
        return max(self._most_waiting, self._waiting)

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
            "first_response_sum_seconds": _seconds(self.sum_us),
            "first_response_mean_seconds": _seconds(self.sum_us / answered if answered else None),
            "first_response_p50_seconds": _seconds(p50),
            "first_response_p90_seconds": _seconds(p90),
            "first_response_max_seconds": _seconds(self.max_us if answered else None),
            "answered_within_limit": c[Book.MET],
            "passed_at_risk": c[Book.AT_RISK],
            "breached": c[Book.MISSED],
            "service_level_ratio": _ratio(service_level(c, policy.formula)),
            "max_waiting": self.max_waiting,
        }


class Tally:
    """Every channel's figures (a `View`)."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._channels = {name: ChannelTally() for name in policy.channels}
        self._by_group = [self._channels[channel] for channel, _ in policy.groups]

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

    def service_levels(self) -> Mapping[str, dict[str, float | None]]:
        """Return the service level by every formula, of every channel that had a ticket."""
        return {
            name: {each.value: _ratio(service_level(tally.counts, each)) for each in Formula}
            for name, tally in self._channels.items()
            if any(tally.counts)
        }

    def figures(self) -> Mapping[str, dict[str, int | float | None]]:
        """Return the figures of every channel that had a ticket."""
        return {
            name: tally.figures(self.policy)
            for name, tally in self._channels.items()
            if any(tally.counts)
        }


def _ratio(ratio: float | None) -> float | None:
    return None if ratio is None else round(ratio, 6)


def _seconds(us: float | None) -> float | None:
    return None if us is None else round(us / SECOND, 3)
