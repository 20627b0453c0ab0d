"""/metrics: one text for all who scrape at about the same time.

Making it takes some 10 ms on the loop that judges tickets. Whoever scrapes in a loop, or as ten
Prometheuses, gets what was made a moment ago.
"""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from aiohttp import web

from monitor.observability.exposition import CONTENT_TYPE

WORK_RATIO: Final = 0.1
"""The share of the time that may be spent on making the text."""

LONGEST_SECONDS: Final = 0.25
"""The text is never older than this, however long it took to make."""


@dataclass(frozen=True)
class Text:
    """An exposition as it goes out."""

    plain: bytes

    @cached_property
    def zipped(self) -> bytes:
        """The same for those that take gzip, which Prometheus does."""
        return gzip.compress(self.plain, compresslevel=1, mtime=0)


class MetricsPage:
    """Answers scrapes; `make` returns the text as of now."""

    def __init__(self, make: Callable[[], Awaitable[str]]) -> None:
        self._make = make
        self._making: asyncio.Task[Text] | None = None
        self._good_until = 0.0

    def add_routes(self, app: web.Application) -> None:
        """Add /metrics to an application that has not started yet."""
        app.router.add_get("/metrics", self._answer)

    async def newest(self) -> Text:
        """Return the newest text; raises what making it raised."""
        now = asyncio.get_running_loop().time()
        making = self._making
        if making is None or (making.done() and now >= self._good_until):
            making = self._making = asyncio.create_task(self._take(now))
        # Shielded: who goes away must not take it from those who stay.
        return await asyncio.shield(making)

    async def _take(self, began: float) -> Text:
        text = Text((await self._make()).encode())
        ended = asyncio.get_running_loop().time()
        self._good_until = ended + min((ended - began) / WORK_RATIO, LONGEST_SECONDS)
        return text

    async def _answer(self, request: web.Request) -> web.Response:
        text = await self.newest()
        headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
        if "gzip" not in request.headers.get("Accept-Encoding", "").lower():
            return web.Response(body=text.plain, headers=headers)
        return web.Response(body=text.zipped, headers=headers | {"Content-Encoding": "gzip"})
