"""Faust's transport for chunks: one message a fetched run of records, on the worker's own loop.

Stock Faust spends most of its time on one message a record and on handing them over from a
thread of its own. Here a message's value is a `Chunk`; who owns a partition decides from where it
is read (`Consumer.read_from`), and offsets travel in that owner's transactions.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, ClassVar, Final

import aiokafka.abc
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError
from faust.transport import base
from faust.transport import consumer as faust_consumer
from faust.types import TP, AppT, ConsumerMessage, Message
from yarl import URL

from monitor.streaming import fetching
from monitor.streaming.chunks import Chunk
from monitor.streaming.readings import Readings
from monitor.streaming.settings import Settings

_METADATA_MS: Final = 3000
"""How often the consumer asks what topics there are.

A broker that has just started may know of none yet. A group that forms at that moment assigns
nothing to anybody, and does so until its leader asks again: in five minutes, left alone.
"""


_SOON_SECONDS: Final = 0.05
"""How soon to look again for what nobody wanted just now."""


class _Nowhere(dict[TP, None]):
    """How far Faust handed over, by which it drops messages: it keeps nothing, so none is dropped.

    It is noted after a message was handed over, and so after its owner may have asked to read
    again from further back: of what was then read the beginning was dropped, time and again.
    """

    def __missing__(self, tp: TP) -> None:
        return None

    def __setitem__(self, tp: TP, offset: int | None) -> None:
        pass


class _Listener(aiokafka.abc.ConsumerRebalanceListener):
    def __init__(self, consumer: "Consumer") -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        self._consumer.app.on_rebalance_start()
        await self._consumer.on_partitions_revoked(_tps(revoked))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        await self._consumer.begin_generation(set(assigned))


class Consumer(faust_consumer.Consumer):
    """An aiokafka consumer that lives on the worker's loop and yields chunks."""

    consumer_stopped_errors: ClassVar[tuple[type[BaseException], ...]] = (ConsumerStoppedError,)
    kafka: AIOKafkaConsumer

    def __init__(self, transport: "Transport", *args: Any, **kwargs: Any) -> None:
        super().__init__(transport, *args, **kwargs)
        self._settings = transport.settings
        self._read_offset = _Nowhere()
        self._readings = Readings()
        self._held: set[TopicPartition] = set()
        self.last_answer = 0.0
        """When the broker last answered a fetch, in seconds since 1970."""

    async def on_start(self) -> None:
        """Connect; the group is joined at `subscribe`."""
        s = self._settings
        self.kafka = AIOKafkaConsumer(
            bootstrap_servers=s.bootstrap,
            group_id=s.app_id,
            client_id=s.app_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Assigns partition p of every topic to the same member, as long as counts are equal.
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=int(s.session_timeout_seconds * 1000),
            heartbeat_interval_ms=int(s.heartbeat_seconds * 1000),
            fetch_max_wait_ms=s.fetch_wait_ms,
            max_poll_records=s.max_poll_records,
            metadata_max_age_ms=_METADATA_MS,
            **s.client_options,
        )
        await self.kafka.start()
        fetching.unhurried(self.kafka)
        fetching.plain(self.kafka)
        await super().on_start()

    async def on_stop(self) -> None:
        """Leave the group."""
        await super().on_stop()
        await self.kafka.stop()

    # -- what the owner of a partition uses

    async def is_member(self) -> bool:
        """Ask the group whether what it last assigned to this worker still holds."""
        group = self.kafka._coordinator  # noqa: SLF001 - said nowhere else
        return (
            not group.need_rejoin(group._subscription.subscription)  # noqa: SLF001
            and await group._do_heartbeat()  # noqa: SLF001 - a rebalance too is answered with yes
            and not group.need_rejoin(group._subscription.subscription)  # noqa: SLF001
            and group.generation == self.app.consumer_generation_id
        )

    def left_for_good(self) -> BaseException | None:
        """Return why this worker takes no more part in the group, None while it does.

        With nothing assigned nobody else would hear of it: aiokafka tells it who fetches.
        """
        kafka: AIOKafkaConsumer | None = getattr(self, "kafka", None)
        routine = getattr(kafka and kafka._coordinator, "_coordination_task", None)  # noqa: SLF001
        if routine is None or not routine.done() or routine.cancelled() or self.should_stop:
            return None
        failure: BaseException | None = routine.exception()
        return failure

    def read_from(self, tp: TopicPartition, position: int) -> None:
        """Read a partition from here on; whatever was fetched of it before is void."""
        if tp not in self.kafka.assignment():
            return
        self._readings.begin(tp, position)
        self.kafka.seek(tp, position)
        self.kafka.resume(tp)

    def hold(self, tp: TopicPartition, *, is_held: bool) -> None:
        """Leave what is fetched of a partition where it is for the time being, or no longer."""
        if is_held:
            self._held.add(tp)
        else:
            self._held.discard(tp)

    def is_current(self, chunk: Chunk) -> bool:
        """Tell whether a chunk came of the last `read_from` of its partition."""
        return self._readings.is_current(chunk)

    def has_read_all(self, tp: TopicPartition, position: int) -> bool:
        """Tell whether `position` is the end of the partition, as of a moment ago.

        An answer too old says no: the broker may be away, or this process may have slept.
        """
        heard_ms = self._state(self.kafka.last_poll_timestamp, tp)
        end = self._state(self.kafka.last_stable_offset, tp)
        if heard_ms is None or end is None:
            return False
        return position >= end and time.time() - heard_ms / 1000 < self._settings.fresh_seconds

    def lag(self, tp: TopicPartition, position: int) -> int:
        """Return how many records are still to be read, as far as is known."""
        end = self._state(self.kafka.last_stable_offset, tp)
        return 0 if end is None else max(0, end - position)

    def heard_at(self) -> float:
        """Return when the broker last answered a fetch, in seconds since 1970; 0 if never."""
        polled = self.kafka.last_poll_timestamp
        heard = [self._state(polled, tp) or 0 for tp in self._readings.partitions()]
        self.last_answer = max(self.last_answer, max(heard, default=0) / 1000)
        return self.last_answer

    def _state(self, read: Any, tp: TopicPartition) -> int | None:
        return read(tp) if tp in self.kafka.assignment() else None

    # -- what Faust uses

    async def begin_generation(self, assigned: set[TopicPartition]) -> None:
        """Take note of an assignment; nothing is fetched before its owner says from where."""
        if assigned:
            self.kafka.pause(*assigned)
        self._readings.clear()
        self._held.clear()
        generation = self.kafka._coordinator.generation  # noqa: SLF001 - said nowhere else
        self.app.consumer_generation_id = generation
        await self.on_partitions_assigned(_tps(assigned), generation)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """Fetch, and yield one message a topic partition that moved."""
        records, _ = await self._wait_next_records(min(timeout, 0.5))
        if records is None or self.should_stop or not self.flow_active:
            return
        for chunk in self._chunks(records):
            yield TP(*chunk.tp), self._to_message(TP(*chunk.tp), chunk)

    async def _wait_next_records(
        self,
        timeout: float,  # noqa: ASYNC109
    ) -> Any:
        """Fetch; while nothing is assigned Faust looks once a second whether anything is by now."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        if not self._get_active_partitions():
            await self.sleep(_SOON_SECONDS)
            return {}, set()
        return await super()._wait_next_records(timeout)

    def _chunks(self, records: Mapping[TopicPartition, list[ConsumerRecord]]) -> list[Chunk]:
        chunks = []
        for tp in self._readings.partitions():
            fetched, begin = records.get(tp, []), self._readings.position(tp)
            if not fetched and self.lag(tp, begin) == 0:
                continue
            position = self._position(tp)
            if position is not None and position != begin:
                chunks.append(self._readings.cut(tp, position, fetched))
        return chunks

    def _position(self, tp: TopicPartition) -> int | None:
        """Return the next offset to be fetched; unlike aiokafka's own, without waiting for one."""
        if tp not in self.kafka.assignment():
            return None
        assignment = self.kafka._subscription.subscription.assignment  # noqa: SLF001
        state = assignment.state_value(tp)
        return int(state.position) if state.has_valid_position else None

    async def _getmany(
        self,
        active_partitions: set[TP] | None,
        timeout: float,  # noqa: ASYNC109
    ) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        partitions = [TopicPartition(*tp) for tp in active_partitions or ()]
        wanted = [tp for tp in partitions if tp in self._readings and tp not in self._held]
        if not wanted:
            await asyncio.sleep(min(timeout, _SOON_SECONDS))
            return {}
        if self._held:  # what is held may be wanted again before anything else is fetched
            timeout = min(timeout, _SOON_SECONDS)
        fetched: Mapping[TopicPartition, list[ConsumerRecord]]
        fetched = await self.kafka.getmany(*wanted, timeout_ms=int(timeout * 1000))
        return fetched

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Chunk) -> ConsumerMessage:
        last = record.end - 1
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last,
            time.time(),
            0,
            (),
            None,
            record,
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def perform_seek(self) -> None:
        """Leave positions alone: they are their owners' business (`read_from`)."""

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Leave positions alone, likewise."""
        return {}

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Chunks have no gaps to remember."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        del offsets
        return True  # offsets travel in the partitions' transactions

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for these topics."""
        self.kafka.subscribe(topics=set(topics), listener=_Listener(self))

    def assignment(self) -> set[TP]:
        """Return what this worker owns."""
        return _tps(self.kafka.assignment())

    def highwater(self, tp: TP) -> int:
        """Return the end of a partition as last heard."""
        return self._state(self.kafka.last_stable_offset, TopicPartition(*tp)) or 0

    def topic_partitions(self, topic: str) -> int | None:
        """Return how many partitions a topic has."""
        partitions = self.kafka.partitions_for_topic(topic)
        return len(partitions) if partitions else None

    async def position(self, tp: TP) -> int | None:
        """Return the next offset to be fetched."""
        return int(await self.kafka.position(TopicPartition(*tp)))

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        """Return where partitions begin."""
        return _by_tp(await self.kafka.beginning_offsets([TopicPartition(*p) for p in partitions]))

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        """Return where partitions end."""
        return _by_tp(await self.kafka.end_offsets([TopicPartition(*p) for p in partitions]))

    async def _seek(self, partition: TP, offset: int) -> None:
        raise NotImplementedError("positions are set by read_from")

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Refuse: positions are set by `read_from`."""
        raise NotImplementedError("positions are set by read_from")

    async def create_topic(self, topic: str, *args: Any, **kwargs: Any) -> None:
        """Refuse: topics are created by an explicit command."""
        raise NotImplementedError("topics are created by `sla-monitor topics create`")

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int:
        """Refuse: nothing is sent through Faust."""
        raise NotImplementedError("nothing is sent through Faust")

    def close(self) -> None:
        """Do nothing: `on_stop` closes."""


class Transport(base.Transport):
    """Gives a Faust app the chunk consumer, and a producer that does nothing."""

    Consumer = Consumer
    driver_version = "chunks"
    default_port = 9092

    def __init__(self, app: AppT, settings: Settings) -> None:
        super().__init__([URL(f"chunks://{settings.bootstrap}")], app)
        self.settings = settings


def _tps(tps: Iterable[TopicPartition]) -> set[TP]:
    return {TP(tp.topic, tp.partition) for tp in tps}


def _by_tp(offsets: Mapping[TopicPartition, int]) -> dict[TP, int]:
    return {TP(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
