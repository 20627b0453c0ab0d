"""`traffic`: the demo's made-up support traffic into any Kafka, to try an installation with."""

import logging
import signal
import time
from pathlib import Path

import click

from monitor.cli import options
from monitor.cli.running import run_until_interrupted
from monitor.cli.traffic import MORNING, traffic
from monitor.errors import TopicError
from monitor.streaming.settings import Settings


@click.command(name="traffic")
@options.broker
@click.option("--seed", type=int, default=7, show_default=True, help="Another day's traffic.")
@options.connect_timeout(30.0)
def command(broker: str, kafka_config: Path | None, seed: int, connect_timeout: float) -> int:
    """Send made-up tickets, replies and closes for four channels as they happen, until stopped.

    What customers write back, surveys, and who joins and leaves, to those of their topics that
    there are.

    40 s after it begins there is a chat rush that breaches, and then one every 20 minutes. For
    trying things only: into a Kafka with real tickets it mixes false ones.
    """
    settings = options.kafka_settings(broker, kafka_config)
    from monitor.cli.logs import Logs, set_up_logging  # noqa: PLC0415

    set_up_logging(Logs(level=logging.WARNING))
    sending = _until_cancelled(settings, seed, connect_timeout)
    return run_until_interrupted(sending, signal.SIGTERM)


async def _until_cancelled(settings: Settings, seed: int, connect_timeout: float) -> None:
    from monitor.cli.traffic_sending import producing, send_live  # noqa: PLC0415
    from monitor.streaming import topics  # noqa: PLC0415

    await topics.wait_for_broker(settings, connect_timeout, lambda text: click.echo(text, err=True))
    with topics.broker_errors(settings):
        async with topics.admin_client(settings) as admin:
            there = await topics.partition_counts(admin, settings.topics.inputs)
    missing = [name for name in settings.topics.usual if name not in there]
    if missing:
        raise TopicError(
            f"no topic {', '.join(missing)}: make them first with "
            f"sla-monitor topics create --broker {settings.bootstrap}"
        )
    every = traffic(time.time(), seed, hour=MORNING)
    messages = (message for message in every if message.topic in there)
    async with producing(settings) as producer:
        click.echo("sending made-up traffic; Ctrl-C ends it", err=True)
        await send_live(producer, next(messages), messages)
