"""Serves the wall: the page, its live events, and whether this worker is well."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web

from monitor.wall.assets import Asset, load_assets
from monitor.wall.broadcast import Broadcaster, Listener
from monitor.wall.guard import abort
from monitor.wall.settings import DEFAULT_LIMITS, Limits

STORED: Final = {"Cache-Control": "no-cache"}  # kept, but asked about by its ETag

NOT_READY: Final = {
    "starting": "Starting: the state is still being recovered, there are no figures yet.",
    "broker_away": "The broker is away: figures are not current until it can be reached again.",
}
READY: Final = frozenset({"live", "behind"})
NO_SNAPSHOT: Final = "The snapshot failed: the monitor's log has the reason."
RETRY_AFTER_SECONDS: Final = "5"


class Wall:
    """Serves the page and its live events.

    `snapshot` is called on the event loop, at most once an interval. The page calls figures
    stale after 3 seconds without a new one, so the interval must be well below.
    """

    def __init__(
        self,
        snapshot: Callable[[], Mapping[str, Any]],
        *,
        interval_seconds: float = 1.0,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._broadcaster = Broadcaster(snapshot, interval_seconds)
        self._limits = limits
        self._assets = load_assets()

    def add_routes(self, app: web.Application) -> None:
        """Add the wall to an application that has not started yet."""
        app.router.add_get("/", self._page)
        app.router.add_get("/static/{name}", self._static)
        app.router.add_get("/events", self._events, allow_head=False)
        app.router.add_get("/snapshot.json", self._snapshot)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/readyz", self._readiness)
        app.cleanup_ctx.append(self._broadcasting)
        # Before cleanup: aiohttp waits for open requests first, and a stream never ends by itself.
        app.on_shutdown.append(self._end_streams)

    async def _broadcasting(self, _app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._broadcaster.run(), name="wall-broadcaster")
        yield
        self._broadcaster.end()
        task.cancel()
        await asyncio.wait([task])

    async def _end_streams(self, _app: web.Application) -> None:
        self._broadcaster.end()

    async def _page(self, request: web.Request) -> web.Response:
        return _serve(self._assets["index.html"], request)

    async def _static(self, request: web.Request) -> web.Response:
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            return _text("There is no such file.", HTTPStatus.NOT_FOUND)
        return _serve(asset, request)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._broadcaster.listeners >= self._limits.streams:
            busy = f"{self._limits.streams} walls are open already; close one and try again."
            response = _text(busy, HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = RETRY_AFTER_SECONDS
            return response
        return await self._stream(request)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        )
        listener = Listener(lambda: abort(request), self._limits.send_seconds)
        with self._broadcaster.listening(listener), suppress(ConnectionError, TimeoutError):
            await response.prepare(request)
            await listener.relay(response.write)
        return response

    async def _snapshot(self, _request: web.Request) -> web.Response:
        frame = self._broadcaster.newest()
        if frame is None:
            return _text(NO_SNAPSHOT, HTTPStatus.SERVICE_UNAVAILABLE)
        return web.Response(body=frame.body, content_type="application/json")

    async def _health(self, _request: web.Request) -> web.Response:
        return _text("ok")

    async def _readiness(self, _request: web.Request) -> web.Response:
        frame = self._broadcaster.newest()
        if frame is None:
            return _text(NO_SNAPSHOT, HTTPStatus.SERVICE_UNAVAILABLE)
        if frame.state in READY:
            return _text("ready")
        sentence = NOT_READY.get(frame.state, f"Not ready: the state is {frame.state!r}.")
        return _text(sentence, HTTPStatus.SERVICE_UNAVAILABLE)


def _serve(asset: Asset, request: web.Request) -> web.Response:
    known = {tag.value for tag in request.if_none_match or ()}
    if asset.etag in known:
        response = web.Response(status=HTTPStatus.NOT_MODIFIED, headers=STORED)
    else:
        response = web.Response(
            body=asset.body, content_type=asset.content_type, charset="utf-8", headers=STORED
        )
    response.etag = asset.etag
    return response


def _text(sentence: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(text=sentence, status=status)
