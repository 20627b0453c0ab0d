"""`sla-monitor backtest`: a history through the same rules on a virtual clock."""

import json
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from monitor.cli import options
from monitor.cli.backtest_forecast import forecast_quality, show_quality
from monitor.cli.event_file import EventFile, Line
from monitor.cli.progress import progress
from monitor.errors import InputError
from monitor.sla.clocked import ClockedEngine
from monitor.sla.durations import format_duration
from monitor.sla.effects import Effect
from monitor.sla.engine import Engine
from monitor.sla.events import SECOND, TicketCreated
from monitor.sla.forecasts import Forecasts
from monitor.sla.measures import Measures
from monitor.sla.periods import PeriodTally
from monitor.sla.policy import Formula, Policy
from monitor.sla.tally import Tally
from monitor.streaming.codec import Decoder, UnusableError, cloud_event
from monitor.streaming.settings import DEFAULT_APP_ID, Settings

_REMEMBERED: Final = 50_000
"""Tickets at which those over for long enough are forgotten, as a monitor catching up does."""

_END_OF_TIME: Final = 2**62

_SHOWN_UNUSABLE: Final = 5


class Backtest:
    """Runs an event file through an engine, line by line, its clock that of the events."""

    def __init__(
        self,
        policy: Policy,
        tally: Tally | PeriodTally | None = None,
        *,
        forecasts: bool = False,
    ) -> None:
        self.tally = tally or Tally(policy)
        self._looks = forecasts
        self.clocks = {name: Tally(promises) for name, promises in policy.clocks.items()}
        """The figures of the other clocks, by name."""
        self.lines = 0
        self._path = ""
        self.unusable = 0
        self.first_unusable: list[str] = []
        self.engine = self._new_engine(policy)
        self._measures = Measures(self.engine, None, [self.tally], self.tally.base.move)
        self._decode = Decoder(policy).event

    @property
    def forecasts(self) -> Forecasts:
        """What was forecast, and how good it was."""
        return self.engine.forecasts

    @property
    def remembered(self) -> int:
        """How many tickets are in memory."""
        return len(self.engine.tickets)

    def run(self, path: str) -> Iterator[Effect]:
        """Read the file to its end and on until every deadline is decided; yield what is told."""
        yield from self.read(path)
        yield from self.finish()

    def read(self, path: str) -> Iterator[Effect]:
        """Read the file to its end; yield what is told by then."""
        for line in lines_of(path):
            yield from self.take(path, line)

    def take(self, path: str, line: Line) -> Iterator[Effect]:
        """Take in one line of a file; yield what is told by its moment."""
        self._path = path
        self.lines += 1
        try:
            event = self._decode(line.kind, line.raw)
        except UnusableError as reason:
            self._note(line.number, reason)
            return
        if self._looks:
            yield from self._look(event.at)
        yield from self._measures.step(event, event.at)
        if type(event) is TicketCreated:
            self.tally.note(event)
        if self.remembered > _REMEMBERED:
            self._forget()

    def finish(self) -> Iterator[Effect]:
        """Go on until every deadline is decided; yield what is told."""
        if self._looks:
            yield from self._look(_END_OF_TIME)
        yield from self.engine.advance(_END_OF_TIME)

    def refuse_useless(self) -> None:
        """Raise `InputError` where nothing of the file could be used."""
        if self.lines and self.unusable == self.lines:
            raise InputError(
                f"{self._path}: none of its {self.lines} events can be used; "
                + "; ".join(self.first_unusable[:1])
            )

    def _look(self, until: int) -> Iterator[Effect]:
        """Make all forecasts that are due before a moment, each at its own."""
        engine, next_look = self.engine, self.engine.forecasts.next_look
        engine.windows.count()
        at = next_look(engine.clock)
        while at is not None and at < until:
            yield from engine.advance(at)
            engine.look()
            at = next_look(at)

    def _new_engine(self, policy: Policy) -> Engine:
        if not policy.clocks:
            return Engine(policy, views=[self.tally])
        views = {name: [tally] for name, tally in self.clocks.items()}
        return ClockedEngine(policy, views=[self.tally], clock_views=views)

    def _forget(self) -> None:
        self._measures.forget()
        for part in (self.engine, self._measures.surveys, self._measures.base):
            part.changed.clear()

    def _note(self, number: int, reason: UnusableError) -> None:
        self.unusable += 1
        if self.unusable <= _SHOWN_UNUSABLE:
            self.first_unusable.append(f"line {number}: {reason}")


def lines_of(path: str) -> Iterator[Line]:
    """Read an event file with a bar that shows how far it is."""
    file = EventFile(path)
    with progress("Reading", file.size) as done:
        for line in file:
            done(file.position)
            yield line


