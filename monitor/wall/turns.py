"""How fast requests are taken on: a flood waits in line, and the tickets do not wait for it."""

from typing import Final

from monitor.wall.settings import Limits

CONNECTION: Final = 1.0
TLS_CONNECTION: Final = 8.0
"""A handshake takes 1 to 2 ms, a request 0.2 ms."""


class Turns:
    """A bucket of turns that fills steadily (the generic cell rate algorithm, ATM Forum 1996).

    A connection waits with one request at a time, so nobody waits longer for a turn than it takes
    to give each connection one.
    """

    def __init__(self, limits: Limits) -> None:
        self._seconds = 1 / limits.requests_a_second
        self._burst_seconds = limits.burst_requests * self._seconds
        self._taken_until = float("-inf")

    def take(self, now: float, turns: float = 1.0) -> float:
        """Take turns; return for how many seconds to wait until they have come."""
        earliest = max(self._taken_until, now - self._burst_seconds)
        self._taken_until = earliest + turns * self._seconds
        return max(0.0, self._taken_until - now)
