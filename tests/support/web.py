"""The web port as `run` serves it, with any snapshot, and a certificate for it."""

import contextlib
import subprocess
from types import SimpleNamespace

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
    """Make a certificate for 127.0.0.1; return the paths of it and of its key."""
    paths = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-out", paths[0], "-keyout", paths[1]),
        ],
        check=True,
        capture_output=True,
    )
    return paths
