"""What holds for every answer: strict headers, no body, GET only, no page of a library."""

import asyncio
import contextlib
import logging

import aiohttp
import pytest

from monitor.wall.guard import HEADERS
from tests.support import web


def snapshot():
    return {"state": "live", "channels": []}


async def broken(_request):
    raise RuntimeError("T-4711 of Mrs Doe")


@contextlib.asynccontextmanager
async def serving():
    async with (
        web.serving(snapshot, extra=[("/broken", broken)]) as at,
        aiohttp.ClientSession(at.url) as client,
    ):
        yield at, client


async def raw(at, request):
    """Send bytes; return all that comes back until the connection is closed."""
    reader, writer = await asyncio.open_connection(at.host, at.port)
    try:
        writer.write(request)
        async with asyncio.timeout(5):
            return (await reader.read()).decode()
    finally:
        writer.close()


def is_strict(headers):
    return headers.items() >= HEADERS.items() and "Cache-Control" in headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("HEAD", "/", 200),
        ("GET", "/none", 404),
        ("GET", "/static/none", 404),
        ("POST", "/", 405),
        ("DELETE", "/snapshot.json", 405),
        ("OPTIONS", "/metrics", 404),
        ("PROPFIND", "/", 405),
        ("GET", "/broken", 500),
        ("HEAD", "/events", 405),
    ],
)
async def test_every_answer_has_strict_headers_and_one_sentence(method, path, status):
    async with serving() as (_, client), client.request(method, path) as response:
        assert response.status == status
        assert is_strict(response.headers), dict(response.headers)
        assert "aiohttp" not in str(response.headers)
        if status >= 400 and method != "HEAD":
            assert len((await response.text()).splitlines()) == 1


async def test_what_is_not_allowed_says_what_is():
    async with serving() as (_, client), client.post("/") as response:
        assert response.headers["Allow"] == "GET,HEAD"
        assert "only GET" in await response.text()


async def test_a_request_with_a_body_is_refused_unread_and_its_connection_ends():
    async with serving() as (at, _):
        head = b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"
        answer = await raw(at, head + b"x" * 1000)
        assert answer.startswith("HTTP/1.1 413 ")
        assert "Connection: close" in answer


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nbad header <script>\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"<script>" * 1200 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 65 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_what_is_no_request_gets_a_strict_400_that_repeats_nothing_of_it(request_bytes):
    async with serving() as (at, _):
        answer = await raw(at, request_bytes)
    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith(("HTTP/1.0 400 ", "HTTP/1.1 400 ")), answer
    assert all(f"{name}: {value}" in head for name, value in HEADERS.items())
    assert "Cache-Control: no-store" in head
    assert body == "This is no request that can be understood."


async def test_an_unknown_expectation_is_refused_with_strict_headers():
    expecting = {"Expect": "200-maybe"}
    async with serving() as (_, client), client.get("/", headers=expecting) as response:
        assert response.status == 417
        assert is_strict(response.headers)


async def test_an_error_of_ours_is_logged_and_its_text_is_sent_to_nobody(caplog):
    with caplog.at_level(logging.ERROR):
        async with serving() as (_, client), client.get("/broken?T=1") as response:
            assert "Mrs Doe" not in await response.text()
    (record,) = caplog.records
    assert record.name == "monitor.wall.guard"
    assert "/broken" in record.getMessage()
    assert record.exc_info[0] is RuntimeError
