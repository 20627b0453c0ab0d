"""The dashboards ask only for what the running monitor shows."""

import re

import pytest

from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY, Policy
from monitor.sla.policy_file import dump_policy
from tests.integration.test_run import is_live, prepared  # noqa: F401 - the fixture
from tests.support.boards import boards, queries
from tests.support.program import Run

POLICIES = {
    "default": DEFAULT_POLICY,
    "teams": Policy(DEFAULT_POLICY.channels, teams=("billing", "technical")),
}

ADDED = {"instance", "job", "partition"}
"""Labels that Prometheus adds, and the one by which a host's counters may be told apart."""


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
async def test_queries_only_ask_for_metrics_that_exist_with_labels_they_have(
    prepared,  # noqa: F811 - the fixture
    policy,
    tmp_path,
):
    file = tmp_path / "policy.yaml"
    file.write_text(dump_policy(policy))
    async with Run(prepared.bootstrap, "--policy", file) as run:
        scrape = await run.until(is_live)
    labels = {}
    for name, pairs in scrape.values:
        labels.setdefault(name, set()).update(label for label, _ in pairs)
    for board, panel, expression in queries(boards(policy)):
        where = f"{board}: {panel}: {expression}"
        bare = re.sub(r'"[^"]*"', '""', expression)
        used = set(re.findall(r"\bsla_\w+", bare))
        assert used, where
        assert used <= labels.keys(), where
        for name, matchers in re.findall(r"(sla_\w+)\{([^}]*)\}", bare):
            assert set(re.findall(r"(\w+)=", matchers)) <= labels[name], where
        for names in re.findall(r"\bby \(([^)]*)\)", bare):
            known = set().union(*(labels[name] for name in used)) | ADDED
            assert set(names.split(", ")) <= known, where
    for channel, target in policy.channels.items():
        # What the wall takes from the policy is what the monitor goes by.
        in_force = scrape.get("sla_target_seconds", channel=channel, threshold="limit")
        assert in_force == target.limit / SECOND
