"""`replay`: an event file into Kafka, as fast as it goes or at a pace, with the events' own times.

A replay can be repeated safely: an event sent twice counts once.
"""

import asyncio
import json
import logging
import math
from pathlib import Path

import click

from monitor.cli import INTERRUPTED, options
from monitor.cli.event_file import rewindable
from monitor.cli.progress import progress
from monitor.cli.replay_history import survey
from monitor.cli.topics import PARTITIONS


@click.command()
@click.argument("path", metavar="FILE")
@options.broker
@click.option(
    "--speed",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Seconds of events to a second: 1 is as it was, 60 a minute a second. "
    "Without it, as fast as possible.",
)
@click.option(
    "--shift-to",
    type=click.Choice(["now"]),
    help="Move all times by the same amount, so that the last event is at the end of sending.",
)
@click.option(
    "--partitions",
    type=PARTITIONS,
    metavar="N",
    help="Partitions of topics that are created; 12, or as many as the others have.",
)
@options.connect_timeout(10)
@options.as_json
def command(
    *,
    path: str,
    broker: str,
    kafka_config: Path | None,
    speed: float | None,
    shift_to: str | None,
    partitions: int | None,
    connect_timeout: float,
    as_json: bool,
) -> int:
    """Send the events of FILE (.gz too, - for standard input) to the input topics.

    Events keep their own times. Topics that are missing are created; where a topic would delete
    events of their age its retention is set to unlimited, and a line says so.
    """
    _check_speed(speed, shift_to)
    settings = options.kafka_settings(broker, kafka_config)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with rewindable(path) as file:
        with progress("Checking", file.size) as at:
            found = survey(file, at)
        from monitor.cli.replay_report import Report  # noqa: PLC0415 - imports Kafka
        from monitor.cli.replay_sending import replay  # noqa: PLC0415

        if found.counts:
            sending = replay(
                file,
                found,
                settings,
                speed=speed or math.inf,
                shift_to_now=shift_to is not None,
                partitions=partitions,
                timeout_seconds=connect_timeout,
            )
            report = asyncio.run(sending)
            click.echo(report.as_text(), err=True)
        else:
            report = Report(0)
            click.echo(f"there are no events in {file.name}: nothing was sent", err=True)
    if as_json:
        click.echo(json.dumps(report.as_data()))
    return INTERRUPTED if report.interrupted else 0


def _check_speed(speed: float | None, shift_to: str | None) -> None:
    """Raise a usage error where events cannot be sent at this speed."""
    if speed is None:
        return
    if math.isnan(speed):
        raise click.BadParameter("nan is no speed; write 60", param_hint="--speed")
    if shift_to and speed < 1:
        raise click.UsageError(
            "--shift-to now needs a --speed of 1 or more: slower than that, events would be "
            "sent before they happen"
        )
