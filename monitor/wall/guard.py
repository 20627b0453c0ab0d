"""What holds for every answer of the web port, whichever part gives it."""

import asyncio
import logging
from http import HTTPStatus
from typing import Final, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.wall.settings import Limits
from monitor.wall.turns import Turns

log: Final = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Server": "sla-monitor",  # else aiohttp tells its version and Python's
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that know no frame-ancestors
}

TLS_ONLY: Final = {"Strict-Transport-Security": "max-age=31536000"}

SENTENCES: Final = {
    HTTPStatus.BAD_REQUEST: "This is no request that can be understood.",
    HTTPStatus.NOT_FOUND: "There is nothing here; the wall is at /.",
    HTTPStatus.METHOD_NOT_ALLOWED: "There is nothing to change here: only GET is answered.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "A request has no body here.",
}


class Guard:
    """Gives every answer the strict headers, refuses what nobody needs, and bounds the sending."""

    def __init__(self, limits: Limits, turns: Turns, *, is_secure: bool) -> None:
        self._headers = HEADERS | TLS_ONLY if is_secure else HEADERS
        self._send_seconds = limits.send_seconds
        self._turns = turns

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer, whatever happens: errors get a sentence, never a page of the library."""
        if wait := self._turns.take(asyncio.get_running_loop().time()):
            await asyncio.sleep(wait)
        try:
            if request.body_exists:
                response: web.StreamResponse = sentence(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                response.force_close()
            else:
                response = await handler(request)
        except web.HTTPException as error:
            response = sentence(HTTPStatus(error.status))
            if allowed := error.headers.get("Allow"):
                response.headers["Allow"] = allowed
        except ConnectionError:
            raise
        except Exception:
            log.exception("the web port cannot answer a request for %s", request.match_info.route)
            response = sentence(HTTPStatus.INTERNAL_SERVER_ERROR)
        if isinstance(response, web.Response):  # a stream has sent itself
            await self._send(request, response)
        return response

    async def on_prepare(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers, as every answer of the application goes out."""
        self.add_headers(response)

    def add_headers(self, response: web.StreamResponse) -> None:
        """Add the strict headers; what changes is not stored, unless its part says otherwise."""
        response.headers.update(self._headers)
        response.headers.setdefault("Cache-Control", "no-store")

    async def _send(self, request: web.Request, response: web.Response) -> None:
        """Send the answer, and break with whom does not take it."""
        try:
            async with asyncio.timeout(self._send_seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            abort(request)
            raise ConnectionResetError from None


def sentence(status: HTTPStatus) -> web.Response:
    """Return an error as one line of text."""
    return web.Response(text=SENTENCES.get(status, f"{status.phrase}."), status=status)


def abort(request: web.BaseRequest) -> None:
    """Break a connection, with all that is still to be sent."""
    if request.transport is not None:
        cast("asyncio.WriteTransport", request.transport).abort()
