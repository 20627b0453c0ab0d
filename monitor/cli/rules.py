"""`rules`: the policy as a Prometheus rule file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from monitor.cli import options
from monitor.observability.rules import Links, RuleGroup, rule_groups
from monitor.observability.rules.links import DASHBOARD, RUNBOOK

_WIDTH: Final = 10_000
"""No line is broken: a sentence can be found by its words."""

_HEAD: Final = "# Made by `sla-monitor rules` from the policy. Change that, not this file.\n"


@click.command(name="rules")
@options.policy_file
@click.option(
    "--runbook-url",
    default=RUNBOOK,
    show_default=True,
    metavar="BASE",
    help="Where docs/runbook is published: alerts link to BASE/<alert>.md.",
)
@click.option(
    "--dashboard-url",
    default=DASHBOARD,
    show_default=True,
    metavar="BASE",
    help="Where Grafana is.",
)
@options.as_json
def command(policy_path: Path | None, runbook_url: str, dashboard_url: str, as_json: bool) -> None:
    """Print recording and alerting rules for Prometheus, made from the policy.

    They expect the monitor to be scraped under the job sla-monitor.
    """
    groups = rule_groups(options.load_policy(policy_path), Links(runbook_url, dashboard_url))
    if as_json:
        click.echo(json.dumps(_data(groups)))
    else:
        click.echo(rule_file(groups), nl=False)


def rule_file(groups: Sequence[RuleGroup]) -> str:
    """Return the rule file."""
    import yaml  # noqa: PLC0415 - YAML only where it is used

    class Dumper(yaml.SafeDumper):
        """Writes expressions over several lines as they are read."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return _HEAD + yaml.dump(
        _data(groups), Dumper=Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True
    )


def _data(groups: Sequence[RuleGroup]) -> dict[str, Any]:
    return {"groups": [group.as_data() for group in groups]}
