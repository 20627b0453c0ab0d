"""`dashboards`: where it writes, and what it says when it cannot."""

import json
import sys

import pytest
from click.testing import CliRunner

from monitor.cli.dashboards import command
from monitor.errors import PolicyError, SlaMonitorError, UsageError

NAMES = ["wall.json", "channel.json", "measures.json", "health.json"]


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_it_writes_the_dashboards_of_a_policy_and_says_where(tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("channels: {telegram: {limit: 3m}}\n")
    out = tmp_path / "made" / "here"
    result = run("--out", out, "--policy", policy)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [str(out / name) for name in NAMES]
    wall, channel, *_ = (json.loads((out / name).read_text()) for name in NAMES)
    assert "telegram: now" in [panel["title"] for panel in wall["panels"]]
    assert [each["query"] for each in channel["templating"]["list"]][1] == "telegram"


def test_the_runbook_is_where_one_says(tmp_path):
    run("--out", tmp_path, "--runbook-url", "https://docs.example/runbook/")
    for name in NAMES:
        links = json.loads((tmp_path / name).read_text())["links"]
        assert links[-1]["url"] == "https://docs.example/runbook/README.md"


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("monitor.observability.dash")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    for name in [name for name in sys.modules if name.startswith("grafana_foundation_sdk.")]:
        monkeypatch.delitem(sys.modules, name)
    result = run("--out", tmp_path)
    assert isinstance(result.exception, UsageError)
    assert "pip install 'sla-monitor[dashboards]'" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "error"),
    [(["--out", "/dev/null/here"], SlaMonitorError), (["--policy", "missing.yaml"], PolicyError)],
)
def test_what_cannot_be_read_or_written_is_said(options, error):
    result = run(*options)
    assert isinstance(result.exception, error)
