"""What a partition keeps in Kafka, packed and read back: every ticket and the counters."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from sys import intern
from typing import Final, Protocol, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from monitor.sla.base import Changes, Customer
from monitor.sla.forecast import Record
from monitor.sla.measures import KeptMeasures
from monitor.sla.surveys import Survey
from monitor.sla.ticket import Ticket
from monitor.sla.totals import GroupTotals
from monitor.streaming import fetching
from monitor.streaming.policies import NOTHING_KEPT, InForce
from monitor.streaming.settings import Settings

T = TypeVar("T")

COUNTERS_KEY: Final = b"\xff counters"
"""Not UTF-8, so that no ticket id can be it; the next two likewise."""

SURVEY: Final = b"\xff survey "
CUSTOMER: Final = b"\xff customer "

POLICIES_KEY: Final = b"\xff policies"

_OURS: Final = b"\xff"[0]

_FORECAST: Final = b"\xff forecast "
"""Before a group's name, likewise."""


class Counters(msgspec.Struct):
    """What a partition counts that outlives its tickets."""

    groups: dict[str, GroupTotals] = {}
    records: dict[str, dict[str, int]] = {}
    """Records read by topic and outcome."""
    customers: Changes = msgspec.field(default_factory=Changes)
    clocks: dict[str, dict[str, GroupTotals]] = {}
    """What the other clocks count, by name and group."""


_RUN: Final = b"\xfe"
"""Begins the keys of other clocks' runs; not UTF-8 either. All that is less is a ticket's id."""

pack_ticket = msgspec.msgpack.Encoder().encode
pack_counters = msgspec.msgpack.Encoder().encode
pack_survey = msgspec.msgpack.Encoder().encode
pack_customer = msgspec.msgpack.Encoder().encode
pack_policies = msgspec.msgpack.Encoder().encode
pack_forecast = msgspec.msgpack.Encoder().encode
_read_ticket = msgspec.msgpack.Decoder(Ticket).decode
_read_survey = msgspec.msgpack.Decoder(Survey).decode
_read_customer = msgspec.msgpack.Decoder(Customer).decode
_read_counters = msgspec.msgpack.Decoder(Counters).decode
_read_policies = msgspec.msgpack.Decoder(tuple[InForce, ...]).decode
_read_forecast = msgspec.msgpack.Decoder(Record).decode


def forecast_key(group: str) -> bytes:
    """Return the key of what a group's forecasts rest on."""
    return _FORECAST + group.encode()


class KeptRecord(Protocol):
    """A record as it is read."""

    key: bytes
    value: bytes | None


class Kept:
    """All that a changelog partition holds, record by record as it is read."""

    def __init__(self) -> None:
        self._packed: dict[bytes, bytes | None] = {}
        """The tickets as they were last kept; all but their last values are never unpacked."""
        self._tickets: dict[str, Ticket] = {}
        self.surveys: dict[bytes, Survey] = {}
        self.customers: dict[bytes, Customer] = {}
        self.runs: dict[str, dict[str, Ticket]] = {}
        """By clock and key the runs of which something was told."""
        self.policies = NOTHING_KEPT
        """Those that its tickets have seen, the one in force last."""
        self._counters: bytes | None = None
        self._forecasts: dict[str, bytes | None] = {}

    @property
    def tickets(self) -> dict[str, Ticket]:
        """All that are not forgotten, by id."""
        if self._packed:
            packed, self._packed = self._packed, {}
            for key in [*packed]:
                value = packed.pop(key)  # at once, so that the memory is there for the next ticket
                if value is None:
                    self._tickets.pop(key.decode(), None)
                else:
                    ticket = _unpack_ticket(value)
                    self._tickets[ticket.ticket_id] = ticket
        return self._tickets

    @tickets.setter
    def tickets(self, tickets: dict[str, Ticket]) -> None:
        self._packed, self._tickets = {}, tickets

    @property
    def counters(self) -> Counters:
        """What was counted."""
        return Counters() if self._counters is None else _read_counters(self._counters)

    @property
    def measures(self) -> KeptMeasures:
        """What is known of surveys and customers."""
        return KeptMeasures(self.surveys.values(), self.customers.values(), self.counters.customers)

    @property
    def forecasts(self) -> dict[str, Record]:
        """What forecasts rest on, by group."""
        return {name: _read_forecast(kept) for name, kept in self._forecasts.items() if kept}

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a record: the last value of a key counts, and None stands for forgotten."""
        if key < _RUN:
            self._packed[key] = value
        elif key[0] == _OURS:
            self._take_ours(key, value)
        else:
            self._take_run(key, value)

    def take_all(self, records: Iterable[KeptRecord]) -> None:
        """Take records in their order."""
        packed, take = self._packed, self.take
        for record in records:
            key = record.key
            if key < _RUN:
                packed[key] = record.value
            else:
                take(key, record.value)

    def _take_ours(self, key: bytes, value: bytes | None) -> None:
        if key == COUNTERS_KEY:
            self._counters = value
        elif key == POLICIES_KEY:
            self.policies = NOTHING_KEPT if value is None else _read_policies(value)
        elif key.startswith(SURVEY):
            _keep(self.surveys, key, value, _read_survey)
        elif key.startswith(CUSTOMER):
            _keep(self.customers, key, value, _read_customer)
        elif key.startswith(_FORECAST):
            self._forecasts[key.removeprefix(_FORECAST).decode()] = value
        # What is left was kept by a later version, which has handed the partition back.

    def _take_run(self, key: bytes, value: bytes | None) -> None:
        clock, _, run = key.removeprefix(_RUN).decode().partition(" ")
        runs = self.runs.setdefault(clock, {})
        if value is None:
            runs.pop(run, None)
        else:
            runs[run] = _read_ticket(value)


def _unpack_ticket(value: bytes) -> Ticket:
    ticket = _read_ticket(value)
    # Of each label a million tickets hold one object.
    ticket.channel = intern(ticket.channel)
    ticket.team = intern(ticket.team)
    ticket.priority = intern(ticket.priority)
    ticket.tier = intern(ticket.tier)
    # Mostly it is the moment of what was last heard of it: one number for both.
    if ticket.touched == ticket.replied:
        ticket.touched = ticket.replied
    elif ticket.touched == ticket.created:
        ticket.touched = ticket.created
    return ticket


def _keep(
    kept: dict[bytes, T], key: bytes, value: bytes | None, read: Callable[[bytes], T]
) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = read(value)


def run_key(clock: str, run: str) -> bytes:
    """Return the key under which a run of a clock is kept."""
    return _RUN + f"{clock} {run}".encode()


async def recover(settings: Settings, partition: int) -> Kept:
    """Read a changelog partition from its start to its present end.

    The end is reached by position: control records take offsets too, so the last record's offset
    may never come near it.
    """
    tp = TopicPartition(settings.changelog, partition)
    kept = Kept()
    async with _reader(settings) as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < end:
            fetched = await consumer.getmany(tp, timeout_ms=200)
            for batch in fetched.get(tp, ()):
                kept.take_all(batch.records)
                await asyncio.sleep(0)  # other partitions of this worker are being served
    return kept


@asynccontextmanager
async def _reader(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=8 * 1024 * 1024,
        **settings.client_options,
    )
    await consumer.start()
    fetching.whole(consumer)
    try:
        yield consumer
    finally:
        await consumer.stop()
