"""`dashboards`: Grafana's dashboards for a policy, as files that Grafana provisions."""

from pathlib import Path
from typing import Final

import click

from monitor.cli import options
from monitor.errors import SlaMonitorError, UsageError

RUNBOOK: Final = "/public/runbook"
"""Grafana itself serves docs/runbook there, as docker-compose.yml mounts it."""


@click.command(name="dashboards")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("grafana/dashboards"),
    show_default=True,
    metavar="DIR",
    help="Folder for the files; it is made if it is not there.",
)
@options.policy_file
@click.option(
    "--runbook-url",
    default=RUNBOOK,
    show_default=True,
    metavar="BASE",
    help="Where docs/runbook is published: the dashboards link to BASE/README.md.",
)
def command(out: Path, policy_path: Path | None, runbook_url: str) -> None:
    """Write Grafana's dashboards: the wall, one channel in depth, and the monitor's health.

    They are made from the policy: channels, thresholds and teams are those of FILE. Run it again
    after a change of the policy.
    """
    policy = options.load_policy(policy_path)
    try:
        from monitor.observability.dashboards import render  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("grafana_foundation_sdk"):
            raise
        raise UsageError(
            "the dashboards are built with grafana-foundation-sdk, which is not installed: "
            "pip install 'sla-monitor[dashboards]'"
        ) from None
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in render(policy, runbook_url).items():
            (out / name).write_text(text, encoding="utf-8")
            click.echo(out / name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SlaMonitorError(f"cannot write to {out}: {reason}") from None
