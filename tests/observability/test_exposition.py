"""Prometheus's own tool on what the running monitor exposes."""

import asyncio
import shutil

import pytest

from tests.integration.conftest import broker  # noqa: F401 - the fixture
from tests.integration.test_run import is_live, prepared  # noqa: F401 - the fixture
from tests.support.program import Run


async def test_promtool_check_metrics_has_nothing_to_say(prepared):  # noqa: F811
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing: install Prometheus (Debian: apt-get install prometheus)")
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        _, text = await run.get("/metrics")
    process = await asyncio.create_subprocess_exec(
        promtool,
        "check",
        "metrics",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(text.encode())
    assert (process.returncode, said.decode()) == (0, "")
