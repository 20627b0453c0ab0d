"""Prometheus's own tool on what the running monitor exposes, and on what is said of it."""

from pathlib import Path

from tests.integration.conftest import broker  # noqa: F401 - the fixture
from tests.integration.test_run import is_live, prepared  # noqa: F401 - the fixture
from tests.observability.tools import run
from tests.support.program import Run

MOVED = Path(__file__).with_name("moved.yaml")


async def test_promtool_check_metrics_has_nothing_to_say(prepared):  # noqa: F811
    async with Run(prepared.bootstrap) as monitor:
        await monitor.until(is_live)
        _, text = await monitor.get("/metrics")
    assert await run("promtool", "check", "metrics", stdin=text.encode()) == (0, "")


async def test_a_partition_that_moves_is_no_burst():
    assert (await run("promtool", "test", "rules", str(MOVED)))[0] == 0
