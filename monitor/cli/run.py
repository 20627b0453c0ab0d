"""`sla-monitor run`: the monitor."""

import asyncio
import logging
import signal
from pathlib import Path

import click

from monitor.cli import INTERRUPTED, options
from monitor.cli.running import run_to_end, until_signal
from monitor.cli.web_options import DEFAULT_PORT, web_port
from monitor.errors import SlaMonitorError
from monitor.wall.settings import WebSettings

log = logging.getLogger(__name__)


@click.command(name="run")
@options.broker
@options.app_id
@web_port("Port of the wall and of /metrics; 0 takes a free one.", DEFAULT_PORT)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes that share the partitions; one web port shows them all.",
)
@options.policy_file
@click.option(
    "--shadow",
    "shadow_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A policy to try: its figures in /metrics as sla_shadow_*, no events and no pages.",
)
@options.connect_timeout(30.0)
@options.log_format
@click.option("--verbose", is_flag=True, help="Log what the libraries have to say too.")
def command(
    broker: str,
    kafka_config: Path | None,
    app_id: str,
    web: WebSettings,
    workers: int,
    policy_path: Path | None,
    shadow_path: Path | None,
    connect_timeout: float,
    log_as_json: bool,
    verbose: bool,
) -> int:
    """Read tickets and replies from Kafka; tell what is at risk and what is breached.

    The input topics must exist (`sla-monitor topics create`); what the monitor writes is created.
    SIGTERM and Ctrl-C commit what is done and leave the group. SIGHUP reads the policy again.
    """
    from monitor.cli.reloading import Files, hangups, reloading  # noqa: PLC0415 - YAML

    files = Files(policy_path, shadow_path)
    policy, shadow = files.load()
    settings = options.kafka_settings(broker, kafka_config, app_id)

    # Faust and Kafka are only loaded by the commands that need them.
    from monitor.cli.logs import Logs, set_up_logging  # noqa: PLC0415
    from monitor.cli.serve import in_background, serving  # noqa: PLC0415
    from monitor.cli.workers import serving_workers  # noqa: PLC0415
    from monitor.streaming.topics import wait_for_broker  # noqa: PLC0415

    logs = Logs(as_json=log_as_json, verbose=verbose)
    set_up_logging(logs)

    async def run() -> int:
        stop = until_signal((signal.SIGTERM, signal.SIGINT))
        hangup = hangups() if any(files) else None
        waiting = asyncio.create_task(wait_for_broker(settings, connect_timeout, logs.say))
        stop.add_done_callback(lambda _: waiting.cancel())
        try:
            await waiting
        except asyncio.CancelledError:
            return _code(stop.result())
        served = (
            serving(settings, policy, web, shadow=shadow)
            if workers == 1
            else serving_workers(settings, policy, web, shadow=shadow, workers=workers, logs=logs)
        )
        async with served as running:
            logs.say(f"wall and /metrics on {running.address}")
            reload = []
            if hangup is not None:
                reload = [reloading(hangup, files, (policy, shadow), running.change_policy)]
            async with in_background(*reload):
                caught = await stop
        return _code(caught)

    try:
        return run_to_end(run())
    except SlaMonitorError as error:
        if not logs.as_json:
            raise
        log.critical("%s", error)
        return error.exit_code


def _code(caught: signal.Signals) -> int:
    return INTERRUPTED if caught is signal.SIGINT else 0
