"""What an aiokafka consumer has no setting for: how it fetches, and what it makes of records."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any, Final, NamedTuple

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
    _wrap_results(consumer, _unwrap)


def whole(consumer: AIOKafkaConsumer) -> None:
    """Have whole batches handed out, as `Batch`, for who reads a partition from end to end.

    A record then costs half: no generator of aiokafka's stands between its parser and us.
    """
    _wrap_results(consumer, by_batch)


class Batch(NamedTuple):
    """A batch of records, in the place of one of them."""

    offset: int
    """Of its last record."""
    records: list[Any]


class _Batches:
    """Stands in for the batches of a fetch."""

    def __init__(self, batches: Any) -> None:
        self.has_next = batches.has_next
        self._batches = batches

    def next_batch(self) -> Any:
        batch = self._batches.next_batch()
        return batch if batch.is_control_batch else _Whole(batch)


class _Whole:
    """A batch that has itself for its only record."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Batch]:
        yield Batch(self._batch.next_offset - 1, list(self._batch))


def by_batch(records: Any) -> None:
    """Have the records of one fetch handed out batch by batch, less what was aborted."""
    _unwrap(records)
    if not isinstance(records._records, _Batches):  # noqa: SLF001 - one that waits to be read
        records._records = _Batches(records._records)  # noqa: SLF001


def _unwrap(records: Any) -> None:
    records._consumer_record = _as_it_is  # noqa: SLF001


def _wrap_results(consumer: AIOKafkaConsumer, unwrap: Callable[[Any], None]) -> None:
    fetcher = consumer._fetcher  # noqa: SLF001

    def unwrapped(fetch: Fetch) -> Fetch:
        async def fetched(*args: Any) -> bool:
            has_data = await fetch(*args)
            for result in fetcher._records.values():  # noqa: SLF001
                records = getattr(result, "_partition_records", None)
                if records is not None:
                    unwrap(records)
            return has_data

        return fetched

    _wrap(consumer, unwrapped)


def _wrap(consumer: AIOKafkaConsumer, wrapped: Callable[[Fetch], Fetch]) -> None:
    fetcher = consumer._fetcher  # noqa: SLF001 - there once it has started
    fetcher._proc_fetch_request = wrapped(fetcher._proc_fetch_request)  # noqa: SLF001


def _as_it_is(tp: TopicPartition, record: Any) -> Any:
    del tp
    return record
