"""Stock Faust doing the same job as its documentation would have it.

Records, an agent a topic, a table of tickets, windowed tables of panes, a timer for the deadlines.
Panes (tumbling windows) instead of hopping ones are in its favour: hopping ones would write sixty
values for each event and window. Deadlines lie on a heap in memory, and what was told of them is
not kept: Faust's tables cannot be written by timers. Nothing here survives a crash exactly.
"""

import heapq
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import mode.loop

mode.loop.use("uvloop")

import faust  # noqa: E402 - the loop has to be chosen first

from bench.history import Counts, no_counts  # noqa: E402
from bench.topics import TOLD  # noqa: E402
from monitor.sla.policy import DEFAULT_POLICY  # noqa: E402

PANE_SECONDS: Final = {"5m": 5, "1h": 60, "24h": 1440}
PANES: Final = 60
TARGETS: Final = {
    name: (target.at_risk / 1e6, target.limit / 1e6)
    for name, target in DEFAULT_POLICY.channels.items()
}
_PER_LOG: Final = 1 / math.log(1.009 / 0.991)


class Created(faust.Record, serializer="json"):
    """A ticket-created event."""

    ticket_id: str
    channel: str
    created_at: str


class Replied(faust.Record, serializer="json"):
    """An agent-replied event."""

    ticket_id: str
    replied_at: str
    automated: bool = False


class Ticket(faust.Record, serializer="json"):
    """The join of a ticket's events."""

    channel: str = ""
    created: float = 0.0
    replied: float = 0.0


class Progress:
    """How far each topic partition was read, and when it began and ended."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.events = 0
        self.first = self.last = 0.0
        self.reached: dict[int, dict[str, float]] = {}
        self.deadlines: dict[int, list[tuple[float, str]]] = {}

    def note(self, message: Any, topics: tuple[str, str]) -> None:
        """Note an event."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.events += 1
        self.reached.setdefault(message.partition, dict.fromkeys(topics, 0.0))[message.topic] = (
            message.timestamp
        )


def create_app(bootstrap: str, app_id: str, created: str, replied: str, total: int) -> faust.App:
    """Return the app; it prints what it counted and ends when `total` events are done."""
    topics = (created, replied)
    progress = Progress(total)
    counts = no_counts()
    app = faust.App(
        app_id,
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=tempfile.gettempdir(),
        topic_partitions=12,
        topic_replication_factor=1,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=0,
        topic_disable_leader=True,
        web_enabled=False,
    )
    created_topic = app.topic(created, value_type=Created)
    replied_topic = app.topic(replied, value_type=Replied)
    breaches = app.topic(TOLD)
    tickets = app.Table("tickets", default=Ticket, value_type=Ticket)
    windows = [
        app.Table(name, default=dict)
        .tumbling(seconds, expires=timedelta(seconds=seconds * PANES))
        .relative_to_stream()
        for name, seconds in PANE_SECONDS.items()
    ]

    def book(event: faust.EventT, channel: str, **what: int) -> None:
        # A worker's partitions share a table's keys: the partition has to be part of them.
        key = f"{channel}/{event.message.partition}"
        for window in windows:
            pane = window[key].value(event)
            for name, count in what.items():
                pane[name] = pane.get(name, 0) + count
            window[key] = pane
        for name, count in what.items():
            if name in counts[channel]:
                counts[channel][name] += count

    def book_answered(event: faust.EventT, ticket: Ticket) -> None:
        waited = max(0.0, round(ticket.replied - ticket.created, 3))
        met = int(waited <= TARGETS[ticket.channel][1])
        bucket = math.ceil(math.log(waited * 1000) * _PER_LOG) if waited else -1
        book(event, ticket.channel, answered=1, met=met, **{f"b{bucket}": 1})

    @app.agent(created_topic)
    async def on_created(stream: AsyncIterable[Created]) -> None:
        async for event in stream.events():
            value = event.value
            at = seconds_of(value.created_at)
            ticket = tickets[value.ticket_id]
            if not ticket.created:
                ticket.channel, ticket.created = value.channel, at
                tickets[value.ticket_id] = ticket
                book(event, value.channel, created=1)
                if ticket.replied:
                    book_answered(event, ticket)
                heap = progress.deadlines.setdefault(event.message.partition, [])
                heapq.heappush(heap, (at + TARGETS[value.channel][0], value.ticket_id))
            progress.note(event.message, topics)

    @app.agent(replied_topic)
    async def on_replied(stream: AsyncIterable[Replied]) -> None:
        async for event in stream.events():
            value = event.value
            at = seconds_of(value.replied_at)
            ticket = tickets[value.ticket_id]
            if not value.automated and (not ticket.replied or at < ticket.replied):
                first = not ticket.replied
                ticket.replied = at
                tickets[value.ticket_id] = ticket
                if first and ticket.created:
                    book_answered(event, ticket)
            progress.note(event.message, topics)

    async def judge(clock: float, heap: list[tuple[float, str]]) -> None:
        while heap and heap[0][0] < clock:
            at, ticket_id = heapq.heappop(heap)
            ticket = tickets[ticket_id]
            if 0 < ticket.replied <= at:
                continue
            at_risk, limit = TARGETS[ticket.channel]
            is_first = at == ticket.created + at_risk
            kind = "at_risk" if is_first else "missed"
            counts[ticket.channel][kind] += 1
            told = {"ticket_id": ticket_id, "kind": kind, "at": at}
            await breaches.send(key=ticket_id, value=told)
            if is_first:
                heapq.heappush(heap, (ticket.created + limit, ticket_id))

    @app.timer(interval=0.5)
    async def deadlines() -> None:
        for number, heap in progress.deadlines.items():
            await judge(min(progress.reached[number].values()), heap)
        if progress.events >= progress.total:
            for heap in progress.deadlines.values():
                await judge(time.time(), heap)
            for (key, _), pane in windows[-1].table.data.items():
                counts[key.partition("/")[0]]["in_window"] += pane.get("answered", 0)
            finish(progress, counts)
            progress.total = sys.maxsize

    return app


def seconds_of(text: str) -> float:
    """Return an RFC 3339 time in seconds since 1970."""
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()


def finish(progress: Progress, counts: Counts) -> None:
    """Print what was counted, and end."""
    json.dump(
        {
            "events": progress.events,
            "seconds": progress.last - progress.first,
            "counts": counts,
        },
        sys.stdout,
    )
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGTERM)


def main(bootstrap: str, app_id: str, created: str, replied: str, total: str) -> None:
    """Run a worker."""
    app = create_app(bootstrap, app_id, created, replied, int(total))
    # "warn" would have Faust log everything at DEBUG to nowhere.
    faust.Worker(app, loglevel="info", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main(*sys.argv[1:])
