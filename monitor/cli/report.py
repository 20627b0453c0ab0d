"""`report`: all figures of a history by day, week or month, for people and for spreadsheets."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from monitor.cli import options
from monitor.cli.backtest import Backtest, report_run
from monitor.cli.report_files import as_csv, as_json, as_parquet
from monitor.cli.report_page import Heading, as_html
from monitor.cli.report_rows import Report, report
from monitor.errors import InputError, SlaMonitorError, UsageError
from monitor.sla.engine import Engine
from monitor.sla.events import TicketCreated, Told
from monitor.sla.measures import Measures
from monitor.sla.periods import Calendar, Per, PeriodTally
from monitor.sla.policy import Policy
from monitor.streaming.codec import Decoder, UnusableError
from monitor.streaming.settings import CLOSED, Settings

_FORMATS: Final = ("html", "csv", "json", "parquet")


@click.command(name="report")
@click.argument("file", required=False)
@click.option(
    "--broker",
    metavar="HOST:PORT",
    envvar="SLA_MONITOR_BROKER",
    help="Instead of FILE: all that the input topics still hold. Kafka bootstrap address(es).",
)
@options.kafka_config
@click.option(
    "--per",
    type=click.Choice([per.value for per in Per]),
    default=Per.WEEK.value,
    show_default=True,
    help="How long a period is; weeks begin on Monday.",
)
@click.option(
    "--timezone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="Whose days: a name as Europe/Berlin.",
)
@options.policy_file
@click.option(
    "--out",
    "outs",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    metavar="FILE",
    help="Where to write; its ending says what: .html, .csv, .json or .parquet. May be said for "
    "each. Without it, HTML to standard output.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="What to write to standard output, or to a file with another ending.",
)
@options.connect_timeout(10)
def command(
    *,
    file: str | None,
    broker: str | None,
    kafka_config: Path | None,
    per: str,
    timezone: str,
    policy_path: Path | None,
    outs: tuple[Path, ...],
    form: str | None,
    connect_timeout: float,
) -> None:
    """Summarise the events of FILE (.jsonl, .gz, or - for standard input) period by period.

    What is not decided at the last event, or with --broker by now, counts neither as kept nor as
    broken.
    """
    forms = [(out, form or _form_of(out)) for out in outs]
    if any(each == "parquet" for _, each in forms) or form == "parquet":
        _need_parquet()
    policy = options.load_policy(policy_path)
    tally = PeriodTally(policy, Calendar(Per(per), options.time_zone(timezone)))
    broker = options.instead_of(file, broker)
    if file is not None:
        source = "standard input" if file == "-" else Path(file).name
        _read_file(file, policy, tally)
    else:
        settings = options.kafka_settings(broker or "", kafka_config)
        source = settings.bootstrap
        asyncio.run(_read_topics(settings, policy, tally, connect_timeout))
    found = report(tally)
    heading = Heading(source, per, timezone, policy)
    for out, each in forms:
        _write(out, _WRITERS[each](found, heading))
        click.echo(f"wrote {out}", err=True)
    if not forms:
        sys.stdout.buffer.write(_WRITERS[form or "html"](found, heading))


_WRITERS: Final[dict[str, Callable[[Report, Heading], bytes]]] = {
    "html": lambda found, heading: as_html(found, heading).encode(),
    "csv": lambda found, _: as_csv(found).encode(),
    "json": lambda found, _: as_json(found).encode(),
    "parquet": lambda found, _: as_parquet(found),
}


def _form_of(out: Path) -> str:
    form = out.suffix.removeprefix(".").lower()
    if form not in _FORMATS:
        raise UsageError(f"{out}: end its name in .html, .csv, .json or .parquet, or say --format")
    return form


def _need_parquet() -> None:
    """Raise a usage error before any work is done for nothing."""
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise UsageError(
            "Parquet is written with pyarrow, which is not installed: "
            "pip install 'sla-monitor[parquet]'"
        ) from None


def _read_file(file: str, policy: Policy, tally: PeriodTally) -> None:
    backtest = Backtest(policy, tally)
    began = time.perf_counter()
    for _ in backtest.read(file):
        pass
    backtest.refuse_useless()
    report_run(file, backtest, time.perf_counter() - began)


async def _read_topics(
    settings: Settings, policy: Policy, tally: PeriodTally, connect_timeout: float
) -> None:
    """Run each partition through an engine of its own, in the order of the events' own times."""
    from monitor.streaming import history, topics  # noqa: PLC0415 - imports Kafka

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    await topics.wait_for_broker(settings, connect_timeout, lambda text: click.echo(text, err=True))
    decode = Decoder(policy).event
    unusable = read = 0
    with topics.broker_errors(settings):
        found = await history.inputs(settings)
        now = time.time_ns() // 1000
        over_at_reply = CLOSED not in found.kinds.values()
        numbers = range(found.partitions)
        async for records in history.read_partitions(settings, found, numbers):
            events: list[Told] = []
            for record in records:
                read += 1
                try:
                    events.append(decode(record.kind, record.value or b""))
                except UnusableError:
                    unusable += 1
            events.sort(key=lambda event: event.at)
            _run(events, now, policy, tally, over_at_reply=over_at_reply)
    unused = f", {unusable:,} of them not to be used" if unusable else ""
    click.echo(f"{settings.bootstrap}: {read:,} records{unused}", err=True)
    if not read:
        raise InputError(f"the input topics on {settings.bootstrap} are empty")


def _run(
    events: list[Told], now: int, policy: Policy, tally: PeriodTally, *, over_at_reply: bool
) -> None:
    engine = Engine(policy, views=[tally], over_at_reply=over_at_reply)
    measures = Measures(engine, None, [tally], tally.base.move)
    for event in events:
        measures.step(event, event.at)
        if isinstance(event, TicketCreated):
            tally.note(event)
    engine.advance(now)
    measures.advance()


def _write(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SlaMonitorError(f"cannot write {out}: {reason}") from None
