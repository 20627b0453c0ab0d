"""The wall behind a password, behind a token, and behind TLS, in a real browser."""

import contextlib

import aiohttp
import pytest

from monitor.wall.settings import Credentials, Limits, Tls, digest
from tests.page.conftest import Site
from tests.page.source import Source
from tests.support import web

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOKEN = "a-token-of-some-length"
USER = "lead:pass:word"


@contextlib.asynccontextmanager
async def visiting(browser, *, token=None, user=None, tls=None, limits=None, **context):
    """Yield a page of a browser that knows nothing yet, and a site."""
    credentials = Credentials(token and digest(token), user and digest(user))
    more = {"limits": limits} if limits else {}
    site = Site(Source(), credentials=credentials, tls=tls, **more)
    await site.start()
    profile = await browser.new_context(ignore_https_errors=True, **context)
    try:
        page = await profile.new_page()
        page.failures = []
        page.on("response", lambda got: got.status >= 400 and page.failures.append(got.url))
        yield page, site
    finally:
        await profile.close()
        await site.stop()


async def is_live(page):
    await page.wait_for_selector("body[data-connection=live] .card", timeout=5000)
    assert page.failures == []
    return True


async def test_with_a_password_the_page_and_its_stream_work(browser):
    name, _, password = USER.partition(":")
    known = {"username": name, "password": password}
    async with visiting(browser, user=USER, http_credentials=known) as (page, site):
        await page.goto(site.url)
        page.failures.clear()  # the challenge
        await is_live(page)


async def test_without_the_password_there_is_nothing_to_see(browser):
    known = {"username": "lead", "password": "wrong"}
    async with visiting(browser, user=USER, http_credentials=known) as (page, site):
        response = await page.goto(site.url)
        assert response.status == 401
        assert await page.locator(".card").count() == 0


async def test_a_token_is_shown_once_and_is_gone_from_the_address(browser):
    async with visiting(browser, token=TOKEN) as (page, site):
        response = await page.goto(site.url)
        assert response.status == 401
        assert "/?token=TOKEN" in await page.inner_text("body")
        page.failures.clear()
        await page.goto(f"{site.url}?token={TOKEN}")
        assert await is_live(page)
        assert page.url == site.url
        assert await page.evaluate("document.cookie") == ""
        await page.goto(site.url)
        assert await is_live(page)


async def test_a_wall_that_is_logged_in_outlives_a_restart_of_the_monitor(browser):
    async with visiting(browser, token=TOKEN) as (page, site):
        await page.goto(f"{site.url}?token={TOKEN}")
        await is_live(page)
        await site.stop()
        await page.wait_for_selector("body[data-connection=stale]", timeout=6000)
        await site.start()
        await is_live(page)


async def test_a_link_from_another_site_leads_to_the_wall(browser):
    async with visiting(browser, token=TOKEN) as (page, site):
        await page.goto(f"{site.url}?token={TOKEN}")
        await is_live(page)
        elsewhere = f"<a href='{site.url}'>wall</a>"
        await page.route(
            "http://chat.test/",
            lambda route: route.fulfill(status=200, content_type="text/html", body=elsewhere),
        )
        await page.goto("http://chat.test/")
        await page.click("a")
        assert await is_live(page)


async def test_another_site_can_neither_frame_the_wall_nor_read_it(browser):
    async with visiting(browser, token=TOKEN) as (page, site):
        await page.goto(f"{site.url}?token={TOKEN}")
        await is_live(page)
        body = f"<iframe src='{site.url}'></iframe><img src='{site.url}static/icon.svg'>"
        await page.route(
            "http://evil.test/",
            lambda route: route.fulfill(status=200, content_type="text/html", body=body),
        )
        await page.goto("http://evil.test/")
        address = f"{site.url}snapshot.json"
        read = f"fetch('{address}', {{credentials: 'include'}}).then(a => a.text(), () => 'no')"
        assert await page.evaluate(read) == "no"
        assert await page.evaluate("document.querySelector('img').naturalWidth") == 0
        frame = page.frames[1]
        assert not frame.url.startswith(site.url) or await frame.locator(".card").count() == 0


async def test_with_tls_a_token_and_the_stream_work(browser, tmp_path):
    tls = Tls(*web.certificate(tmp_path))
    async with visiting(browser, token=TOKEN, tls=tls) as (page, site):
        await page.goto(f"{site.url}?token={TOKEN}")
        assert page.url.startswith("https://")
        assert await is_live(page)


async def test_a_wall_too_many_says_it_is_not_current_and_comes_when_there_is_room(browser):
    async with visiting(browser, limits=Limits(streams=1)) as (page, site):
        async with aiohttp.ClientSession() as first, first.get(f"{site.url}events") as stream:
            await stream.content.readline()
            await page.goto(site.url)
            await page.wait_for_selector("body[data-connection=stale]", timeout=6000)
        page.failures.clear()
        await page.wait_for_selector("body[data-connection=live] .card", timeout=6000)
