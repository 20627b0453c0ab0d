"""Committed offsets, with the partition's clock that travels in their metadata."""

from collections.abc import Collection

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CoordinatorLoadInProgressError

from monitor.streaming.settings import Settings


class _Metadata(msgspec.Struct):
    clock: int = 0


async def committed(
    settings: Settings, tps: Collection[TopicPartition]
) -> tuple[dict[str, int], int]:
    """Return the committed position by topic, where there is one, and the stored clock.

    A partition with no offset is answered with -1. One not answered at all has a coordinator that
    is still loading the group: aiokafka does not look at the error of the whole answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap, **settings.client_options)
    await admin.start()
    try:
        found = await admin.list_consumer_group_offsets(settings.app_id, partitions=list(tps))
    finally:
        await admin.close()
    positions, clock = {}, 0
    for tp in tps:
        stored = found.get(tp)
        if stored is None:
            raise CoordinatorLoadInProgressError(f"no answer about the offset of {tp}")
        if stored.offset < 0:
            continue
        positions[tp.topic] = stored.offset
        if stored.metadata:
            clock = max(clock, msgspec.json.decode(stored.metadata, type=_Metadata).clock)
    return positions, clock
