"""A chart of a report as inline SVG: tickets as bars, the service level as a line."""

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 520
_HEIGHT: Final = 130
_LEFT: Final = 38
_RIGHT: Final = 40
_TOP: Final = 8
_BOTTOM: Final = 22
_LABEL: Final = "tickets and service level, period by period"


def chart(
    names: Sequence[str], tickets: Sequence[int], levels: Sequence[float | None], share: float
) -> str:
    """Return the chart of one channel; a period in which nothing was decided breaks the line."""
    most = max(tickets, default=0) or 1
    step = (_WIDTH - _LEFT - _RIGHT) / max(len(names), 1)
    base = _HEIGHT - _BOTTOM
    height = base - _TOP
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{_LABEL}">',
        f'<line class="axis" x1="{_LEFT}" y1="{base}" x2="{_WIDTH - _RIGHT}" y2="{base}"/>',
        f'<text x="{_LEFT - 5}" y="{_TOP + 9}" text-anchor="end">{most:,}</text>',
        f'<text x="{_LEFT - 5}" y="{base}" text-anchor="end">0</text>',
        f'<text x="{_WIDTH - _RIGHT + 5}" y="{_TOP + 9}">100 %</text>',
        f'<text x="{_WIDTH - _RIGHT + 5}" y="{base}">0 %</text>',
    ]
    for index, (name, count, level) in enumerate(zip(names, tickets, levels, strict=True)):
        tall = height * count / most
        said = "nothing decided" if level is None else f"{100 * level:.1f} %"
        parts.append(
            f'<rect class="bar" x="{_LEFT + index * step + step * 0.1:.1f}" '
            f'y="{base - tall:.1f}" width="{step * 0.8:.1f}" height="{tall:.1f}">'
            f"<title>{escape(name)}: {count:,} tickets, {said}</title></rect>"
        )
    promised = base - height * share
    parts.append(
        f'<line class="promise" x1="{_LEFT}" y1="{promised:.1f}" '
        f'x2="{_WIDTH - _RIGHT}" y2="{promised:.1f}"/>'
    )
    parts += _line(levels, step, base, height)
    parts += _dates(names, step, base)
    return "".join([*parts, "</svg>"])


def _line(levels: Sequence[float | None], step: float, base: int, height: int) -> list[str]:
    """Return the line, and a dot for each point: one between two gaps would not be seen."""
    runs: list[list[str]] = [[]]
    dots = []
    for index, level in enumerate(levels):
        if level is None:
            runs.append([])
            continue
        x, y = _LEFT + (index + 0.5) * step, base - height * level
        runs[-1].append(f"{x:.1f},{y:.1f}")
        dots.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.2"/>')
    lines = [f'<polyline class="level" points="{" ".join(run)}"/>' for run in runs if len(run) > 1]
    return lines + dots


def _dates(names: Sequence[str], step: float, base: int) -> list[str]:
    """Name the first and the last period, and what lies between as far as there is room."""
    every = max(1, round(75 / step))
    shown = range(0, len(names), every)
    return [
        f'<text x="{_LEFT + (index + 0.5) * step:.1f}" y="{base + 15}" text-anchor="middle">'
        f"{escape(names[index])}</text>"
        for index in shown
    ]
