"""Single questions to a broker about the first partition of a topic, as Kafka's protocol puts them.

aiokafka's own clients try again where they are refused; here the refusal is the answer.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import TopicAuthorizationFailedError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

_REFUSED: Final[int] = TopicAuthorizationFailedError.errno
_LATEST: Final = -1
_UNCOMMITTED: Final = 0
_BYTES: Final = 1024 * 1024
_WAIT_MS: Final = 100


async def is_hidden(client: AIOKafkaClient, node: int, topic: str) -> bool:
    """Tell whether a topic that is not listed is one this user may not see, be it there or not.

    Asking for its offsets creates no topic, asking for its metadata may.
    """
    response = await client.send(node, _offset_request(topic))
    return bool(_partition(response)[1] == _REFUSED)


async def end_of(client: AIOKafkaClient, leader: int, topic: str) -> int | None:
    """Return the next offset; None where it is not told."""
    response = await client.send(leader, _offset_request(topic))
    _, code, *_, offset = _partition(response)
    return None if code else int(offset)


def _offset_request(topic: str) -> OffsetRequest:
    return OffsetRequest(-1, _UNCOMMITTED, [(topic, [(0, _LATEST)])])


async def may_read(client: AIOKafkaClient, leader: int, topic: str) -> bool:
    """Tell whether this user may read a topic; no record is asked for."""
    response = await _fetch(client, leader, topic, 0, wait_ms=0, at_most=1)
    return bool(_partition(response)[1] != _REFUSED)


async def marks_after(
    client: AIOKafkaClient, leader: int, topic: str, offset: int
) -> AsyncIterator[Any]:
    """Yield the batches that end transactions, from an offset on and for as long as one listens.

    Raises `BrokerResponseError`.
    """
    while True:
        response = await _fetch(client, leader, topic, offset, wait_ms=_WAIT_MS, at_most=_BYTES)
        _, code, *_, data = _partition(response)
        if code:
            raise for_code(code)
        records = MemoryRecords(data)
        while (batch := records.next_batch()) is not None:
            offset = batch.next_offset
            if batch.is_control_batch:
                yield batch


async def _fetch(
    client: AIOKafkaClient, leader: int, topic: str, offset: int, *, wait_ms: int, at_most: int
) -> Any:
    request = FetchRequest(wait_ms, 1, at_most, _UNCOMMITTED, [(topic, [(0, offset, at_most)])])
    return await client.send(leader, request)


def _partition(response: Any) -> Sequence[Any]:
    """Return what is said of the partition: its number, an error code, and more."""
    ((_, (partition,)),) = response.topics
    found: Sequence[Any] = partition
    return found
