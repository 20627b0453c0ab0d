"""The wall's server: what it answers, what it spares the monitor, how it ends."""

import asyncio
import contextlib
import json
from types import SimpleNamespace

import aiohttp
import pytest

from monitor.wall.server import Wall
from monitor.wall.settings import Limits, WebSettings
from tests.support import web

SOON = 2.0


class Source:
    """A snapshot with a number, so that a test sees which one went out."""

    def __init__(self, state="live", filling=""):
        self.state = state
        self.filling = filling
        self.broken = False
        self.calls = 0

    def __call__(self):
        self.calls += 1
        if self.broken:
            raise RuntimeError("no view to take it from")
        return {"number": self.calls, "state": self.state, "filling": self.filling, "channels": []}


@contextlib.asynccontextmanager
async def serving(source, interval_seconds=0.05, settings=WebSettings()):  # noqa: B008
    async with contextlib.AsyncExitStack() as server:
        at = await server.enter_async_context(web.serving(source, settings, interval_seconds))
        async with aiohttp.ClientSession(at.url) as client:
            yield SimpleNamespace(get=client.get, host=at.host, port=at.port, stop=server.aclose)


async def next_event(response):
    lines = []
    async with asyncio.timeout(SOON):
        while (line := await response.content.readline()) not in (b"\n", b""):
            lines.append(line.decode().rstrip("\n").split(": ", 1))
    fields = dict(lines)
    return fields | {"data": json.loads(fields["data"])} if "data" in fields else fields


@pytest.mark.parametrize(
    "path", ["/", "/static/wall.js", "/static/none", "/events", "/snapshot.json", "/readyz"]
)
async def test_every_answer_has_the_strict_headers(path):
    async with serving(Source()) as client, client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/events", "/snapshot.json", "/healthz", "/readyz"])
async def test_what_changes_is_never_stored(path):
    async with serving(Source()) as client, client.get(path) as response:
        assert response.headers["Cache-Control"] == "no-store"


async def test_a_static_file_that_is_known_already_is_not_sent_again():
    async with serving(Source()) as client:
        first = await client.get("/static/wall.css")
        again = await client.get(
            "/static/wall.css", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert first.status == 200
        assert first.content_type == "text/css"
        assert again.status == 304
        assert await again.read() == b""


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("wall.js", "text/javascript"),
        ("uPlot.iife.min.js", "text/javascript"),
        ("uPlot.min.css", "text/css"),
        ("uPlot.LICENSE.txt", "text/plain"),
        ("icon.svg", "image/svg+xml"),
    ],
)
async def test_static_files_have_their_types(name, content_type):
    async with serving(Source()) as client:
        response = await client.get(f"/static/{name}")
        assert (response.status, response.content_type) == (200, content_type)


@pytest.mark.parametrize("name", ["..%2fserver.py", "%2e%2e/server.py", "none.js"])
async def test_nothing_outside_the_static_folder_is_served(name):
    async with serving(Source()) as client:
        assert (await client.get(f"/static/{name}")).status == 404


async def test_the_page_has_no_inline_script_or_style():
    async with serving(Source()) as client:
        page = await (await client.get("/")).text()
        assert "style=" not in page
        assert "<style" not in page
        assert page.count("<script") == page.count("<script src=")


async def test_the_snapshot_can_be_had_as_json():
    async with serving(Source()) as client:
        response = await client.get("/snapshot.json")
        assert response.content_type == "application/json"
        assert (await response.json())["number"] == 1


async def test_whoever_asks_a_snapshot_is_taken_once_an_interval():
    source = Source()
    async with serving(source, interval_seconds=60) as client:
        for path in ("/snapshot.json", "/readyz", "/snapshot.json"):
            await client.get(path)
        assert source.calls == 1


async def test_a_new_listener_gets_a_snapshot_at_once():
    async with serving(Source(), interval_seconds=60) as client, client.get("/events") as stream:
        event = await next_event(stream)
        assert event["id"] == "1"
        assert event["retry"] == "1000"
        assert event["data"]["number"] == 1
        assert stream.content_type == "text/event-stream"


async def test_one_snapshot_is_computed_for_many_listeners():
    source = Source()
    async with serving(source) as client, contextlib.AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(client.get("/events")) for _ in range(20)]
        for stream in streams:
            while (await next_event(stream))["data"]["number"] < 5:
                pass
        # Twenty listeners with a computation each would have made a hundred.
        assert source.calls < 15


async def test_nothing_is_computed_while_nobody_listens():
    source = Source()
    async with serving(source, interval_seconds=0.01) as client:
        async with client.get("/events") as stream:
            await next_event(stream)
        async with asyncio.timeout(SOON):
            calls = -1
            while calls != source.calls:
                calls = source.calls
                await asyncio.sleep(0.05)


async def test_streams_end_at_once_when_the_server_stops():
    async with serving(Source(), interval_seconds=60) as client, client.get("/events") as stream:
        await next_event(stream)
        async with asyncio.timeout(SOON):
            await client.stop()
            assert await stream.content.read() == b""


async def test_a_listener_that_reads_nothing_does_not_hold_the_server_back():
    source = Source(filling="x" * 20_000_000)
    async with serving(source) as client:
        reader, writer = await asyncio.open_connection(client.host, client.port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: wall\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        reader._transport.pause_reading()
        await asyncio.sleep(0.1)
        async with asyncio.timeout(SOON):
            await client.stop()
        writer.close()


@pytest.mark.parametrize(
    ("state", "status", "word"),
    [
        ("live", 200, "ready"),
        ("behind", 200, "ready"),
        ("starting", 503, "recovered"),
        ("broker_away", 503, "broker is away"),
        ("unheard of", 503, "unheard of"),
    ],
)
async def test_readiness_follows_the_state_of_the_snapshot(state, status, word):
    async with serving(Source(state)) as client:
        response = await client.get("/readyz")
        assert response.status == status
        assert word in await response.text()


async def test_the_process_is_healthy_whatever_its_state():
    async with serving(Source("broker_away")) as client:
        response = await client.get("/healthz")
        assert (response.status, await response.text()) == (200, "ok")


async def test_a_failing_snapshot_stops_nothing_and_is_tried_again(caplog):
    source = Source()
    async with serving(source, interval_seconds=0.01) as client, client.get("/events") as stream:
        await next_event(stream)
        source.broken = True
        while "data" in await next_event(stream):
            pass
        assert (await client.get("/readyz")).status == 503
        assert (await client.get("/snapshot.json")).status == 503
        assert (await client.get("/healthz")).status == 200
        source.broken = False
        while "data" not in await next_event(stream):
            pass
        assert (await client.get("/readyz")).status == 200
    assert "no view to take it from" in caplog.text


async def test_more_walls_than_there_is_room_for_are_told_so_until_one_closes():
    settings = WebSettings(limits=Limits(streams=2))
    async with serving(Source(), settings=settings) as client, contextlib.AsyncExitStack() as open_:
        for _ in range(2):
            stream = await open_.enter_async_context(client.get("/events"))
            await next_event(stream)
        async with client.get("/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            assert "2 walls are open already" in await refused.text()
        await open_.aclose()
        async with asyncio.timeout(SOON):
            while (await client.get("/events")).status != 200:
                await asyncio.sleep(0.01)


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(ValueError, match="interval_seconds"):
        Wall(Source(), interval_seconds=0)
