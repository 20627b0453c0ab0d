"""`policy check` and `policy show`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli.policy import command
from monitor.sla.policy import DEFAULT_POLICY
from monitor.sla.policy_file import parse_policy


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments))


@pytest.fixture
def file(tmp_path: Path):
    def written(text: str) -> str:
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return str(path)

    return written


def test_a_policy_is_shown_as_it_is_understood(file):
    policy = "channels: {chat: {limit: 2m}}\nteams: [billing]\nformula: answered_only\n"
    result = run("check", file(policy))
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["channel", "at", "risk", "after", "limit", "share"],
        ["chat", "1", "min", "36", "s", "2", "min", "90", "%"],
        [],
        ["formula:", "answered_only"],
        ["teams:", "billing", "and", "other"],
    ]


def test_a_short_abandon_of_its_own_is_shown(file):
    path = file("channels: {chat: {limit: 2m}}\nshort_abandon: 10s\n")
    assert "short abandon: up to 10 s" in run("check", path).stdout
    assert json.loads(run("check", path, "--json").stdout)["short_abandon_seconds"] == 10
    assert "short_abandon: 10s\n" in run("show", "--policy", path).stdout


def test_as_json_its_times_are_seconds(file):
    result = run("check", file("channels: {chat: {at_risk: 90s, limit: 2m}}"), "--json")
    assert json.loads(result.stdout) == {
        "channels": {"chat": {"at_risk_seconds": 90.0, "limit_seconds": 120.0, "share": 0.9}},
        "formula": "abandon_ignored",
        "teams": [],
    }


def test_each_problem_is_a_line_that_an_editor_can_jump_to(file):
    path = file("channels:\n  chat: {limit: 2}\n  mail: {limit: -1h}\n")
    result = run("check", path)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert [line.split(" ")[0] for line in result.stderr.splitlines()] == [
        f"{path}:2:",
        f"{path}:3:",
    ]


def test_problems_as_json_go_to_standard_output(file):
    result = run("check", file("channels: {}"), "--json")
    assert result.exit_code == 4
    assert len(json.loads(result.stdout)["problems"]) == 1


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_problem_too(tmp_path, name):
    result = run("check", str(tmp_path / name))
    assert result.exit_code == 4
    assert "cannot read the policy" in result.stderr


def test_what_is_shown_is_a_policy_file():
    result = run("show")
    assert result.exit_code == 0
    assert parse_policy(result.stdout) == DEFAULT_POLICY


def test_the_policy_of_a_file_is_shown_with_its_defaults_written_out(file):
    result = run("show", "--policy", file("channels: {chat: {limit: 2m}}"))
    assert "chat: {at_risk: 1m36s, limit: 2m, share: 90%}" in result.stdout
