"""`sla-monitor demo`: everything on one machine with nothing else installed."""

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from dataclasses import replace
from typing import Final

import click

from monitor.cli import INTERRUPTED
from monitor.cli.running import run_to_end, until_signal
from monitor.cli.traffic import MORNING, traffic
from monitor.cli.web_options import DEFAULT_PORT, web_port
from monitor.sla.events import SECOND
from monitor.sla.policy import DEFAULT_POLICY, Clock, Policy, Target
from monitor.wall.settings import WebSettings

_PARTITIONS: Final = 4
_HISTORY_SECONDS: Final = 86_400.0

_HOUR: Final = 3600 * SECOND

DEMO_POLICY: Final = replace(
    DEFAULT_POLICY,
    clocks={
        Clock.NEXT_REPLY: Policy(
            {
                "chat": Target(at_risk=120 * SECOND, limit=180 * SECOND),
                "email": Target(at_risk=18 * _HOUR, limit=24 * _HOUR),
            }
        ),
        Clock.RESOLUTION: Policy(
            {"email": Target(at_risk=26 * _HOUR, limit=30 * _HOUR, pauses=True)}
        ),
    },
)
"""The defaults, and what else a contract may ask for: a newcomer sees every clock."""


@click.command(name="demo")
@click.option(
    "--speed",
    type=click.FloatRange(min=1.0, max=600.0),
    default=1.0,
    show_default=True,
    help="Let the day pass this many times as fast; the promises shrink with it.",
)
@web_port(f"Port of the wall  [default: {DEFAULT_PORT}, or a free one if it is taken]")
@click.option("--seed", type=int, default=7, show_default=True, help="Another day's traffic.")
def command(speed: float, web: WebSettings, seed: int) -> int:
    """Start an embedded broker, live traffic for four channels, the monitor and its wall.

    A day of history is there from the start; 40 s later a chat rush begins that breaches.
    """
    from monitor.cli.logs import Logs, set_up_logging  # noqa: PLC0415

    set_up_logging(Logs(level=logging.WARNING))
    web = replace(web, port=web.port or _free_port(DEFAULT_PORT))
    return run_to_end(_demo(speed, web, seed))


async def _demo(speed: float, web: WebSettings, seed: int) -> int:
    from monitor.broker.embedded import EmbeddedBroker  # noqa: PLC0415
    from monitor.cli.serve import serving  # noqa: PLC0415
    from monitor.cli.traffic_sending import producing, send_history, send_live  # noqa: PLC0415
    from monitor.streaming import topics  # noqa: PLC0415
    from monitor.streaming.settings import Settings  # noqa: PLC0415

    # A terminal that is closed sends SIGHUP: the broker's folder must not stay behind.
    stop = until_signal((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    _say("starting the embedded broker ...")
    async with EmbeddedBroker() as broker:
        settings = Settings(broker.bootstrap, "sla-demo")
        async with topics.admin_client(settings) as admin:
            every = topics.input_specs(
                settings, _PARTITIONS, customer_replied=True, others=settings.topics.measures
            )
            await topics.create(admin, every)
        async with producing(settings) as producer:
            now = time.time()
            start = now - _HISTORY_SECONDS / speed
            messages = traffic(start, seed, speed=speed, live_from=now, hour=MORNING)
            first_live, sent = await send_history(producer, messages, now)
            _say(f"a day of history: {sent:,} events")
            notice = "Demo: the traffic is made up." + (
                f" The day passes {speed:g} times as fast, and so do the promises."
                if speed > 1
                else ""
            )
            policy = DEMO_POLICY.scaled(1 / speed)
            async with serving(settings, policy, web, notice=notice) as running:
                _say(f"the wall:        {running.address}")
                _say(f"the metrics:     {running.address}metrics")
                _say(f"the breaches:    {_program()} tail --broker {broker.bootstrap}")
                _say("Ctrl-C ends it all.")
                live = asyncio.create_task(send_live(producer, first_live, messages))
                stop.add_done_callback(lambda _: live.cancel())
                await asyncio.wait([live])
                _say("ending ...")
    return INTERRUPTED if stop.done() and stop.result() is signal.SIGINT else 0


def _free_port(wanted: int) -> int:
    """Return the wanted port, or any free one if somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _program() -> str:
    """Return how this program was called, so that what is printed can be typed."""
    return os.path.relpath(sys.argv[0]) if os.sep in sys.argv[0] else "sla-monitor"


def _say(text: str) -> None:
    click.echo(text, err=True)
