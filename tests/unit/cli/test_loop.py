"""The end of a TLS connection is not waited for longer than a moment."""

import asyncio
import socket
import ssl
import threading
import time

import pytest
import trustme

from monitor.cli import loop


@pytest.fixture
def silent():
    """A TLS server that never says goodbye: it takes one connection and reads nothing of it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listening.accept()
        with context.wrap_socket(connection, server_side=True):
            over.wait()

    thread = threading.Thread(target=serve)
    thread.start()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    yield listening.getsockname()[1], trusting
    over.set()
    thread.join()
    listening.close()


def test_a_tls_connection_ends_soon_though_the_other_side_says_nothing(silent):
    port, context = silent

    async def seconds_to_close():
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        began = time.monotonic()
        writer.close()
        await asyncio.wait([asyncio.ensure_future(writer.wait_closed())])
        return time.monotonic() - began

    # uvloop alone takes 30 s.
    assert loop.run(seconds_to_close()) < 10