@click.command(name="backtest")
@click.argument("file")
@options.policy_file
@options.as_json
@click.option(
    "--events", is_flag=True, help="Print the breach events, one a line, instead of the figures."
)
@click.option(
    "--measures",
    is_flag=True,
    help="With --json: the service level by every formula too, and the measures of a support team.",
)
@click.option(
    "--forecast",
    is_flag=True,
    help="Also forecast who will miss the limit, and print how good these forecasts were.",
)
@click.option(
    "--app-id",
    default=DEFAULT_APP_ID,
    show_default=True,
    metavar="ID",
    help="The monitor that the events name as their source.",
)
def command(
    *,
    file: str,
    policy_path: Path | None,
    as_json: bool,
    events: bool,
    forecast: bool,
    measures: bool,
    app_id: str,
) -> None:
    """Run the events of FILE (.jsonl, .gz, or - for standard input) through the rules.

    The clock is that of the events; after the last one it goes on until every deadline is decided.
    """
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # a reader that goes away ends it quietly
    policy = options.load_policy(policy_path)
    tally = Tally(policy)
    backtest = Backtest(policy, tally, forecasts=forecast)
    began = time.perf_counter()
    source = Settings("", app_id).source
    for effect in backtest.run(file):
        if events:
            sys.stdout.write(json.dumps(cloud_event(effect, source), ensure_ascii=False) + "\n")
    seconds = time.perf_counter() - began
    backtest.refuse_useless()
    figures, targets = tally.figures(), tally.targets()
    quality = forecast_quality(policy, backtest.forecasts) if forecast else None
    if as_json and not events:
        found = {"channels": _with_targets(figures, targets), **_clocks_data(backtest.clocks)}
        if measures:
            found["service_levels"] = tally.service_levels()
            found["measures"] = tally.measures()
        added = {} if quality is None else {"forecasts": quality}
        click.echo(json.dumps(found | added, indent=1))
    elif not events:
        _show(figures, tally)
        _show_targets(targets)
        for name, each in backtest.clocks.items():
            click.echo(f"\n{name.replace('_', ' ')}")
            _show(each.figures(), each)
            _show_targets(each.targets())
        if quality is not None:
            show_quality(quality)
    report_run(file, backtest, seconds)


def report_run(file: str, backtest: Backtest, seconds: float) -> None:
    """Say on standard error how much was read, how fast, and what could not be used."""
    rate = backtest.lines / seconds if seconds else 0.0
    click.echo(
        f"{file}: {backtest.lines:,} events in {seconds:.1f} s, {rate:,.0f} events/s", err=True
    )
    if backtest.unusable:
        click.echo(f"{backtest.unusable:,} of them could not be used:", err=True)
        for text in backtest.first_unusable:
            click.echo(f"  {text}", err=True)
        if backtest.unusable > _SHOWN_UNUSABLE:
            click.echo(f"  ... and {backtest.unusable - _SHOWN_UNUSABLE:,} more", err=True)


def _show(figures: Mapping[str, Mapping[str, int | float | None]], tally: Tally) -> None:
    """Print a table for people, a column a channel."""
    from rich.console import Console  # noqa: PLC0415 - not needed in a pipe of JSON
    from rich.table import Table  # noqa: PLC0415

    if not figures:
        click.echo("no tickets")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in figures:
        table.add_column(name, justify="right")
    rows = next(iter(figures.values()))
    for row in rows:
        label = row.removeprefix("first_response_").removesuffix("_seconds").removesuffix("_ratio")
        table.add_row(
            label.replace("_", " "), *(_cell(row, values[row]) for values in figures.values())
        )
    table.add_section()
    table.add_row("service level by formula")
    levels = tally.service_levels().values()
    for formula in Formula:
        chosen = " (the policy's)" if formula is tally.policy.formula else ""
        table.add_row(
            f"  {formula}{chosen}", *(_cell("_ratio", each[formula.value]) for each in levels)
        )
    table.add_section()
    table.add_row("measures")
    measures = tally.measures()
    for row in next(iter(measures["channels"].values())):
        label = row.removesuffix("_seconds").removesuffix("_ratio").replace("_", " ")
        cells = (_cell(row, each[row]) for each in measures["channels"].values())
        table.add_row(f"  {label}", *cells)
    Console().print(table)
    _show_overall(measures["all"])


def _show_overall(measures: Mapping[str, int | float | None]) -> None:
    """Print what is measured over all channels, where there is anything to tell."""
    for row, value in measures.items():
        if value is not None:
            label = row.removesuffix("_seconds").removesuffix("_ratio").replace("_", " ")
            click.echo(f"{label}: {_cell(row, value)}")


def _with_targets(
    figures: Mapping[str, Mapping[str, int | float | None]],
    targets: Mapping[str, list[dict[str, int | float | None]]],
) -> dict[str, dict[str, Any]]:
    """Return the figures, with those of a channel's list of targets among them."""
    return {
        name: {**values, **({"targets": targets[name]} if name in targets else {})}
        for name, values in figures.items()
    }


def _clocks_data(clocks: Mapping[str, Tally]) -> dict[str, Any]:
    """Return the other clocks' figures, if there are any: names are theirs, not first_response."""
    if not clocks:
        return {}
    found = {
        name: {
            channel: {key.replace("first_response", name): value for key, value in each.items()}
            for channel, each in _with_targets(tally.figures(), tally.targets()).items()
        }
        for name, tally in clocks.items()
    }
    return {"clocks": found}


def _show_targets(targets: Mapping[str, list[dict[str, int | float | None]]]) -> None:
    """Print for people how each of a list of targets was kept."""
    for name, kept in targets.items():
        click.echo(f"\n{name}")
        for each in kept:
            within = format_duration(int((each["within_seconds"] or 0) * SECOND))
            ratio = each["met_ratio"]
            shown = "none decided" if ratio is None else f"{ratio:.1%}"
            click.echo(
                f"  {each['share']:.0%} within {within}: {shown} "
                f"({each['met']:,} met, {each['missed']:,} missed)"
            )


def _cell(row: str, value: float | None) -> str:
    if value is None:
        return "-"
    if row.endswith("_ratio"):
        return f"{value:.1%}"
    if row.endswith("_seconds"):
        return format_duration(int(value * SECOND)) if value < 100 * 86_400 else f"{value:,.0f} s"
    return f"{value:,}"
