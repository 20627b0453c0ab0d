"""The command line: the only place that wires all parts together.

Commands are imported when they are called, so that `--help` and `backtest` stay quick.
"""

import importlib
import os
import signal
import sys
from typing import Any, Final

import click

from monitor import __version__
from monitor.errors import SlaMonitorError

INTERRUPTED: Final = 130

_COMMANDS: Final = {
    "demo": "monitor.cli.demo",
    "run": "monitor.cli.run",
    "tail": "monitor.cli.tail",
    "backtest": "monitor.cli.backtest",
    "report": "monitor.cli.report",
    "explain": "monitor.cli.explain",
    "replay": "monitor.cli.replay",
    "policy": "monitor.cli.policy",
    "topics": "monitor.cli.topics",
    "rules": "monitor.cli.rules",
    "dashboards": "monitor.cli.dashboards",
    "traffic": "monitor.cli.send_traffic",
    "doctor": "monitor.cli.doctor",
}


class _Lazy(click.Group):
    """Finds a command by importing the module that is named for it, and only that one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        assert isinstance(command, click.Command)  # noqa: S101 - a programmer's slip
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from a table: their modules need not be imported for it."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


_SUMMARIES: Final = {
    "demo": "Embedded broker, live synthetic traffic, monitor and wall page.",
    "run": "The monitor.",
    "tail": "Follow the breach events.",
    "backtest": "An event file through the same rules on a virtual clock.",
    "report": "All figures by day, week or month: a page, CSV, Parquet.",
    "explain": "Why a ticket was late, or was not.",
    "replay": "An event file into Kafka.",
    "policy": "Check a policy file.",
    "topics": "Create the input topics.",
    "rules": "The policy as Prometheus rules.",
    "dashboards": "Grafana's dashboards for a policy.",
    "traffic": "Made-up traffic into Kafka, to try an installation with.",
    "doctor": "Check broker, topics, clock, rights and policy, and say what to mend.",
}


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="sla-monitor")
def cli() -> None:
    """Real-time first-response SLA monitor for support teams.

    Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 broker unreachable, 4 bad policy or bad input,
    130 interrupted.
    """


def main(args: list[str] | None = None) -> Any:
    """Run a command and turn whatever it ends with into a sentence and an exit code."""
    try:
        code = cli.main(args=args, prog_name="sla-monitor", standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except SlaMonitorError as error:
        click.echo(f"sla-monitor: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        _end_quietly()


def _end_quietly() -> None:
    """End as a program does whose reader has gone: no message, and nothing more is flushed."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE if hasattr(signal, "SIGPIPE") else 1)
