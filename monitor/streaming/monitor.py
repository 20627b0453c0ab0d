"""The monitor as one thing with a life: topics checked, app and partitions, figures, an end."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from monitor.errors import BrokerRefusedError
from monitor.observability.figures import Health, State
from monitor.observability.stats import Delays, PartitionStats, partition_stats
from monitor.sla.events import SECOND
from monitor.sla.policy import Policy
from monitor.streaming import topics
from monitor.streaming.app import create_app
from monitor.streaming.partition import PartitionTask
from monitor.streaming.partitions import Partitions
from monitor.streaming.refusal import why_not
from monitor.streaming.settings import KINDS, Settings
from monitor.streaming.shown import WORK_RATIO, Shown
from monitor.streaming.state import PartitionState
from monitor.streaming.store import KafkaStore
from monitor.streaming.tasks import at_most, end, outline
from monitor.streaming.transport import Consumer

log = logging.getLogger(__name__)

AWAY_SECONDS: Final = 3.0
"""With no answer for this long the broker is said to be away."""

REFUSAL_SECONDS: Final = 5.0
"""How often a broker that is away is asked whether it is there and does not want us."""


class Monitor:
    """Runs the partitions of one worker; `start` and `stop` once each."""

    def __init__(self, settings: Settings, policy: Policy, shadow: Policy | None = None) -> None:
        self.settings = settings
        self.policy = policy
        self.shadow = shadow
        """One that is only tried, see `monitor.sla.shadow`."""
        self.delays = Delays()
        """From due to committed, since this process began."""
        self._partitions = Partitions(self._open_task)
        self._shown: WeakKeyDictionary[PartitionState, Shown] = WeakKeyDictionary()
        self._kinds: dict[str, str] = {}
        self._app: Any = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> tuple[tuple[str, ...], int]:
        """Check topics and join the group; return what is read and how many partitions it has.

        Raises `BrokerUnreachableError` and `TopicError`; what goes wrong later is mended.
        """
        inputs, partitions = await self._prepare(self.policy)
        self._supervisor = asyncio.create_task(self._supervise(), name="supervisor")
        return inputs, partitions

    async def _prepare(self, policy: Policy) -> tuple[tuple[str, ...], int]:
        inputs, partitions = await topics.prepare(self.settings, exchange=bool(policy.clocks))
        self._kinds = {
            name: kind
            for name, kind in zip(self.settings.topics.inputs, KINDS, strict=True)
            if name in inputs
        }
        return inputs, partitions

    async def change_policy(self, policy: Policy, shadow: Policy | None = None) -> None:
        """Have every partition go on under other policies, from its next commit on.

        Raises what `topics.prepare` raises, where the policy asks for other topics.
        """
        reads_other = bool(policy.clocks) != bool(self.policy.clocks)
        if self._supervisor is not None and reads_other:
            await self._prepare(policy)
        self.policy, self.shadow = policy, shadow
        if self._app is not None and reads_other:
            # The partitions are opened again: reading other topics takes another subscription.
            await self._app.stop()
        for task in self._partitions.tasks.values():
            task.change_policy(policy, shadow)

    async def stop(self, timeout_seconds: float = 2.5) -> None:
        """Commit what is done and leave the group; what takes longer is done at the next start."""
        if self._supervisor is None:
            return
        supervisor, self._supervisor = self._supervisor, None
        await self._partitions.close(0.6 * timeout_seconds)
        await end([supervisor])
        await self._stop_app(0.2 * timeout_seconds)

    def parts(self) -> list[PartitionStats]:
        """Return the figures of the partitions that are open, as of a moment ago."""
        return list(self.each_part())

    def each_part(self) -> Iterator[PartitionStats]:
        """Yield the figures of one open partition after the other, as `Shown` has them."""
        tasks = list(self._partitions.tasks.values())
        for task in tasks:
            task.refresh()
            if task.state:
                lag, caught_up = task.lag(), not task.behind()
                shown = self._shown.setdefault(task.state, Shown()).read(
                    partial(_work_out, task, task.state, caught_up=caught_up),
                    task.counts,
                    caught_up=caught_up,
                    is_far_behind=not caught_up and lag > self.settings.max_poll_records,
                    work_ratio=WORK_RATIO / len(tasks),
                )
                yield replace(shown, lag=lag, caught_up=caught_up, last_commit=task.last_commit)

    def health(self) -> Health:
        """Return how the monitor is doing."""
        tasks = list(self._partitions.tasks.values())
        caught_up = sum(not task.behind() for task in tasks)
        clocks = [task.state.engine.clock for task in tasks if task.state]
        return Health(
            now=time.time(),
            state=self._state(tasks, caught_up),
            clock=min(clocks) / SECOND if any(clocks) else None,
            lag_records=sum(task.lag() for task in tasks),
            partitions=len(tasks),
            partitions_caught_up=caught_up,
            last_commit=max((task.last_commit for task in tasks), default=0.0),
            delays=self.delays,
            owned=tuple(sorted(task.number for task in tasks)),
        )

    def _state(self, tasks: Sequence[PartitionTask], caught_up: int) -> State:
        consumer: Consumer | None = self._app.consumer if self._app else None
        heard = consumer.heard_at() if consumer and tasks else 0.0
        if heard and time.time() - heard > AWAY_SECONDS:
            state = State.BROKER_AWAY
        elif any(task.state is None for task in tasks) or not (tasks or self._is_idle()):
            state = State.STARTING
        else:
            state = State.LIVE if caught_up == len(tasks) else State.BEHIND
        return state

    def _is_idle(self) -> bool:
        """Tell whether it is in the group with nothing to do: there are more workers than work."""
        return bool(
            self._app
            and self._app.consumer_generation_id > 0
            and self._app.consumer
            and not self._app.consumer.assignment()
        )

    def _open_task(self, number: int) -> PartitionTask:
        consumer = self._app.consumer
        return PartitionTask(
            number,
            self.settings,
            self.policy,
            consumer,
            KafkaStore(self.settings, number, self._kinds, consumer),
            self._kinds,
            over_at_reply=self.settings.topics.closed not in self._kinds,
            on_commit=self.delays.observe,
            shadow=self.shadow,
        )

    async def _supervise(self) -> None:
        """Keep an app running: one that crashed is replaced, the partitions begin again."""
        pause = self.settings.retry_seconds
        while True:
            watchers = [
                asyncio.create_task(self._watch_broker(), name="broker-watch"),
                asyncio.create_task(self._watch_group(), name="group-watch"),
            ]
            started = time.monotonic()
            try:
                self._app = create_app(self.settings, self._kinds, self._partitions)
                await self._app.start()
                await self._app.wait_until_stopped()
                why = outline(self._app.crash_reason)
                log.warning("the worker stopped: %s; starting another", why)
            except Exception as error:  # noqa: BLE001 - whatever it is, the monitor lives on
                log.warning("the worker failed: %s; starting another", outline(error))
            finally:
                for watcher in watchers:
                    watcher.cancel()
            await self._partitions.drop(1.0)
            await self._stop_app(2.0)
            if time.monotonic() - started > 60:  # noqa: PLR2004
                pause = self.settings.retry_seconds
            await asyncio.sleep(pause)
            pause = min(2 * pause, 10.0)

    async def _watch_broker(self) -> None:
        """Say once when the broker goes away, why it refuses us if it does, and when it is back."""
        away, told, looked = False, "", 0.0
        while True:
            await asyncio.sleep(1.0)
            was_away, away = away, self.health().state is State.BROKER_AWAY
            if away and not was_away:
                log.warning("the broker is away; going on as soon as it answers")
            elif was_away and not away:
                log.info("the broker is back")
                told = ""
            if away and time.monotonic() - looked > REFUSAL_SECONDS:
                reason = await why_not(self.settings)
                looked = time.monotonic()
                if isinstance(reason, BrokerRefusedError) and str(reason) != told:
                    told = str(reason)
                    log.warning("%s", told)

    async def _watch_group(self) -> None:
        """Have the app crash, and so replaced, when it takes no more part in the group."""
        while True:
            await asyncio.sleep(1.0)
            consumer: Consumer | None = self._app.consumer if self._app else None
            failure = consumer.left_for_good() if consumer else None
            if failure is not None:
                await self._app.crash(failure)
                return

    async def _stop_app(self, timeout_seconds: float) -> None:
        app, self._app = self._app, None
        if app is None:
            return
        await at_most(timeout_seconds, app.stop())


def _work_out(task: PartitionTask, state: PartitionState, *, caught_up: bool) -> PartitionStats:
    return partition_stats(
        task.number,
        state.engine,
        measures=state.measures,
        counts=task.counts,
        lag=0,
        caught_up=caught_up,
        last_commit=task.last_commit,
        shadow=state.shadow,
    )
