"""The task of one partition: its state, its clock, its transactions; nothing is shared.

Kafka Streams' StreamTask is the model. Taking a partition over starts with its transactional
producer, which fences a former owner; then its state is read back, then input is taken from the
committed offsets. Whatever goes wrong, the task lets go of all it holds and begins there again.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced
from aiokafka.structs import OffsetAndMetadata

from monitor.observability.stats import Counts, count
from monitor.sla.effects import Effect
from monitor.sla.events import SECOND
from monitor.sla.policy import Policy
from monitor.streaming import outputs
from monitor.streaming.chunks import Chunk
from monitor.streaming.clock import Clock
from monitor.streaming.pace import Pace
from monitor.streaming.settings import Settings
from monitor.streaming.state import PartitionState
from monitor.streaming.store import Store
from monitor.streaming.tasks import at_most, outline
from monitor.streaming.transport import Consumer

log = logging.getLogger(__name__)

_CLOCK: Final = Clock()

_STEPS_OF_AN_ANSWER: Final = 5
"""So many rounds of the loop an answer takes from its socket to the consumer's figures."""

Committed = Callable[[Sequence[Effect], int], None]
"""Called after each commit with what was told in it and the wall clock in microseconds."""


class PartitionTask:
    """Owns one partition of every input topic for as long as this worker is assigned it."""

    def __init__(
        self,
        number: int,
        settings: Settings,
        policy: Policy,
        consumer: Consumer,
        store: Store,
        kinds: dict[str, str],
        *,
        over_at_reply: bool,
        on_commit: Committed,
        shadow: Policy | None = None,
        clock: Clock = _CLOCK,
    ) -> None:
        self.number = number
        self._where = {"partition": number}  # for the log
        self.state: PartitionState | None = None
        """None while it is being opened."""
        self.last_commit = 0.0
        self.counts = Counts()
        """What had been counted at the last commit: nothing that may still be undone."""
        self._settings = settings
        self._policy, self._shadow = policy, shadow
        self._consumer = consumer
        self._store = store
        self._clock = clock
        self._kinds = kinds
        self._tps = {topic: TopicPartition(topic, number) for topic in kinds}
        self._over_at_reply = over_at_reply
        self._on_commit = on_commit
        self._producer: Any = None
        self._wake = asyncio.Event()
        self._committed = asyncio.Event()
        self._closing = False
        self._suspended = False
        self._is_changing = False
        """What comes while the policy changes is left, and read again."""
        self._pace = Pace(settings, clock)
        self._is_committing = False
        self._failure: Exception | None = None
        self._run = asyncio.create_task(self._live(), name=f"partition-{number}")

    # -- asked from outside

    def behind(self) -> list[str]:
        """List the input topics that it has not read to their end."""
        if self.state is None:
            return list(self._tps)
        ends = self.state.ends
        read_all = self._consumer.has_read_all
        return [topic for topic, tp in self._tps.items() if not read_all(tp, ends[topic])]

    def refresh(self) -> None:
        """Let time pass before somebody looks at the figures, unless something becomes true."""
        state, now = self.state, self._clock.wall()
        if state is None or self._is_idle:
            return
        due = state.engine.next_due
        if self.behind() or state.positions != state.ends or (due is not None and due <= now):
            self._wake.set()
        else:
            state.tick((), now)

    def lag(self) -> int:
        """Count the records still to be read, as far as is known."""
        if self.state is None:
            return 0
        positions = self.state.positions
        return sum(self._consumer.lag(tp, positions[topic]) for topic, tp in self._tps.items())

    async def take(self, chunk: Chunk) -> None:
        """Apply a chunk; one that does not follow on is dropped, and read again if need be."""
        state, topic = self.state, chunk.tp.topic
        if state is None or self._is_idle or not self._consumer.is_current(chunk):
            return
        end = state.ends[topic]
        if chunk.begin != end:
            log.warning("%s: reading again from %d", chunk.tp, end, extra=self._where)
            self._consumer.read_from(chunk.tp, end)
            return
        try:
            state.take(topic, chunk.records, chunk.end, self._clock.wall())
            self._hold(state)
            now = await self._hear()
            if self.state is state and not self._is_idle:
                self._tick(state, now)
        except Exception as error:  # noqa: BLE001 - the task begins again, nothing is lost
            self._fail(error)
            return
        self._wake.set()
        while self.state is state and state.pending > self._settings.max_pending:
            self._committed.clear()
            await self._committed.wait()

    def change_policy(self, policy: Policy, shadow: Policy | None = None) -> None:
        """Go on under other policies from the next commit on."""
        self._policy, self._shadow = policy, shadow
        self._wake.set()

    async def suspend(self) -> None:
        """Commit what is done and take nothing more: the partition may be going elsewhere."""
        self._suspended = True
        self._wake.set()
        while self.state is not None and (self._is_committing or self.state.is_dirty):
            self._committed.clear()
            await self._committed.wait()

    def resume(self) -> None:
        """Go on from where it stands: the partition has stayed."""
        self._suspended = False
        self._read_on()
        self._wake.set()

    async def close(self, timeout_seconds: float) -> None:
        """Commit what is done, if that works in time, and let go of everything."""
        self._closing = True
        self._wake.set()
        done, _ = await asyncio.wait([self._run], timeout=timeout_seconds)
        if not done:
            log.warning(
                "partition %d: its last commit did not end in time; it is done again at the start",
                self.number,
                extra=self._where,
            )
            self._run.cancel()
            await asyncio.wait([self._run], timeout=0.6)

    # -- its life

    async def _live(self) -> None:
        pause = self._settings.retry_seconds
        while True:
            began = self._now()
            try:
                await self._wait_until_ours()
                if self._closing:
                    return
                await self._open()
                await self._serve()
            except ProducerFenced:
                taken = "partition %d: another worker has taken it over"
                log.warning(taken, self.number, extra=self._where)
            except (KafkaError, OSError, TimeoutError) as error:
                failed = "partition %d: %s; beginning again"
                log.warning(failed, self.number, outline(error), extra=self._where)
            except Exception:
                failed = "partition %d failed; beginning again"
                log.exception(failed, self.number, extra=self._where)
            finally:
                await self._let_go()
            if self._closing:
                return
            if self.last_commit > began:
                pause = self._settings.retry_seconds
            self._wake.clear()
            await self._sleep(pause)
            pause = min(2 * pause, 10.0)

    async def _wait_until_ours(self) -> None:
        """Wait until the group confirms whose the partition is.

        Opening it fences whoever has it. A worker that was stopped for longer than its session
        does not know yet that it is somebody else's; one in a rebalance does not know any more.
        """
        while not self._closing:
            self._wake.clear()
            if self._suspended:
                await self._wake.wait()
            elif await self._consumer.is_member():
                return
            else:
                await self._sleep(self._settings.retry_seconds)

    async def _open(self) -> None:
        self._producer = self._store.producer()
        await self._producer.start()
        kept, (positions, clock) = await asyncio.gather(self._store.kept(), self._store.positions())
        self.state = PartitionState(
            self._policy,
            self._kinds,
            positions,
            clock=clock,
            kept=kept,
            over_at_reply=self._over_at_reply,
            shadow=self._shadow,
        )
        self.counts = self._count(self.state)
        self._failure = None
        self._pace.committed()
        read = "partition %d: %d tickets, reading on"
        log.info(read, self.number, len(kept.tickets), extra=self._where)
        if not self._suspended:
            self._read_on()

    def _read_on(self) -> None:
        if self.state is not None:
            for topic, tp in self._tps.items():
                self._consumer.read_from(tp, self.state.ends[topic])

    async def _hear(self) -> int:
        """Return the wall clock as it was before all that had arrived by then was heard of.

        While the loop is busy answers wait in its sockets. By a later clock a reply among them
        would be too late, and a ticket breached that was answered in time.
        """
        now = self._clock.wall()
        for _ in range(_STEPS_OF_AN_ANSWER):
            await asyncio.sleep(0)
        return now

    def _tick(self, state: PartitionState, now: int) -> None:
        """Apply what is at its turn, let time pass, and ask for what there is too little of."""
        state.tick(self.behind(), now)
        self._hold(state)

    def _hold(self, state: PartitionState) -> None:
        for topic, tp in self._tps.items():
            self._consumer.hold(tp, is_held=state.has_enough(topic))

    async def _serve(self) -> None:
        """Pump: let time pass, commit, and sleep until the next thing is due."""
        while True:
            self._wake.clear()
            now = await self._hear()
            if self._failure is not None:
                raise self._failure
            state = self.state
            assert state is not None  # noqa: S101 - it was opened and has not failed
            behind = self.behind()
            leaving = self._closing or self._suspended
            if not (leaving or state.is_under(self._policy, self._shadow)):
                await self._take_policy(state)
                continue
            if not leaving:
                self._tick(state, now)
                if self._pace.is_forgetting_due(state, behind):
                    state.forget()
            if state.is_dirty if leaving else self._pace.is_commit_due(state, behind, self.lag()):
                await self._commit_in_time(state)
            elif self._closing:
                return
            elif self._suspended:
                await self._wake.wait()
            else:
                wall = self._clock.wall()
                await self._sleep(self._pace.idle_seconds(state, behind, self.lag(), wall))

    async def _take_policy(self, state: PartitionState) -> None:
        """Commit what is done under the former policy, then go on under the new one."""
        self._is_changing = True
        try:
            await self._commit_in_time(state)
        finally:
            self._is_changing = False
        if self.state is state:
            self.state = state.under(self._policy, self._shadow)
            self.counts = self._count(self.state)
            log.info("partition %d: another policy is in force", self.number, extra=self._where)
            if not self._suspended:
                self._read_on()

    @property
    def _is_idle(self) -> bool:
        return self._suspended or self._is_changing

    async def _commit_in_time(self, state: PartitionState) -> None:
        """Commit, but give up a producer that gets nowhere while the group does answer.

        Past its timeout the broker aborts the transaction anyway. While nobody answers there is
        nothing better than to wait, with the figures in view.
        """
        commit = asyncio.create_task(self._commit(state))
        try:
            while not commit.done():
                await asyncio.wait([commit], timeout=self._settings.transaction_timeout_seconds)
                if not commit.done() and await self._consumer.is_member():
                    raise TimeoutError("its commit does not end")
            await commit
        finally:
            commit.cancel()

    async def _commit(self, state: PartitionState) -> None:
        """Commit: changed tickets, what is told, offsets and the clock; all or nothing."""
        self._is_committing = True
        batch, counts = state.drain(), self._count(state)
        await outputs.write(self._producer, self._settings, self.number, batch)
        metadata = msgspec.json.encode({"clock": batch.clock}).decode()
        await self._producer.send_offsets_to_transaction(
            {
                tp: OffsetAndMetadata(batch.positions[topic], metadata)
                for topic, tp in self._tps.items()
            },
            self._settings.app_id,
        )
        await self._producer.commit_transaction()
        self.last_commit = self._now()
        self.counts = counts
        self._pace.committed()
        self._is_committing = False
        self._committed.set()
        self._on_commit(batch.effects, self._clock.wall())

    def _now(self) -> float:
        return self._clock.wall() / SECOND

    def _count(self, state: PartitionState) -> Counts:
        nothing = {topic: {"ok": 0, "dead_letter": 0} for topic in self._kinds}
        return count(state.engine, nothing | state.records, state.measures.base.counted)

    def _fail(self, error: Exception) -> None:
        """Have the task begin again from what is committed."""
        self._failure = error
        self.state = None
        self._wake.set()
        self._committed.set()

    async def _let_go(self) -> None:
        self.state = None
        self._is_committing = False
        self._committed.set()
        producer, self._producer = self._producer, None
        if producer is not None:
            # One left open would hold up the readers of committed records until it times out.
            await at_most(0.5, producer.abort_transaction())
            if not await at_most(2.0, producer.stop()):
                await at_most(0.5, producer.client.close())

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
