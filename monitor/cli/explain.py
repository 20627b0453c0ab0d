"""`explain`: why a ticket was late, or was not, from its events to the answer."""

import asyncio
import json
import logging
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Final

import click

from monitor.cli import options
from monitor.cli.event_file import EventFile
from monitor.cli.explain_data import as_data
from monitor.cli.explain_text import as_text
from monitor.cli.progress import progress
from monitor.errors import InputError
from monitor.sla.events import CustomerChanged, SurveyAnswered
from monitor.sla.explained import Explained
from monitor.sla.policy import Policy
from monitor.streaming.codec import Decoder, UnusableError
from monitor.streaming.settings import CLOSED, Settings

_MOST_IDS: Final = 200_000
"""Of so many tickets the ids are kept, to find what a misspelt one may have meant."""


class Story:
    """A ticket's explanation, and what else was read about it."""

    def __init__(self, one: Explained) -> None:
        self.one = one
        self.answers: dict[str, SurveyAnswered] = {}
        self.unusable: list[str] = []

    @property
    def is_known(self) -> bool:
        """There was something about the ticket."""
        return bool(self.one.steps or self.answers or self.unusable)


@click.command(name="explain")
@click.argument("ticket_id", metavar="TICKET_ID")
@click.argument("file", required=False)
@click.option(
    "--broker",
    metavar="HOST:PORT",
    envvar="SLA_MONITOR_BROKER",
    help="Instead of FILE: what the input topics still hold. Kafka bootstrap address(es).",
)
@options.kafka_config
@options.policy_file
@options.connect_timeout(10)
@options.as_json
def command(
    *,
    ticket_id: str,
    file: str | None,
    broker: str | None,
    kafka_config: Path | None,
    policy_path: Path | None,
    connect_timeout: float,
    as_json: bool,
) -> None:
    """Tell the story of a ticket: what was promised, what happened when, what was told and counted.

    The events are those of FILE (.jsonl, .gz, or - for standard input), by a clock that goes with
    them, up to the last one; or those that Kafka holds of the ticket, each read when it came, up to
    now.
    """
    broker = options.instead_of(file, broker)
    policy = options.load_policy(policy_path)
    if file is not None:
        story = _from_file(ticket_id, file, policy)
    else:
        settings = options.kafka_settings(broker or "", kafka_config)
        story = asyncio.run(_from_topics(ticket_id, settings, policy, connect_timeout))
    data = as_data(story.one, list(story.answers.values()), policy_path)
    if story.unusable:
        data["unusable"] = story.unusable
    click.echo(
        json.dumps(data, indent=1, ensure_ascii=False) if as_json else as_text(data), nl=as_json
    )
    if not as_json:
        for text in story.unusable:
            click.echo(f"not used: {text}")


def _from_file(ticket_id: str, path: str, policy: Policy) -> Story:
    """Read the file; the clock is that of all its events, as it is in `backtest`."""
    file, decode = EventFile(path), Decoder(policy).event
    story, clock = Story(Explained(policy, ticket_id)), 0
    ids: dict[str, None] = {}
    needle = ticket_id.encode()
    with progress("Reading", file.size) as done:
        for line in file:
            done(file.position)
            try:
                event = decode(line.kind, line.raw)
            except UnusableError as reason:
                if needle in line.raw:
                    story.unusable.append(f"{file.name}:{line.number}: {reason}")
                continue
            clock = max(clock, event.at)
            if isinstance(event, CustomerChanged):
                continue
            if event.ticket_id != ticket_id:
                if len(ids) < _MOST_IDS:
                    ids[event.ticket_id] = None
            elif isinstance(event, SurveyAnswered):
                story.answers.setdefault(event.survey_id, event)
            else:
                story.one.take(event, clock)
    story.one.advance(clock)
    if not story.is_known:
        raise InputError(f'there is no ticket "{ticket_id}" in {file.name}{_meant(ticket_id, ids)}')
    return story


def _meant(ticket_id: str, ids: dict[str, None]) -> str:
    if not ids:
        return ": it has no events of tickets"
    meant = get_close_matches(ticket_id, ids, n=1)
    return f"; did you mean {meant[0]}?" if meant else f"; its ids look like {next(iter(ids))}"


async def _from_topics(
    ticket_id: str, settings: Settings, policy: Policy, connect_timeout: float
) -> Story:
    """Read the ticket's partition of each input topic; what came when is in the timestamps."""
    from monitor.streaming import history, topics  # noqa: PLC0415 - imports Kafka

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    await topics.wait_for_broker(settings, connect_timeout, lambda text: click.echo(text, err=True))
    key = ticket_id.encode()
    with topics.broker_errors(settings):
        found = await history.inputs(settings)
        number = history.partition_of(key, found.partitions)
        records = [
            record
            async for batch in history.read_partitions(settings, found, [number], key=key)
            for record in batch
        ]
    over_at_reply = CLOSED not in found.kinds.values()
    story = Story(Explained(policy, ticket_id, over_at_reply=over_at_reply))
    decode = Decoder(policy).event
    for record in sorted(records, key=lambda record: record.timestamp):
        try:
            event = decode(record.kind, record.value or b"")
        except UnusableError as reason:
            story.unusable.append(f"{record.kind} {number}/{record.offset}: {reason}")
            continue
        if isinstance(event, SurveyAnswered):
            story.answers.setdefault(event.survey_id, event)
        elif not isinstance(event, CustomerChanged):
            story.one.take(event, record.timestamp * 1000)
    story.one.advance(time.time_ns() // 1000)
    if not story.is_known:
        raise InputError(
            f'there is nothing about a ticket "{ticket_id}" in partition {number} of the input '
            f"topics on {settings.bootstrap}; it may be older than what they keep"
        )
    return story
