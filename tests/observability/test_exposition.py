"""Prometheus's own tool on what the running monitor exposes, and on what is said of it."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.integration.conftest import broker  # noqa: F401 - the fixture
from tests.integration.test_run import is_live, prepared  # noqa: F401 - the fixture
from tests.support.program import Run

MOVED = Path(__file__).with_name("moved.yaml")


async def promtool(*args, stdin=b""):
    """Run promtool; return its exit code and all that it says."""
    path = shutil.which("promtool")
    if path is None:
        pytest.fail("promtool is missing: install Prometheus (Debian: apt-get install prometheus)")
    process = await asyncio.create_subprocess_exec(
        *(path, *args),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(stdin)
    return process.returncode, said.decode()


async def test_promtool_check_metrics_has_nothing_to_say(prepared):  # noqa: F811
    async with Run(prepared.bootstrap) as run:
        await run.until(is_live)
        _, text = await run.get("/metrics")
    assert await promtool("check", "metrics", stdin=text.encode()) == (0, "")


async def test_a_partition_that_moves_is_no_burst():
    code, said = await promtool("test", "rules", str(MOVED))
    assert code == 0, said
