"""Tickets that are over, by the minute from which they may be forgotten."""

from collections.abc import Iterator
from typing import Final

from monitor.sla.events import SECOND
from monitor.sla.ticket import Ticket

_MINUTE: Final = 60 * SECOND


class Fading:
    """A bucket a minute: nearly free to join, and looked into when its minute has come.

    A ticket that was heard of again stands in two of them; its `forgettable` says which counts.
    """

    def __init__(self) -> None:
        self._by_minute: dict[int, list[Ticket]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_minute.values()))

    def add(self, ticket: Ticket) -> None:
        """Add a ticket whose `forgettable` is set."""
        minute = ticket.forgettable // _MINUTE
        bucket = self._by_minute.get(minute)
        if bucket is None:
            bucket = self._by_minute[minute] = []
        bucket.append(ticket)

    def until(self, now: int) -> Iterator[Ticket]:
        """Remove and yield those that may be forgotten at `now`."""
        for minute in sorted(minute for minute in self._by_minute if minute <= now // _MINUTE):
            left = []
            for ticket in self._by_minute.pop(minute):
                if ticket.forgettable // _MINUTE != minute:
                    continue
                if ticket.forgettable <= now:
                    yield ticket
                else:
                    left.append(ticket)
            if left:
                self._by_minute[minute] = left
