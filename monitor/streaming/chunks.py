"""What Faust's agents are handed: runs of records instead of single ones."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from faust import Event, Schema
from faust.types import AppT, Message


class Chunk(NamedTuple):
    """Records of one topic partition, and the positions between which they lie.

    Positions count control records too: a chunk begins exactly where the one before it ended,
    which is how a lost one is noticed. One without records only moves the position.
    """

    tp: TopicPartition
    begin: int
    end: int
    records: list[Any]
    reading: int
    """Which `read_from` it came of: what was fetched before the last one is void."""


class ChunkSchema(Schema):
    """Hands a chunk through as it is."""

    def compile(self, app: AppT, **options: Any) -> Callable[..., Coroutine[Any, Any, Event]]:
        """Return what Faust calls for each message; nothing is decoded here."""
        del options

        async def decode(message: Message, *, propagate: bool = False) -> Event:
            del propagate
            return app.create_event(message.key, message.value, message.headers, message)

        return decode
