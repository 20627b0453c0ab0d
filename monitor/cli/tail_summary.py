"""`tail --summary`: the figures that all hosts publish, added up, for people and for pipes.

It needs no policy: each host says which one it goes by.
"""

import json
import sys
import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Final

from monitor.cli.tail_reader import News, read
from monitor.cli.tail_watch import reader_watch
from monitor.errors import TopicError, UsageError
from monitor.observability.figures import Health, State, overview
from monitor.observability.summary import summary
from monitor.observability.whole import Elsewhere
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY
from monitor.streaming import topics
from monitor.streaming.settings import Settings
from monitor.streaming.stats import published_in

_LOOK_BACK_SECONDS: Final = 60
"""Each partition is told of every 3 s: what is older than this is nobody's."""

_REFRESH_SECONDS: Final = 1.0


class Picture:
    """What was heard so far."""

    def __init__(self, app_id: str | None, partitions: int) -> None:
        self._wanted = app_id
        self._app_ids: set[str] = set()
        self._elsewhere = Elsewhere(host="")
        self._elsewhere.listening(partitions, time.monotonic() - _LOOK_BACK_SECONDS)
        self._policy = DEFAULT_POLICY
        self._answers = True

    def take(self, news: News) -> None:
        """Take what has come; raises `UsageError` when it comes of several monitors."""
        for record in news.records:
            found = published_in(record)
            if found and self._is_meant(found[0]):
                age = max(0.0, time.time() - record.timestamp / 1000)
                self._elsewhere.heard(found[1], time.monotonic() - age)
                self._policy = found[1].policy
        self._answers = news.broker_answers

    def _is_meant(self, app_id: str) -> bool:
        if self._wanted is not None:
            return app_id == self._wanted
        self._app_ids.add(app_id)
        if len(self._app_ids) > 1:
            names = " and ".join(sorted(self._app_ids))
            raise UsageError(f"{names} share this topic; name one of them with --app-id")
        return True

    def summary(self, channels: Collection[str]) -> dict[str, Any]:
        """Return all of it as of now."""
        now = time.monotonic()
        nothing_of_our_own = Health(
            now=time.time(),
            state=State.LIVE if self._answers else State.BROKER_AWAY,
            clock=None,
            lag_records=0,
            partitions=0,
            partitions_caught_up=0,
            last_commit=0.0,
        )
        parts, health = self._elsewhere.whole([], nothing_of_our_own, now)
        heard = self._elsewhere.last_heard(now)
        view = overview(self._policy, parts, health)
        return summary(view, heard, channels)


async def show(
    settings: Settings,
    app_id: str | None,
    timeout_seconds: float,
    channels: Collection[str],
    *,
    people: bool,
    follow: bool,
) -> None:
    """Print the summary once, or again and again until Ctrl-C; raises `SlaMonitorError`.

    Without an app id it is that of the only monitor there is.
    """
    reader_is_there = reader_watch(sys.stdout.buffer)
    since = _LOOK_BACK_SECONDS * SECOND
    reading = read(settings, settings.topics.stats, timeout_seconds, since, follow=follow)
    display, write = _table() if people else (nullcontext(), _json_line)
    picture, shown_at = None, 0.0
    async with aclosing(reading):
        with display:
            async for news in reading:
                picture = picture or Picture(app_id, await _partitions(settings))
                picture.take(news)
                if follow and time.monotonic() - shown_at >= _REFRESH_SECONDS:
                    shown_at = time.monotonic()
                    write(picture.summary(channels))
                if not reader_is_there():
                    raise BrokenPipeError
            if not follow:
                picture = picture or Picture(app_id, await _partitions(settings))
                write(picture.summary(channels))


async def _partitions(settings: Settings) -> int:
    """Return how many partitions there are to be served."""
    name = settings.topics.created
    async with topics.admin_client(settings) as admin:
        counts = await topics.partition_counts(admin, [name])
    if name not in counts:
        raise TopicError(
            f"topic {name} is not on {settings.bootstrap}; create it: "
            f"sla-monitor topics create --broker {settings.bootstrap}"
        )
    return counts[name]


def _json_line(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


def _table() -> tuple[AbstractContextManager[Any], Callable[[dict[str, Any]], None]]:
    """Return a display that is redrawn in place, and what draws on it."""
    from rich.live import Live  # noqa: PLC0415 - for terminals only

    from monitor.cli.tail_table import tables  # noqa: PLC0415

    live = Live(auto_refresh=False)
    return live, lambda value: live.update(tables(value), refresh=True)
