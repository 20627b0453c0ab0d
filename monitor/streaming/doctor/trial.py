"""A transaction that is begun and aborted with nothing in it: what it may do is what `run` may do.

Adding a partition to a transaction takes the right to write there, adding a group's offsets the
right to use the group. No record is written. What stays is the broker's mark of the abort at the
end of a partition, which every reader skips; it carries the broker's clock. The transactional id
is the doctor's own: a running monitor's would be fenced.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    GroupCoordinatorNotAvailableError,
    GroupLoadInProgressError,
    InvalidProducerEpoch,
    KafkaError,
    NotCoordinatorForGroupError,
    TransactionalIdAuthorizationFailed,
    for_code,
)
from aiokafka.protocol.transaction import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
)

from monitor.streaming.doctor.findings import Skew, Trial
from monitor.streaming.doctor.requests import end_of, marks_after
from monitor.streaming.settings import Settings
from monitor.streaming.topics import error_name

TRIAL_SECONDS: Final = 15.0
_TIMEOUT_MS: Final = 10_000
_PAUSE_SECONDS: Final = 0.1
_MARK_SECONDS: Final = 10.0
_NOT_YET: Final = (
    ConcurrentTransactions,
    GroupLoadInProgressError,
    GroupCoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
)
_FENCED: Final = error_name(InvalidProducerEpoch())


async def attempt(client: AIOKafkaClient, settings: Settings, leaders: Mapping[str, int]) -> Trial:
    """Try what `run` does, in these topics, each with the leader of its first partition."""
    transaction = _Transaction(client, f"{settings.app_id}-doctor")
    try:
        async with asyncio.timeout(TRIAL_SECONDS):
            await transaction.begin()
    except TransactionalIdAuthorizationFailed as error:
        return Trial(transactional_id=error_name(error))
    except (KafkaError, TimeoutError) as error:
        return Trial(stuck=error_name(transaction.last_error or error))
    writes, group, skew = {}, "", None
    try:
        for topic in leaders:
            writes[topic] = await transaction.add(topic)
        group = await transaction.add_group(settings.app_id)
    finally:
        watched = next((topic for topic, error in writes.items() if not error), None)
        skew = await transaction.abort(watched, leaders)
    if _FENCED in (group, *writes.values()):
        return Trial(disturbed=True)
    return Trial(writes=writes, group=group, skew=skew)


class _Transaction:
    """One transaction, request by request: aiokafka's producer sends none without a record."""

    def __init__(self, client: AIOKafkaClient, transactional_id: str) -> None:
        self.last_error: BaseException | None = None
        self._client = client
        self._id = transactional_id
        self._coordinator = -1
        self._producer: tuple[int, int] = (-1, -1)

    async def begin(self) -> None:
        """Get a producer id, as soon as the coordinator can give one."""
        while True:
            try:
                self._coordinator = await self._client.coordinator_lookup(
                    CoordinationType.TRANSACTION, self._id
                )
                response = await self._send(InitProducerIdRequest(self._id, _TIMEOUT_MS))
                self._producer = response.producer_id, response.producer_epoch
            except _NOT_YET as error:
                self.last_error = error
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def add(self, topic: str) -> str:
        """Add the first partition of a topic; return the error's name, or nothing."""
        request = AddPartitionsToTxnRequest(self._id, *self._producer, [(topic, [0])])
        return await self._try(request)

    async def add_group(self, group: str) -> str:
        """Add a group's offsets, of which none are sent; return the error's name, or nothing."""
        return await self._try(AddOffsetsToTxnRequest(self._id, *self._producer, group))

    async def abort(self, watched: str | None, leaders: Mapping[str, int]) -> Skew | None:
        """Abort, and compare the broker's clock in the mark it leaves in a topic with ours."""
        node = leaders[watched] if watched else -1
        start = await end_of(self._client, node, watched) if watched else None
        before = time.time()
        await self._try(EndTxnRequest(self._id, *self._producer, transaction_result=False))
        if watched is None or start is None:
            return None
        try:
            async with asyncio.timeout(_MARK_SECONDS):
                async for batch in marks_after(self._client, node, watched, start):
                    if batch.producer_id == self._producer[0]:
                        stamped = batch.first_timestamp / 1000
                        return Skew(stamped - time.time(), stamped - before)
        except (KafkaError, TimeoutError):
            pass
        return None

    async def _try(self, request: Any) -> str:
        """Send until it is taken or refused; return the error's name, or nothing."""
        try:
            async with asyncio.timeout(TRIAL_SECONDS):
                while True:
                    try:
                        await self._send(request)
                    except _NOT_YET:
                        await asyncio.sleep(_PAUSE_SECONDS)
                    else:
                        return ""
        except (KafkaError, TimeoutError) as error:
            return error_name(error)

    async def _send(self, request: Any) -> Any:
        response = await self._client.send(self._coordinator, request)
        for code in filter(None, _codes(response)):
            error: type[KafkaError] = for_code(code)
            raise error
        return response


def _codes(response: Any) -> list[int]:
    if hasattr(response, "errors"):
        return [code for _, partitions in response.errors for _, code in partitions]
    return [response.error_code]
