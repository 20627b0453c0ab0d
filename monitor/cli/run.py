"""`sla-monitor run`: the monitor."""

import asyncio
import signal
from pathlib import Path

import click

from monitor.cli import INTERRUPTED, options


@click.command(name="run")
@options.broker
@options.app_id
@click.option(
    "--web-port",
    type=click.IntRange(0, 65_535),
    default=6066,
    show_default=True,
    metavar="N",
    help="Port of the wall and of /metrics; 0 takes a free one.",
)
@click.option(
    "--web-host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on; 0.0.0.0 lets other machines in.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that share the partitions; one web port shows them all.",
)
@options.policy_file
@options.connect_timeout(30.0)
@click.option("--verbose", is_flag=True, help="Log what the libraries have to say too.")
def command(
    broker: str,
    kafka_config: Path | None,
    app_id: str,
    web_port: int,
    web_host: str,
    workers: int,
    policy_path: Path | None,
    connect_timeout: float,
    verbose: bool,
) -> int:
    """Read tickets and replies from Kafka; tell what is at risk and what is breached.

    The input topics must exist (`sla-monitor topics create`); what the monitor writes is created.
    SIGTERM and Ctrl-C commit what is done and leave the group.
    """
    policy = options.load_policy(policy_path)
    settings = options.kafka_settings(broker, kafka_config, app_id)

    # Faust and Kafka are only loaded by the commands that need them.
    from monitor.cli.serve import serving, set_up_logging, until_signal  # noqa: PLC0415
    from monitor.cli.workers import serving_workers  # noqa: PLC0415
    from monitor.streaming.topics import wait_for_broker  # noqa: PLC0415

    set_up_logging(verbose=verbose)

    async def run() -> int:
        stop = until_signal((signal.SIGTERM, signal.SIGINT))
        waiting = asyncio.create_task(
            wait_for_broker(settings, connect_timeout, lambda text: click.echo(text, err=True))
        )
        stop.add_done_callback(lambda _: waiting.cancel())
        try:
            await waiting
        except asyncio.CancelledError:
            return _code(stop.result())
        served = (
            serving(settings, policy, web_host, web_port)
            if workers == 1
            else serving_workers(
                settings, policy, web_host, web_port, workers=workers, verbose=verbose
            )
        )
        async with served as address:
            click.echo(f"wall and /metrics on {address}", err=True)
            caught = await stop
        return _code(caught)

    return asyncio.run(run())


def _code(caught: signal.Signals) -> int:
    return INTERRUPTED if caught is signal.SIGINT else 0
