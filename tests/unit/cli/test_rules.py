"""`rules`: the command."""

import json

import yaml
from click.testing import CliRunner

from monitor.cli.rules import command


def run(*arguments):
    return CliRunner().invoke(command, list(arguments))


def test_it_prints_a_rule_file_that_yaml_reads_back():
    groups = yaml.safe_load(run().stdout)["groups"]
    assert [group["name"] for group in groups] == [
        "sla-first-response",
        "sla-service-level",
        "sla-backlog",
        "sla-monitor-itself",
    ]
    assert groups == json.loads(run("--json").stdout)["groups"]


def test_a_channel_added_to_the_policy_is_there_and_the_links_lead_where_they_should(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("channels: {sms: {limit: 5m}}\n")
    result = run(
        *("--policy", str(path)),
        *("--runbook-url", "https://example.org/r", "--dashboard-url", "https://example.org/g"),
    )
    assert 'channel="sms"' in result.stdout
    assert "phone" not in result.stdout
    assert "https://example.org/r/FirstResponseBreached.md" in result.stdout
    assert "https://example.org/g/d/sla-channel?var-channel=sms" in result.stdout


def test_a_bad_policy_ends_it_as_it_ends_every_command(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("channels: {}\n")
    assert run("--policy", str(path)).exception.exit_code == 4
