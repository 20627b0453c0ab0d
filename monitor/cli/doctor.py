"""`doctor`: looks at all that the monitor needs, and says what to mend."""

import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.cli import options
from monitor.errors import BrokerUnreachableError, PolicyError
from monitor.streaming.settings import Settings

if TYPE_CHECKING:
    from monitor.streaming.doctor.findings import Check

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command(name="doctor")
@options.broker
@options.app_id
@options.policy_file
@options.connect_timeout(5.0)
@options.as_json
def command(
    *,
    broker: str,
    kafka_config: Path | None,
    app_id: str,
    policy_path: Path | None,
    connect_timeout: float,
    as_json: bool,
) -> int:
    """Check broker, topics, partitions, clock, versions, rights and policy; say what to mend.

    A running monitor is not disturbed, and no record is written. Exit code 0: nothing fails; 1:
    something is to be mended; 3: the broker is away or lets us not in; 4: the policy is bad.
    """
    from monitor.streaming.doctor.judgement import exit_code  # noqa: PLC0415 - imports Kafka
    from monitor.streaming.doctor.packages import check_packages  # noqa: PLC0415

    settings = options.kafka_settings(broker, kafka_config, app_id)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    checks = [check_packages(), _check_policy(policy_path)]
    checks += asyncio.run(_check_kafka(settings, connect_timeout))
    code = exit_code(checks)
    if as_json:
        shown = [
            {"check": each.name, "state": each.state, "found": each.found, "mend": each.mend}
            for each in checks
        ]
        click.echo(json.dumps({"checks": shown, "exit_code": code}))
    else:
        _print(checks)
    return code


def _check_policy(path: Path | None) -> "Check":
    from monitor.streaming.doctor.findings import BAD_POLICY, Check  # noqa: PLC0415

    try:
        policy = options.load_policy(path)
    except PolicyError as error:
        first, *more = str(error).splitlines()
        found = f"{first} (and {len(more)} more)" if more else first
        return Check("policy", "fail", found, f"sla-monitor policy check {path}", BAD_POLICY)
    channels = ", ".join(policy.channels)
    return Check("policy", "ok", f"{path or 'the built-in one'}: {channels}")


async def _check_kafka(settings: Settings, timeout_seconds: float) -> "Sequence[Check]":
    from monitor.streaming import topics  # noqa: PLC0415
    from monitor.streaming.doctor.asking import examine  # noqa: PLC0415
    from monitor.streaming.doctor.findings import BROKER_AWAY, Check  # noqa: PLC0415
    from monitor.streaming.doctor.judgement import judge  # noqa: PLC0415

    try:
        await topics.wait_for_broker(
            settings, timeout_seconds, lambda text: click.echo(text, err=True)
        )
        with topics.broker_errors(settings):
            return judge(await examine(settings), settings)
    except BrokerUnreachableError as error:
        found, _, mend = str(error).rpartition("; ")
        return [Check("broker", "fail", found, mend, BROKER_AWAY)]


def _print(checks: "Sequence[Check]") -> None:
    """Print a line a check, coloured on a terminal."""
    width = max(len(each.name) for each in checks)
    for each in checks:
        state = f"{each.state:<4}"
        if sys.stdout.isatty():
            state = click.style(state, fg=_COLOURS[each.state])
        mend = f"; {each.mend}" if each.mend else ""
        click.echo(f"{state}  {each.name:<{width}}  {each.found}{mend}")
