"""The figures as tables in Markdown, as the README shows them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.competitors import COMPETITORS

MIB = 1024 * 1024

NOTES = """\
CPU is that of the whole process, start to end; what start-up costs was measured on empty topics.
events/s is from the first record to the last. Ratios are of events/CPU-s, start-up included; to
stock Faust without it on either side, for that reads a slice only. The limits keep nothing."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for a terminal."""
    lines = [head, *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(head))]
    shown = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in lines
    ]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown)


def throughput(figures: Mapping[str, Any]) -> str:
    """Return the competitors side by side."""
    head = (
        *("", "events", "events/CPU-s", "without start-up", "start-up CPU", "events/s"),
        *("peak RSS", "x limit A", "x A sending", "x stock Faust", "x 1 worker by wall"),
    )
    rows = [
        (
            COMPETITORS[name].title,
            f"{f['events']:,}",
            _spread(f["per_cpu_second"]),
            _spread(f["per_cpu_second_without_startup"]),
            f"{f['startup_cpu_seconds']:.2f} s",
            _spread(f["per_second"]),
            f"{f['peak_bytes'] / MIB:.0f} MiB",
            _times(f.get("times_limit_a")),
            _times(f.get("times_limit_a_sending")),
            _times(f.get("times_stock_faust")),
            _times(f.get("times_one_worker_per_second")),
        )
        for name, f in figures.items()
    ]
    return table(head, rows)


def others(figures: Mapping[str, Any]) -> str:
    """Return what was measured of the monitor alone."""
    rows = []
    if f := figures.get("recovery"):
        rows += [
            (
                f"restart with {f['tickets']:,.0f} tickets, seconds until ready",
                f"{f['seconds_until_ready']:.2f}",
            ),
            (
                "tickets recovered a CPU-second, whole process (without start-up)",
                _with(f["tickets_per_cpu_second"], f["tickets_per_cpu_second_without_startup"]),
            ),
        ]
    if f := figures.get("memory"):
        rows += [
            (
                f"bytes of RSS a waiting ticket at {f['tickets']:,}, as read (after a restart)",
                _with(f["bytes_per_ticket_after_reading"], f["bytes_per_ticket_after_restart"]),
            ),
            ("the same, idle: share of a core", f"{100 * f['idle_cpu_ratio']:.1f} %"),
            ("the same: /metrics", f"{1000 * f['scrape_seconds']:.0f} ms"),
        ]
    rows += [
        (
            f"due to readable at {f['events_per_second']:,} other events/s, p50 / p99",
            f"{f['p50_ms']:.0f} / {f['p99_ms']:.0f} ms",
        )
        for f in figures.get("latency", ())
    ]
    return table(("sla-monitor, 1 worker", "measured"), rows) if rows else ""


def _spread(spread: Mapping[str, float]) -> str:
    least, most = spread["least"], spread["most"]
    return f"{_round(spread['median'])} ({_round(least)}-{_round(most)})"


def _round(value: float) -> str:
    return "?" if math.isnan(value) else f"{value:,.0f}"


def _with(value: float, other: float) -> str:
    return f"{_round(value)} ({_round(other)})"


def _times(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"
