"""The dashboards' queries and those of docs/metrics.md, as Prometheus parses and answers them."""

import asyncio
import json
import math
import subprocess
import time
from itertools import product
from urllib.parse import urlparse

import pytest

from monitor.cli.demo import DEMO_POLICY
from monitor.sla.policy import DEFAULT_POLICY, Formula, Policy
from monitor.sla.windows import WINDOWS
from tests.integration.test_demo import Demo
from tests.support.boards import Query, boards, queries
from tests.support.metrics_page import PAGE, documented
from tests.support.program import free_port
from tests.support.scraping import Prometheus, required

POLICIES = {
    "default": DEFAULT_POLICY,
    "teams": Policy(DEFAULT_POLICY.channels, teams=("billing", "technical")),
    "formula": Policy(DEFAULT_POLICY.channels, Formula.ANSWERED_ONLY),
}
SECONDS_OF_TRAFFIC = 60
DOCUMENTED = [Query(PAGE.name, each.name, each.query) for each in documented()]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_prometheus_parses_every_query(policy, tmp_path):
    asked = [*queries(boards(policy)), *DOCUMENTED]
    rules = [
        {"record": f"query:{number}", "expr": query.expression}
        for number, query in enumerate(asked)
    ]
    file = tmp_path / "rules.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "dashboards", "rules": rules}]}))
    done = subprocess.run(
        [required("promtool"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(asked)} rules found" in done.stdout


async def test_every_query_is_answered_after_a_minute_of_the_demo(capsys):
    asked = {
        query
        for channel, window in product(DEMO_POLICY.channels, WINDOWS)
        for query in queries(boards(DEMO_POLICY), channel=channel, window=window, interval="10s")
        if is_promised(query.panel, channel)
    } | set(DOCUMENTED)
    async with Demo("--speed", 60, "--web-port", free_port()) as demo:
        await demo.until_live()
        async with Prometheus(urlparse(demo.web).netloc) as prometheus:
            began = time.time()
            await asyncio.sleep(SECONDS_OF_TRAFFIC)
            ended = time.time()
            silent = [q for q in asked if not await prometheus.query(q.expression)]
            numbers = {
                q
                for q in asked
                for _, values in await prometheus.query_range(q.expression, began, ended)
                if not all(map(math.isnan, values))
            }
    with capsys.disabled():
        print(f"\n{len(asked)} queries asked, {len(numbers)} answered with a number")
    assert sorted(silent) == []
    # NaN says that nobody waits or that nothing was decided: not all the time, and not everywhere.
    panels = {(q.board, q.panel) for q in asked}
    assert panels - {(q.board, q.panel) for q in numbers} == set()


def is_promised(panel, channel):
    """Tell whether a panel is of a clock that a channel has."""
    title, _, of_clock = panel.partition(": ")
    clock = title.lower().replace(" ", "_")
    promises = DEMO_POLICY.clocks.get(clock)
    return not of_clock or promises is None or channel in promises.channels
