"""The monitor's job written by hand, for the two limits: only what has to be computed.

Nothing is kept in Kafka and no record is checked; a restart begins from nothing. What is told is
only counted, unless `tells`: then it is handed out as JSON, for the client to send and forget.
"""

import heapq
import json
import math
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from bench.history import Counts, no_counts
from monitor.sla.policy import DEFAULT_POLICY

PANES: Final = 60
PANE_MS: Final = (5_000, 60_000, 1_440_000)
"""How long a pane of the windows of 5 minutes, 1 hour and 24 hours is."""

_PER_LOG: Final = 1 / math.log(1.009 / 0.991)


Told = tuple[bytes, bytes]
"""Key and value of an event to be sent."""


class Created(msgspec.Struct, gc=False):
    """What is needed of a creation."""

    ticket_id: str
    channel: str
    created_at: datetime


class Replied(msgspec.Struct, gc=False):
    """What is needed of a reply."""

    ticket_id: str
    replied_at: datetime
    automated: bool = False


class Ticket(msgspec.Struct, gc=False):
    """The join of a ticket's events; 0 is a time not known yet."""

    channel: str = ""
    created: int = 0
    replied: int = 0


encode = msgspec.json.Encoder().encode
read_created = msgspec.json.Decoder(Created).decode
read_replied = msgspec.json.Decoder(Replied).decode


class Pane:
    """Counts of a stretch of time, and first-response times in logarithmic buckets."""

    __slots__ = ("answered", "buckets", "created", "met", "missed", "sum_ms")

    def __init__(self) -> None:
        self.created = self.answered = self.met = self.missed = self.sum_ms = 0
        self.buckets: dict[int, int] = {}


class Channel:
    """One channel's windows and counts in one partition; windows are added up when read."""

    def __init__(self, name: str) -> None:
        target = DEFAULT_POLICY.channels[name]
        self.at_risk_ms, self.limit_ms = target.at_risk // 1000, target.limit // 1000
        self.windows: list[dict[int, Pane]] = [{} for _ in PANE_MS]
        self.firsts = [0 for _ in PANE_MS]
        self.counts = {"created": 0, "answered": 0, "met": 0, "missed": 0, "at_risk": 0}

    def panes(self, at: int) -> list[Pane]:
        """Return the panes of a moment, those left out that have slid away."""
        found = []
        for window, pane_ms, first in zip(self.windows, PANE_MS, self.firsts, strict=True):
            number = at // pane_ms
            if number >= first:
                pane = window.get(number)
                if pane is None:
                    pane = window[number] = Pane()
                found.append(pane)
        return found

    def slide(self, clock: int) -> None:
        """Let go of the panes that are older than their window."""
        for index, pane_ms in enumerate(PANE_MS):
            first = clock // pane_ms - PANES + 1
            if first > self.firsts[index]:
                self.firsts[index] = first
                window = self.windows[index]
                for number in [number for number in window if number < first]:
                    del window[number]

    def book_created(self, at: int, sign: int) -> None:
        """Count a creation, or take it back."""
        self.counts["created"] += sign
        for pane in self.panes(at):
            pane.created += sign

    def book_answered(self, ticket: Ticket, sign: int) -> None:
        """Count a first response, or take it back."""
        waited = max(0, ticket.replied - ticket.created)
        met = sign if waited <= self.limit_ms else 0
        self.counts["answered"] += sign
        self.counts["met"] += met
        bucket = math.ceil(math.log(waited) * _PER_LOG) if waited >= 1 else -1
        for pane in self.panes(ticket.replied):
            pane.answered += sign
            pane.met += met
            pane.sum_ms += sign * waited
            pane.buckets[bucket] = pane.buckets.get(bucket, 0) + sign

    def book_missed(self, at: int) -> None:
        """Count a limit that passed unanswered."""
        self.counts["missed"] += 1
        for pane in self.panes(at):
            pane.missed += 1


