"""A real Prometheus that scrapes one address, asked over its own HTTP interface."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import aiohttp

from tests.support.program import free_port

CONFIG = """\
global:
  scrape_interval: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: sla-monitor
    static_configs:
      - targets: ["{target}"]
"""


class Prometheus:
    """Debian's `prometheus`, as a process of its own."""

    def __init__(self, target):
        self._target = target
        self.url = f"http://127.0.0.1:{free_port()}"

    async def __aenter__(self):
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        config = folder / "prometheus.yml"
        config.write_text(CONFIG.format(target=self._target))
        self._log = (folder / "log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            required("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self._session = aiohttp.ClientSession()
        async with asyncio.timeout(30):
            while not await self._is_ready():
                assert self._process.returncode is None, (folder / "log").read_text()
                await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_):
        await self._session.close()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        self._log.close()
        self._folder.cleanup()

    async def query(self, expression):
        """Return the series that answer now, as (labels, value)."""
        result = await self._ask("query", query=expression)
        return [(each["metric"], float(each["value"][1])) for each in result]

    async def query_range(self, expression, start, end):
        """Return the series that answer at some second, as (labels, values)."""
        result = await self._ask("query_range", query=expression, start=start, end=end, step=1)
        return [(each["metric"], [float(value) for _, value in each["values"]]) for each in result]

    async def _ask(self, kind, **what):
        async with self._session.post(f"{self.url}/api/v1/{kind}", data=what) as response:
            answer = await response.json()
        assert answer["status"] == "success", (what, answer)
        return answer["data"]["result"]

    async def _is_ready(self):
        try:
            async with self._session.get(f"{self.url}/-/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False


def required(program):
    """Return where a program is, or fail with what to install."""
    found = shutil.which(program)
    if found is None:
        raise AssertionError(
            f"{program} is missing: install Prometheus (Debian: apt-get install prometheus)"
        )
    return found
