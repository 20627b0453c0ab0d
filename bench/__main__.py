"""Measure the monitor beside its competitors, side by side in one run: `make bench`."""

import argparse
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import report
from bench.competitors import COMPETITORS
from bench.kafka import Kafka, kafka
from bench.latency import latency
from bench.memory import memory
from bench.process import FailedError
from bench.recovery import recovery
from bench.throughput import Throughput
from bench.topics import INPUTS, STOCK_INPUTS, TOLD
from monitor.errors import SlaMonitorError

OTHERS = ("recovery", "memory", "latency")


def main() -> int:
    """Run what is asked for, and print it."""
    # As Ctrl-C does: whatever was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    arguments = _arguments()
    names = [name for name in COMPETITORS if name in arguments.only]
    if "recovery" in arguments.only and "monitor" not in names:
        names.insert(0, "monitor")
    try:
        with kafka() as broker:
            figures = _measure(broker, names, arguments)
    except (FailedError, SlaMonitorError) as error:
        _say(str(error))
        return 1
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        f"; {arguments.rounds} rounds, interleaved: median (least-most), ratios round by round\n"
    )
    if figures["throughput"]:
        print(report.throughput(figures["throughput"]), end="\n\n")
        print(report.NOTES, end="\n\n")
    print(report.others(figures))
    return 0


def _measure(broker: Kafka, names: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"throughput": {}}
    broker.create(*INPUTS, *STOCK_INPUTS, TOLD)
    if names:
        runs = Throughput(broker, names, arguments.events)
        _say("what start-up costs, on empty topics")
        runs.measure_startup(min(3, arguments.rounds))
        _say(f"filling topics with {arguments.events:,} events")
        runs.fill()
        for number in range(arguments.rounds):
            _say(f"round {number + 1} of {arguments.rounds}")
            runs.round(_say)
        figures["throughput"] = runs.figures()
        if "recovery" in arguments.only:
            _say("recovery")
            startup = runs.startup["monitor"]
            figures["recovery"] = recovery(broker, runs.app_id, arguments.rounds, startup)
    if "memory" in arguments.only:
        _say(f"memory, with {arguments.waiting:,} waiting tickets")
        figures["memory"] = memory(broker, arguments.waiting)
    if "latency" in arguments.only:
        figures["latency"] = []
        for load in (0, arguments.load):
            _say(f"latency, at {load:,} other events/s for {arguments.seconds} s")
            figures["latency"].append(latency(broker, load, arguments.seconds))
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="half tickets, half replies")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--waiting", type=int, default=1_000_000, help="tickets, for memory")
    parser.add_argument("--load", type=int, default=5000, help="events a second, for latency")
    parser.add_argument("--seconds", type=int, default=30, help="for latency, of each")
    choices = (*COMPETITORS, *OTHERS)
    parser.add_argument(
        *("--only",), nargs="+", choices=choices, default=choices, metavar="NAME", help=str(choices)
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, as JSON")
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
