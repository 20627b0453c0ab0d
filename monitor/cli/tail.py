"""`tail`: the breach events as they are committed, for people and for pipes.

A quick answer to "what is late right now?" that needs neither the wall nor a Kafka tool.
"""

import logging
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from monitor.cli import options
from monitor.cli.running import run_until_interrupted
from monitor.cli.tail_lines import Breach, PolicyEvent, json_line, line, read_event
from monitor.sla.durations import parse_duration
from monitor.sla.ticket import Kind
from monitor.streaming.settings import Settings

READER_GONE: Final = 141
"""The exit code of a program whose reader went away: 128 and the number of SIGPIPE."""


Write = Callable[[Breach | PolicyEvent, bytes], None]


class Filter(NamedTuple):
    """Which events are asked for; none named means all."""

    channels: frozenset[str]
    kinds: frozenset[str]

    def takes(self, breach: Breach | PolicyEvent) -> bool:
        """Say whether this one is; a change of the policy is of every channel and of no kind."""
        if isinstance(breach, PolicyEvent):
            return not self.kinds
        return (not self.kinds or breach.kind in self.kinds) and (
            not self.channels or breach.data.channel.casefold() in self.channels
        )


def _microseconds(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Return a duration that was given; raises a usage error."""
    del ctx, param
    try:
        return None if value is None else parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@options.broker
@click.option(
    "--since",
    callback=_microseconds,
    metavar="TIME",
    help="Begin with the events of the last TIME, as 1h or 30m; without it, with new ones.",
)
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Only this channel; repeatable."
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice([kind.name.lower() for kind in Kind]),
    help="Only this kind of event; repeatable.",
)
@click.option(
    "--follow/--no-follow",
    default=None,
    help="Go on, or end after what is there: all events, unless --since says otherwise. "
    "Without either it goes on, but for a summary that goes into a pipe.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Who waits where, how well it goes, and who serves which partition: a table on a "
    "terminal, anew every second; one JSON object in a pipe, or with --json.",
)
@click.option(
    "--app-id",
    metavar="ID",
    help="Whose figures a summary shows, where several monitors share the topics.",
)
@options.connect_timeout(10)
@options.as_json
def command(
    *,
    broker: str,
    kafka_config: Path | None,
    since: int | None,
    channels: tuple[str, ...],
    kinds: tuple[str, ...],
    follow: bool | None,
    summary: bool,
    app_id: str | None,
    connect_timeout: float,
    as_json: bool,
) -> int:
    """Follow the breach events: coloured lines on a terminal, JSON lines in a pipe.

    With --summary, the figures of all partitions and hosts instead of events.
    """
    if summary and (since is not None or kinds):
        raise click.UsageError("--summary shows what is now: leave out --since and --kind")
    settings = options.kafka_settings(broker, kafka_config)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    wanted = Filter(frozenset(map(str.casefold, channels)), frozenset(kinds))
    terminal = sys.stdout.isatty()
    people = terminal and not as_json
    try:
        if summary:
            from monitor.cli.tail_summary import show  # noqa: PLC0415 - imports Kafka

            going_on = people if follow is None else follow
            return run_until_interrupted(
                show(
                    *(settings, app_id, connect_timeout, wanted.channels),
                    people=people,
                    follow=going_on,
                )
            )
        write = _people() if people else _json_lines(terminal=terminal)
        return run_until_interrupted(
            _tail(settings, connect_timeout, since, wanted, write, follow=follow is not False)
        )
    except BrokenPipeError:
        # Nothing is left in the way of a quiet end: what is flushed at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


async def _tail(
    settings: Settings,
    timeout_seconds: float,
    since: int | None,
    wanted: Filter,
    write: Write,
    *,
    follow: bool,
) -> None:
    """Print events until there is no more reader, Ctrl-C, or the end where it is asked for."""
    from monitor.cli.tail_reader import read  # noqa: PLC0415 - imports Kafka
    from monitor.cli.tail_watch import reader_watch  # noqa: PLC0415

    reader_is_there = reader_watch(sys.stdout.buffer)
    warned = False
    topic = settings.topics.breaches
    async with aclosing(read(settings, topic, timeout_seconds, since, follow=follow)) as reading:
        async for news in reading:
            for record in news.records:
                breach = read_event(record.value)
                if breach is None:
                    if not warned:
                        _warn(record)
                    warned = True
                elif wanted.takes(breach):
                    write(breach, record.value)
            sys.stdout.flush()
            if not reader_is_there():
                raise BrokenPipeError


def _warn(record: Any) -> None:
    click.echo(
        f"skipped what is no breach event: {record.topic}, partition "
        f"{record.partition}, offset {record.offset}; something else writes there",
        err=True,
    )


def _json_lines(*, terminal: bool) -> Write:
    """Return what writes the events as they are, a line each."""
    out = sys.stdout.buffer

    def write(breach: Breach | PolicyEvent, value: bytes) -> None:
        del breach
        out.write(json_line(value, terminal=terminal))

    return write


def _people() -> Write:
    """Return what writes coloured lines."""
    from rich.console import Console  # noqa: PLC0415 - for terminals only

    console = Console(highlight=False, soft_wrap=True)

    def write(breach: Breach | PolicyEvent, value: bytes) -> None:
        del value
        console.print(line(breach, datetime.now().astimezone()))

    return write
