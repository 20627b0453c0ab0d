"""/metrics is made once for all who ask at about the same time."""

import asyncio
import gzip
from types import SimpleNamespace

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from monitor.observability.exposition import CONTENT_TYPE
from monitor.wall.metrics import LONGEST_SECONDS, MetricsPage


class Maker:
    """Makes texts with a number, in a time that the test says."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.made = 0
        self.broken = False

    async def __call__(self):
        await asyncio.sleep(self.seconds)
        if self.broken:
            raise RuntimeError
        self.made += 1
        return f"number {self.made}\n"


async def test_all_who_ask_while_it_is_made_get_the_same():
    maker = Maker(0.02)
    page = MetricsPage(maker)
    texts = await asyncio.gather(*(page.newest() for _ in range(20)))
    assert [text.plain for text in texts] == [b"number 1\n"] * 20


async def test_who_asks_again_and_again_takes_a_tenth_of_the_time():
    maker = Maker(0.01)
    page = MetricsPage(maker)
    async with asyncio.timeout(5):
        until = asyncio.get_running_loop().time() + 0.5
        while asyncio.get_running_loop().time() < until:
            await page.newest()
            await asyncio.sleep(0)
    assert 2 <= maker.made <= 6


async def test_one_that_took_long_to_make_is_not_kept_for_long():
    maker = Maker(0.2)
    page = MetricsPage(maker)
    await page.newest()
    await asyncio.sleep(LONGEST_SECONDS + 0.01)
    assert (await page.newest()).plain == b"number 2\n"


async def test_a_failure_is_told_and_the_next_one_is_tried_at_once():
    maker = Maker()
    page = MetricsPage(maker)
    maker.broken = True
    with pytest.raises(RuntimeError):
        await page.newest()
    maker.broken = False
    assert (await page.newest()).plain == b"number 1\n"


async def test_who_goes_away_takes_it_from_nobody():
    maker = Maker(0.05)
    page = MetricsPage(maker)
    gone, stays = (asyncio.create_task(page.newest()) for _ in range(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    assert (await stays).plain == b"number 1\n"


@pytest.mark.parametrize(("takes", "encoding"), [("gzip, deflate", "gzip"), ("identity", None)])
async def test_it_is_zipped_for_those_that_take_it(takes, encoding):
    app = web.Application()
    MetricsPage(Maker()).add_routes(app)
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        response = await client.get("/metrics", headers={"Accept-Encoding": takes})
        body = await response.read()
        shown = SimpleNamespace(**{k.replace("-", "_"): v for k, v in response.headers.items()})
    assert response.headers.get("Content-Encoding") == encoding
    assert (gzip.decompress(body) if encoding else body) == b"number 1\n"
    assert (shown.Content_Type, shown.Vary) == (CONTENT_TYPE, "Accept-Encoding")
