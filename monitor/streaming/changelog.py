"""What a partition keeps in Kafka, packed and read back: every ticket and the counters."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from monitor.sla.ticket import Ticket
from monitor.sla.totals import GroupTotals
from monitor.streaming.settings import Settings

COUNTERS_KEY: Final = b"\xff counters"
"""Not UTF-8, so that no ticket id can be it."""


class Counters(msgspec.Struct):
    """What a partition counts that outlives its tickets."""

    groups: dict[str, GroupTotals] = {}
    records: dict[str, dict[str, int]] = {}
    """Records read by topic and outcome."""


class Kept(msgspec.Struct):
    """All that a changelog partition held."""

    tickets: dict[str, Ticket]
    counters: Counters


pack_ticket = msgspec.msgpack.Encoder().encode
pack_counters = msgspec.msgpack.Encoder().encode
_read_ticket = msgspec.msgpack.Decoder(Ticket).decode
_read_counters = msgspec.msgpack.Decoder(Counters).decode


async def recover(settings: Settings, partition: int) -> Kept:
    """Read a changelog partition from its start to its present end.

    The end is reached by position: control records take offsets too, so the last record's offset
    may never come near it.
    """
    tp = TopicPartition(settings.changelog, partition)
    packed: dict[bytes, bytes | None] = {}
    async with _reader(settings) as consumer:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        await consumer.seek_to_beginning(tp)
        while await consumer.position(tp) < end:
            batches = await consumer.getmany(tp, timeout_ms=200, max_records=10_000)
            for record in batches.get(tp, ()):
                packed[record.key] = record.value
    return unpack(packed)


def unpack(packed: dict[bytes, bytes | None]) -> Kept:
    """Return the tickets and counters of the latest values by key; None stands for forgotten."""
    counters = packed.pop(COUNTERS_KEY, None)
    tickets = [_read_ticket(value) for value in packed.values() if value is not None]
    return Kept(
        tickets={ticket.ticket_id: ticket for ticket in tickets},
        counters=Counters() if counters is None else _read_counters(counters),
    )


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
    try:
        yield consumer
    finally:
        await consumer.stop()
