"""The port itself: who holds a connection for nothing loses it, and others are served."""

import asyncio
import contextlib
import resource
import socket
import ssl

import aiohttp
import pytest

from monitor.errors import UsageError
from monitor.wall.listening import tls_context
from monitor.wall.settings import Limits, Tls, WebSettings
from tests.support import web

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
BIG = 4_000_000


def snapshot():
    return {"state": "live", "channels": [], "filling": "x" * BIG}


def serving(tls=None, **limits):
    return web.serving(snapshot, WebSettings(limits=Limits(**limits), tls=tls))


@contextlib.asynccontextmanager
async def connected(at, **options):
    reader, writer = await asyncio.open_connection(at.host, at.port, **options)
    try:
        yield reader, writer
    finally:
        writer.close()


async def is_served(at, within=5.0, tls=None):
    async with asyncio.timeout(within), connected(at, ssl=tls) as (reader, writer):
        writer.write(REQUEST)
        return (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")


async def ends(reader, within=5.0):
    async with asyncio.timeout(within):
        with contextlib.suppress(ConnectionError):
            await reader.read()


async def test_headers_that_trickle_in_do_not_keep_a_connection():
    async with serving(idle_seconds=0.3) as at, connected(at) as (reader, writer):

        async def trickle():
            with contextlib.suppress(ConnectionError):
                writer.write(b"GET / HTTP/1.1\r\n")
                while True:
                    writer.write(b"X-A: b\r\n")
                    await asyncio.sleep(0.05)

        trickling = asyncio.create_task(trickle())
        await ends(reader)
        trickling.cancel()


async def test_a_second_request_that_trickles_in_does_not_either():
    async with serving(idle_seconds=0.3) as at, connected(at) as (reader, writer):
        writer.write(REQUEST)
        await reader.readuntil(b"ok")
        writer.write(b"GET / HTTP/1.1\r\nX-A: ")
        await ends(reader)


async def test_a_full_house_lets_others_wait_and_serves_them_when_there_is_room():
    async with serving(connections=3, idle_seconds=0.5) as at, contextlib.AsyncExitStack() as idle:
        for _ in range(3):
            await idle.enter_async_context(connected(at))
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            await is_served(at, within=0.1)
        assert await is_served(at)


async def test_places_are_given_back_however_a_connection_ends():
    async with serving(connections=2) as at:
        for _ in range(4):
            async with connected(at) as (reader, writer):
                writer.write(b"nonsense\r\n\r\n")
                await ends(reader)
            async with connected(at) as (_, writer):
                writer.transport.abort()
            assert await is_served(at)


async def test_who_does_not_take_an_answer_loses_the_connection():
    async with serving(send_seconds=0.3, connections=1) as at:
        with socket.create_connection((at.host, at.port)) as deaf:
            deaf.sendall(b"GET /snapshot.json HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await is_served(at)


async def test_a_stream_that_is_not_read_loses_the_connection():
    async with serving(send_seconds=0.3, connections=1) as at:
        with socket.create_connection((at.host, at.port)) as deaf:
            deaf.sendall(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await is_served(at)


async def test_requests_sent_ahead_without_reading_fill_no_memory_and_lose_the_connection():
    request = b"GET /snapshot.json HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving(send_seconds=0.3, connections=1) as at:
        with socket.create_connection((at.host, at.port)) as deaf:
            deaf.sendall(request * 1000 + b"nonsense\r\n\r\n")
            assert await is_served(at)


async def test_a_process_out_of_descriptors_goes_on_when_it_has_some_again():
    async with serving() as at:
        with contextlib.ExitStack() as taken, few_files():
            client = taken.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(OSError):
                while True:
                    taken.enter_context(socket.socket())
            await asyncio.get_running_loop().sock_connect(client, (at.host, at.port))
            await asyncio.sleep(0.1)
        assert await is_served(at)


@contextlib.contextmanager
def few_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# -- TLS


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return Tls(*web.certificate(tmp_path_factory.mktemp("tls")))


def trusting(tls):
    return ssl.create_default_context(cafile=tls.certificate)


async def test_tls_is_spoken_with_the_certificate_given(tls):
    async with (
        serving(tls) as at,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting(tls))) as client,
        client.get(f"{at.url}healthz") as response,
    ):
        assert at.url.startswith("https://")
        assert response.status == 200


def test_tls_before_1_2_is_not_spoken(tls):
    assert tls_context(tls).minimum_version == ssl.TLSVersion.TLSv1_2


async def test_handshakes_that_do_not_come_keep_no_place(tls):
    async with serving(tls, connections=2, handshake_seconds=0.3) as at:
        with (
            socket.create_connection((at.host, at.port)),
            socket.create_connection((at.host, at.port)) as plain,
        ):
            plain.sendall(REQUEST)
            assert await is_served(at, tls=trusting(tls))


@pytest.mark.parametrize("fault", ["none", "no pem", "swapped", "other key"])
def test_a_certificate_that_cannot_be_used_is_said_with_its_files(tls, tmp_path, fault):
    other = web.certificate(tmp_path)
    junk = tmp_path / "junk.pem"
    junk.write_text("no pem")
    wrong = {
        "none": Tls(tmp_path / "missing.pem", tls.key),
        "no pem": Tls(junk, tls.key),
        "swapped": Tls(tls.key, tls.certificate),
        "other key": Tls(tls.certificate, other[1]),
    }[fault]
    with pytest.raises(UsageError) as caught:
        tls_context(wrong)
    assert str(wrong.certificate) in str(caught.value)
    assert str(wrong.key) in str(caught.value)


async def test_a_port_that_is_taken_is_said():
    async with serving() as at:
        with pytest.raises(UsageError, match="choose another --web-port"):
            async with web.serving(snapshot, WebSettings(port=at.port)):
                pass


async def test_a_host_that_is_not_here_is_said():
    for host in ("192.0.2.1", "no-such-host.invalid"):
        with pytest.raises(UsageError, match=f"cannot listen on {host}"):
            async with web.serving(snapshot, WebSettings(host=host)):
                pass
