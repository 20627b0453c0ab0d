"""What an aiokafka consumer has no setting for: how it fetches, and what it makes of records."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

_AT_ONCE_SECONDS: Final = 0.005
_REST_SECONDS: Final = 0.02

Fetch = Callable[..., Awaitable[bool]]


def unhurried(consumer: AIOKafkaConsumer) -> None:
    """Let a fetch that came back empty at once rest for a moment.

    Apache Kafka holds an empty fetch as long as it was asked to. The embedded broker does not, and
    is asked again some thousand times a second: most of a core for nothing.
    """

    def paced(fetch: Fetch) -> Fetch:
        async def fetched(*args: Any) -> bool:
            began = time.monotonic()
            has_data = await fetch(*args)
            if not has_data and time.monotonic() - began < _AT_ONCE_SECONDS:
                with suppress(asyncio.CancelledError):  # as the fetch itself does when it is closed
                    await asyncio.sleep(_REST_SECONDS)
            return has_data

        return fetched

    _wrap(consumer, paced)


def plain(consumer: AIOKafkaConsumer) -> None:
    """Have records handed out as they were parsed, with offset, timestamp, key, value and headers.

    aiokafka wraps each into an object of its own that tells the topic again: most of its time.
    """
    fetcher = consumer._fetcher  # noqa: SLF001

    def unwrapped(fetch: Fetch) -> Fetch:
        async def fetched(*args: Any) -> bool:
            has_data = await fetch(*args)
            for result in fetcher._records.values():  # noqa: SLF001
                records = getattr(result, "_partition_records", None)
                if records is not None:
                    records._consumer_record = _as_it_is  # noqa: SLF001
            return has_data

        return fetched

    _wrap(consumer, unwrapped)


def _wrap(consumer: AIOKafkaConsumer, wrapped: Callable[[Fetch], Fetch]) -> None:
    fetcher = consumer._fetcher  # noqa: SLF001 - there once it has started
    fetcher._proc_fetch_request = wrapped(fetcher._proc_fetch_request)  # noqa: SLF001


def _as_it_is(tp: TopicPartition, record: Any) -> Any:
    del tp
    return record
