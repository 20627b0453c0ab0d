"""The web port as `run` serves it, with any snapshot, and a certificate for it."""

import contextlib
from types import SimpleNamespace

import trustme
from aiohttp import web

from monitor.wall.listening import listening
from monitor.wall.server import Wall
from monitor.wall.settings import WebSettings


@contextlib.asynccontextmanager
async def serving(source, settings=WebSettings(), interval_seconds=0.05, extra=()):  # noqa: B008
    """Serve a wall; yield where: host, port and url. `extra` are (path, handler)."""
    app = web.Application()
    Wall(source, interval_seconds=interval_seconds, limits=settings.limits).add_routes(app)
    for path, handler in extra:
        app.router.add_get(path, handler)
    async with listening(app, settings) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        yield SimpleNamespace(url=address, host=settings.host, port=port)


def certificate(folder):
    """Make a certificate for this machine; return its path and that of its key.

    The first file holds the authority too, so it is what a client has to trust as well.
    """
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    paths = folder / "cert.pem", folder / "key.pem"
    for pem in (*issued.cert_chain_pems, authority.cert_pem):
        pem.write_to_path(paths[0], append=True)
    issued.private_key_pem.write_to_path(paths[1])
    return paths
