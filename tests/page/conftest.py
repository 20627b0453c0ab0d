"""The wall in a real browser, fed by a source that the test can turn."""

import contextlib
import os
import shutil
import socket
from pathlib import Path

import pytest
import pytest_asyncio

from monitor.wall.settings import WebSettings
from tests.page.source import Source
from tests.support import web

async_api = pytest.importorskip("playwright.async_api", reason="the extra [page] is not installed")

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Site:
    """The wall's server on a port of its own, which can be stopped and started again."""

    def __init__(self, source, **settings):
        self.source = source
        self.settings = WebSettings(port=free_port(), **settings)
        self.url = self.settings.address(self.settings.port)
        self._running = contextlib.AsyncExitStack()

    async def start(self):
        serving = web.serving(self.source, self.settings, interval_seconds=0.2)
        await self._running.enter_async_context(serving)

    async def stop(self):
        await self._running.aclose()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser():
    async with async_api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
def source():
    return Source()


@pytest_asyncio.fixture(loop_scope="session")
async def site(source):
    site = Site(source)
    await site.start()
    yield site
    await site.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser, site):
    """Opens the wall; `page.complaints` are console errors, violations and exceptions."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(width=1366, height=768, **context):
            viewport = {"width": width, "height": height}
            page = await browser.new_page(viewport=viewport, **context)
            stack.push_async_callback(page.close)
            page.complaints = []
            page.on(
                "console",
                lambda said: (
                    said.type in ("error", "warning") and page.complaints.append(said.text)
                ),
            )
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            await page.goto(site.url)
            await page.wait_for_selector("body:not([data-connection=connecting])")
            return page

        yield opened


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory):
    folder = os.environ.get("SCREENSHOTS")
    path = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path