class Partition:
    """The tickets of one partition and their deadlines, judged by the time of its records."""

    def __init__(self, topics: Iterable[str], told: list[Told] | None) -> None:
        self.told = told
        self.tickets: dict[str, Ticket] = {}
        self.channels = {name: Channel(name) for name in DEFAULT_POLICY.channels}
        self.reached = dict.fromkeys(topics, 0)
        self.deadlines: list[tuple[int, str]] = []

    def create(self, values: Iterable[bytes]) -> None:
        """Take in creations."""
        tickets = self.tickets
        for value in values:
            event = read_created(value)
            at = round(event.created_at.timestamp() * 1000)
            ticket = tickets.get(event.ticket_id)
            if ticket is None:
                ticket = tickets[event.ticket_id] = Ticket()
            elif ticket.created:
                if at >= ticket.created:
                    continue
                self.book(ticket, -1)
            ticket.channel, ticket.created = event.channel, at
            self.book(ticket, 1)
            due = at + self.channels[event.channel].at_risk_ms
            heapq.heappush(self.deadlines, (due, event.ticket_id))

    def reply(self, values: Iterable[bytes]) -> None:
        """Take in replies."""
        tickets = self.tickets
        for value in values:
            event = read_replied(value)
            if event.automated:
                continue
            at = round(event.replied_at.timestamp() * 1000)
            ticket = tickets.get(event.ticket_id)
            if ticket is None:
                tickets[event.ticket_id] = Ticket(replied=at)
                continue
            if ticket.replied:
                if at >= ticket.replied:
                    continue
                if ticket.created:
                    self.channels[ticket.channel].book_answered(ticket, -1)
            ticket.replied = at
            if ticket.created:
                channel = self.channels[ticket.channel]
                channel.book_answered(ticket, 1)
                if at - ticket.created > channel.at_risk_ms:
                    self.tell("answered", event.ticket_id, ticket, at)

    def book(self, ticket: Ticket, sign: int) -> None:
        """Count a ticket, or take it back."""
        channel = self.channels[ticket.channel]
        channel.book_created(ticket.created, sign)
        if ticket.replied:
            channel.book_answered(ticket, sign)

    def advance(self, clock: int) -> None:
        """Judge all deadlines before the clock; a threshold is passed strictly after it."""
        deadlines = self.deadlines
        while deadlines and deadlines[0][0] < clock:
            at, ticket_id = heapq.heappop(deadlines)
            ticket = self.tickets[ticket_id]
            if 0 < ticket.replied <= at:
                continue
            channel = self.channels[ticket.channel]
            if at == ticket.created + channel.at_risk_ms:
                channel.counts["at_risk"] += 1
                self.tell("at_risk", ticket_id, ticket, at)
                heapq.heappush(deadlines, (ticket.created + channel.limit_ms, ticket_id))
            elif at == ticket.created + channel.limit_ms:
                channel.book_missed(at)
                self.tell("breached", ticket_id, ticket, at)
        for channel in self.channels.values():
            channel.slide(clock)

    def tell(self, kind: str, ticket_id: str, ticket: Ticket, at: int) -> None:
        """Hand out what has become true of a ticket."""
        if self.told is not None:
            event = {
                "id": f"{ticket_id}/{kind}",
                "type": kind,
                "time": at,
                "ticket_id": ticket_id,
                "channel": ticket.channel,
                "created_at": ticket.created,
                "replied_at": ticket.replied or None,
                "waited_seconds": (at - ticket.created) / 1000,
            }
            self.told.append((ticket_id.encode(), encode(event)))


class Job:
    """All partitions of one consumer."""

    def __init__(self, created: str, replied: str, tells: str = "") -> None:
        self.events = 0
        self.told: list[Told] | None = [] if tells else None
        self._topics = created, replied
        self._partitions: dict[int, Partition] = {}
        self._first = self._last = 0.0

    def take(self, topic: str, number: int, values: list[bytes], timestamp_ms: int) -> None:
        """Take in records of one topic partition; the timestamp is that of the last one."""
        if not self.events:
            self._first = time.monotonic()
        partition = self._partitions.get(number)
        if partition is None:
            partition = self._partitions[number] = Partition(self._topics, self.told)
        if topic == self._topics[0]:
            partition.create(values)
        else:
            partition.reply(values)
        partition.reached[topic] = timestamp_ms
        partition.advance(min(partition.reached.values()))
        self.events += len(values)

    def drain(self) -> list[Told]:
        """Hand out what is to be sent."""
        if not self.told:
            return []
        told = self.told.copy()
        self.told.clear()
        return told

    def judge_rest(self) -> None:
        """Judge what is left by the wall clock."""
        now_ms = time.time_ns() // 1_000_000
        for partition in self._partitions.values():
            partition.advance(now_ms)

    def finish(self) -> None:
        """Print what was counted."""
        self._last = time.monotonic()
        result: dict[str, Any] = {
            "events": self.events,
            "seconds": self._last - self._first,
            "counts": self.counts(),
        }
        json.dump(result, sys.stdout)

    def counts(self) -> Counts:
        """Add up all partitions."""
        total = no_counts()
        for partition in self._partitions.values():
            for name, channel in partition.channels.items():
                for what, count in channel.counts.items():
                    total[name][what] += count
                day = channel.windows[-1].values()
                total[name]["in_window"] += sum(pane.answered for pane in day)
        return total
