"""`topics`: the topics of the monitor, created with the right shape before anything is sent."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from monitor.cli import options
from monitor.errors import TopicError
from monitor.sla.durations import parse_duration
from monitor.streaming.settings import Settings, Topics

PARTITIONS: Final = click.IntRange(1, 10_000)

_FOREVER: Final = "forever"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,200}")


class Retention(click.ParamType):
    """A duration of at least a second, or `forever`; becomes milliseconds."""

    name = "retention"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the milliseconds, -1 for ever."""
        if isinstance(value, int):
            return value
        if value.strip().lower() == _FOREVER:
            return -1
        try:
            milliseconds = parse_duration(value) // 1000
        except ValueError as error:
            self.fail(f"{error}, or {_FOREVER}", param, ctx)
        if milliseconds < 1000:  # noqa: PLR2004 - a second
            self.fail(f'"{value}" is too short for events to be read; write 7d', param, ctx)
        return milliseconds


@click.group()
def command() -> None:
    """Create the topics that are read and written."""


@command.command()
@options.broker
@click.option(
    "--partitions",
    type=PARTITIONS,
    metavar="N",
    help="Partitions of each topic; 12, or as many as topics that are there already have.",
)
@click.option(
    "--retention",
    type=Retention(),
    default="7d",
    show_default=True,
    metavar="TIME",
    help="How long input topics keep their events: 7d, 12h or forever.",
)
@click.option(
    "--no-ticket-closed",
    is_flag=True,
    help="Without the topic ticket-closed: a ticket is over at its first response.",
)
@click.option(
    "--customer-replied",
    is_flag=True,
    help="With the topic customer-replied, for a policy with clocks of the next reply or pauses.",
)
@click.option(
    "--with",
    "others",
    type=click.Choice(Topics().measures),
    multiple=True,
    metavar="TOPIC",
    help=f"Also create an optional topic: {' or '.join(Topics().measures)}. Say it for each.",
)
@options.app_id
@options.connect_timeout(10)
@options.as_json
def create(
    *,
    broker: str,
    kafka_config: Path | None,
    partitions: int | None,
    retention: int,
    no_ticket_closed: bool,
    customer_replied: bool,
    others: tuple[str, ...],
    app_id: str,
    connect_timeout: float,
    as_json: bool,
) -> None:
    """Create the topics that are missing; those that are there are left as they are."""
    if not _NAME.fullmatch(app_id):
        raise click.BadParameter(
            f"{app_id!r} cannot begin a topic's name; write letters, digits and - _ . only",
            param_hint="--app-id",
        )
    settings = options.kafka_settings(broker, kafka_config, app_id)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    created, existing = asyncio.run(
        _create(
            settings,
            partitions,
            retention,
            closed=not no_ticket_closed,
            customer_replied=customer_replied,
            others=others,
            timeout_seconds=connect_timeout,
        )
    )
    if as_json:
        click.echo(json.dumps({"created": created, "existing": existing}))
        return
    for name, count in created.items():
        click.echo(f"created        {name} ({_partitions(count)})")
    for name, count in existing.items():
        click.echo(f"already there  {name} ({_partitions(count)})")


async def _create(
    settings: Settings,
    partitions: int | None,
    retention: int,
    *,
    closed: bool,
    customer_replied: bool,
    others: tuple[str, ...],
    timeout_seconds: float,
) -> tuple[dict[str, int], dict[str, int]]:
    """Return the topics created and those that were there, with their partitions."""
    from monitor.streaming import topics  # noqa: PLC0415 - imports Kafka

    await topics.wait_for_broker(settings, timeout_seconds, lambda text: click.echo(text, err=True))
    with topics.broker_errors(settings):
        async with topics.admin_client(settings) as admin:
            outputs = [spec.name for spec in topics.output_specs(settings, 1)]
            names = (*settings.topics.inputs, *outputs)
            counts = await topics.partition_counts(admin, names)
            found = {name: counts[name] for name in names if name in counts}
            count = partitions or next(iter(found.values()), topics.DEFAULT_PARTITIONS)
            inputs = topics.input_specs(
                settings,
                count,
                retention_ms=retention,
                closed=closed,
                customer_replied=customer_replied,
                others=others,
            )
            specs = [*inputs, *topics.output_specs(settings, count)]
            _refuse_wrong_counts(found, count, given=partitions is not None)
            created = await topics.create(admin, specs)
    if not closed and settings.topics.closed in found:
        click.echo(
            f"{settings.topics.closed} is there, so the monitor will read it: "
            "delete it if nothing is sent to it",
            err=True,
        )
    return dict.fromkeys(created, count), found


def _refuse_wrong_counts(found: Mapping[str, int], count: int, *, given: bool) -> None:
    """Raise `TopicError` where a topic that is there has another number of partitions."""
    wrong = {name: have for name, have in found.items() if have != count}
    if not wrong:
        return
    others = set(found.values())
    shown = (
        f"those that are there have {min(others)}"
        if len(others) == 1
        else ", ".join(f"{name} has {have}" for name, have in wrong.items())
    )
    way_out = (
        f"use --partitions {others.pop()}, or delete what is there and begin anew"
        if given and len(others) == 1
        else "delete those that differ and begin anew"
    )
    raise TopicError(
        f"all topics must have the same number of partitions, here {count}, but {shown}; "
        f"{way_out}. Nothing was created"
    )


def _partitions(count: int) -> str:
    return f"{count} partition" if count == 1 else f"{count} partitions"
