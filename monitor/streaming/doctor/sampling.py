"""Looks whether the newest events of a ticket are in partitions of the same number.

Two producers that partition by different rules part a ticket's events, and nothing says so: its
reply never meets it.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from monitor.streaming.doctor.findings import Sample, Stray
from monitor.streaming.settings import Settings

_RECORDS: Final = 200
"""How many of each partition are looked at, at most."""
_SECONDS: Final = 10.0

Place = tuple[str, int, bytes | None]
"""A record's topic, partition number and key."""


async def sample(settings: Settings, partitions: Mapping[str, int]) -> Sample:
    """Read the newest records of these topics; what cannot be read in time is left out."""
    tps = [TopicPartition(topic, n) for topic, count in partitions.items() for n in range(count)]
    if not tps:
        return Sample()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap,
        enable_auto_commit=False,
        request_timeout_ms=10_000,
        fetch_max_wait_ms=100,
        **settings.client_options,
    )
    places: list[Place] = []
    try:
        await consumer.start()
        async with asyncio.timeout(_SECONDS):
            await _read(consumer, tps, places)
    except (KafkaError, TimeoutError):
        pass  # whatever the reason, it is for another check to say
    finally:
        await consumer.stop()
    return compare(places)


async def _read(
    consumer: AIOKafkaConsumer, tps: Sequence[TopicPartition], places: list[Place]
) -> None:
    consumer.assign(tps)
    begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    for tp in tps:
        consumer.seek(tp, max(begins[tp], ends[tp] - _RECORDS))
    while any([await consumer.position(tp) < ends[tp] for tp in tps]):
        fetched = await consumer.getmany(timeout_ms=200)
        for tp, records in fetched.items():
            places += [(tp.topic, tp.partition, record.key) for record in records]


def compare(places: Iterable[Place]) -> Sample:
    """Return what the records say of how they were partitioned."""
    found: dict[bytes, dict[str, int]] = {}
    keyless: set[str] = set()
    count = 0
    for topic, partition, key in places:
        count += 1
        if key is None:
            keyless.add(topic)
        else:
            found.setdefault(key, {})[topic] = partition
    shared = {key: at for key, at in found.items() if len(at) > 1}
    strays = [(key, at) for key, at in shared.items() if len(set(at.values())) > 1]
    stray = (
        Stray(strays[0][0].decode(errors="replace"), tuple(strays[0][1].items()))
        if strays
        else None
    )
    return Sample(count, len(shared), stray, tuple(sorted(keyless)))
