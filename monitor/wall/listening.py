"""The web port itself: an application behind TLS, and no more connections than it can bear.

aiohttp takes as many as come and waits for each as long as it likes. Here a connection has a
place or waits in the kernel's queue, and gives its place back after a while of silence.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, Final, cast

from aiohttp import web

from monitor.errors import UsageError
from monitor.wall.access import Access
from monitor.wall.guard import Guard, abort, sentence
from monitor.wall.settings import Limits, Tls, WebSettings
from monitor.wall.turns import CONNECTION, TLS_CONNECTION, Turns

BACKLOG: Final = 512
NO_DESCRIPTOR_SECONDS: Final = 0.5
"""How long to wait when the process can open no more files."""

TLS_CLOSE_SECONDS: Final = 2.0


@asynccontextmanager
async def listening(app: web.Application, settings: WebSettings) -> AsyncIterator[str]:
    """Serve an application that has its routes; yield the address.

    Raises `UsageError` when the port is taken or the certificate cannot be used.
    """
    tls = tls_context(settings.tls) if settings.tls else None
    sockets = await bound(settings)
    turns = Turns(settings.limits)
    guard = Guard(settings.limits, turns, is_secure=tls is not None)
    access = Access(settings.credentials, is_secure=tls is not None)
    app.middlewares.extend((guard.middleware, access.middleware))
    app.on_response_prepare.append(guard.on_prepare)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    try:
        await runner.setup()
        await Site(runner, sockets, settings.limits, guard, turns, tls).start()
        yield settings.address(sockets[0].getsockname()[1])
    finally:
        await runner.cleanup()
        for each in sockets:
            each.close()


async def bound(settings: WebSettings) -> list[socket.socket]:
    """Return the sockets that wait for connections; raises `UsageError`."""
    host, port = settings.host, settings.port
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, *_, address in dict.fromkeys(found):
            sockets.append(socket.create_server(address, family=family, backlog=BACKLOG))
            sockets[-1].setblocking(False)
            size = settings.limits.send_buffer_bytes
            sockets[-1].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
    except OSError as error:
        for each in sockets:
            each.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {(error.strerror or str(error)).lower()}; "
            "choose another --web-port or --web-host"
        ) from None
    return sockets


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Return what speaks TLS 1.2 or later with this certificate; raises `UsageError`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot use the certificate {tls.certificate} with the key {tls.key}: "
            f"{str(reason).lower().replace('_', ' ')}; both have to be PEM, the key without a "
            "password, and belong together"
        ) from None
    return context


def _no_password() -> str:
    raise ValueError("the key asks for a password")  # else OpenSSL asks for it on the terminal


class Connection(web.RequestHandler):
    """One connection. It tells when it is over, and what cannot be parsed gets strict headers."""

    __slots__ = ("_gone", "_guard", "_send_seconds")

    def __init__(
        self, server: web.Server, limits: Limits, guard: Guard, gone: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(server, loop=loop, access_log=None, **limits.parser())  # type: ignore[arg-type]
        self._gone = gone
        self._guard = guard
        self._send_seconds = limits.send_seconds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; nothing waits in our memory, so that what is written is known to be taken."""
        cast("asyncio.WriteTransport", transport).set_write_buffer_limits(0)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        super().connection_lost(exc)
        self._gone()

    def handle_error(self, request: web.BaseRequest, status: int = 500, *_: Any) -> web.Response:
        """Answer what never became a request, without a word of what was sent."""
        response = sentence(HTTPStatus(status))
        self._guard.add_headers(response)
        response.force_close()
        self._loop.call_later(self._send_seconds, abort, request)
        return response


class Site(web.BaseSite):
    """Takes connections as long as there is room for them."""

    __slots__ = (
        "_accepting",
        "_guard",
        "_limits",
        "_opening",
        "_room",
        "_sockets",
        "_tls",
        "_turns",
    )

    def __init__(
        self,
        runner: web.AppRunner,
        sockets: list[socket.socket],
        limits: Limits,
        guard: Guard,
        turns: Turns,
        tls: ssl.SSLContext | None,
    ) -> None:
        super().__init__(runner)
        self._sockets = sockets
        self._limits = limits
        self._guard = guard
        self._turns = turns
        self._tls = tls
        self._room = asyncio.Semaphore(limits.connections)
        self._accepting: list[asyncio.Task[None]] = []
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """What aiohttp calls it."""
        return str(self._sockets[0].getsockname())

    async def start(self) -> None:
        """Begin to take connections."""
        await super().start()
        self._accepting = [asyncio.create_task(self._accept(each)) for each in self._sockets]

    async def stop(self) -> None:
        """Take no more; those that are open are the runner's."""
        for task in (*self._accepting, *self._opening):
            task.cancel()
        await asyncio.gather(*self._accepting, *self._opening, return_exceptions=True)
        await super().stop()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._room.acquire()
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError:
                self._room.release()
                await asyncio.sleep(NO_DESCRIPTOR_SECONDS)
                continue
            turns = TLS_CONNECTION if self._tls else CONNECTION
            await asyncio.sleep(self._turns.take(loop.time(), turns))
            task = asyncio.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        server = self._runner.server
        assert server is not None  # noqa: S101 - it is set up
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                lambda: Connection(server, self._limits, self._guard, self._room.release),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._limits.handshake_seconds if self._tls else None,
                ssl_shutdown_timeout=TLS_CLOSE_SECONDS if self._tls else None,
            )
        except BaseException as error:
            # No Connection was made, or it would have given its place back itself.
            self._room.release()
            with suppress(OSError):
                connection.close()
            if not isinstance(error, OSError):  # ssl.SSLError is one: no TLS was spoken
                raise
