"""The Faust app: three agents that hand chunks to the partition tasks."""

from collections.abc import AsyncIterable, Iterable
from typing import Any

import faust
from faust.types import TP

from monitor.streaming.chunks import Chunk, ChunkSchema
from monitor.streaming.partitions import Partitions
from monitor.streaming.settings import Settings
from monitor.streaming.transport import Transport

BUFFERED_CHUNKS = 8


class App(faust.App):
    """An app that makes no folders: they would be its tables', and there are none."""

    def _create_directories(self) -> None:
        pass


def create_app(settings: Settings, inputs: Iterable[str], partitions: Partitions) -> faust.App:
    """Return an app that reads `inputs`; it is started by the caller.

    What Faust is used for: membership and assignment, agents, and the services' life. Its tables,
    its commits and its producer stay idle; offsets travel in the partitions' transactions.
    """
    app = App(
        settings.app_id,
        broker=f"kafka://{settings.bootstrap}",
        web_enabled=False,
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        stream_buffer_maxsize=BUFFERED_CHUNKS,
        stream_wait_empty=False,
        broker_commit_interval=3600.0,
        broker_session_timeout=settings.session_timeout_seconds,
        broker_heartbeat_interval=settings.heartbeat_seconds,
        broker_max_poll_records=settings.max_poll_records,
    )
    app.transport = app.producer_transport = Transport(app, settings)

    async def hand_over(chunks: AsyncIterable[Chunk]) -> None:
        async for chunk in chunks:
            await partitions.process(chunk)

    for name in inputs:
        topic = app.topic(name, schema=ChunkSchema(), acks=False)
        app.agent(topic, name=f"{settings.app_id}.{name}")(hand_over)

    async def on_assigned(app: Any, assigned: set[TP], **kwargs: Any) -> None:
        del app, kwargs
        await partitions.assign(assigned)

    async def on_revoked(app: Any, revoked: set[TP], **kwargs: Any) -> None:
        del app, kwargs
        await partitions.revoke(revoked)

    app.on_partitions_assigned.connect(on_assigned, weak=False)
    app.on_partitions_revoked.connect(on_revoked, weak=False)
    return app
