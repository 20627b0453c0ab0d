"""Durations as people write them, `90s` or `1h 30m`, to and from whole microseconds."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from monitor.sla.events import DAY, SECOND

EXAMPLES: Final = "2m, 90s or 24h"
LONGEST: Final = 36_500 * DAY
"""A hundred years: what is longer is a slip of the pen, and no date could hold it."""

_LONGEST_TEXT: Final = 64
_SHOWN: Final = 40

_SIZES: Final[Mapping[str, int]] = {
    "d": DAY,
    "h": 3600 * SECOND,
    "m": 60 * SECOND,
    "s": SECOND,
    "ms": SECOND // 1000,
    "us": 1,
}
_ALIASES: Final[Mapping[str, str]] = {"min": "m"}
_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([^\W\d_]*)\s*")

_SLIPS: Final = (
    (re.compile(r"$"), f"is empty; write {EXAMPLES}"),
    (re.compile(r"-"), f"is negative; write {EXAMPLES}"),
    (re.compile(r"[0-9]+(\.[0-9]+)?$"), f"has no unit; write {EXAMPLES}"),
    (re.compile(r"[0-9]+:[0-9:.]+$"), "has colons for units; write 1h30m or 1m30s"),
    (re.compile(r"[0-9]+,[0-9]"), "has a comma; write 1.5h or 1h30m"),
    (re.compile(r"[0-9.]+\s*%$"), f"is a percentage; write a time: {EXAMPLES}"),
)
"""What is often written instead of a duration, tried in this order at its beginning."""


def parse_duration(text: str) -> int:
    """Return the microseconds of `90s`, `2min`, `19h12m`, `1.5h`; ValueError says what is wrong."""
    written = text.strip()
    if len(written) > _LONGEST_TEXT:
        raise ValueError(f"{quoted(written)} is too long for a duration; write {EXAMPLES}")
    for slip, reason in _SLIPS:
        if slip.match(written):
            raise ValueError(f"{quoted(written)} {reason}")
    total = _sum_of_parts(written)
    if total > LONGEST:
        raise ValueError(f"{quoted(written)} is over a hundred years; write {EXAMPLES}")
    if total.denominator != 1:
        raise ValueError(f"{quoted(written)} is finer than a microsecond; write fewer decimals")
    return int(total)


def _sum_of_parts(written: str) -> Fraction:
    total, before, position = Fraction(0), LONGEST, 0
    while position < len(written):
        part = _PART.match(written, position)
        if part is None:
            raise ValueError(f"{quoted(written)} is not a duration; write {EXAMPLES}")
        number, unit = part.groups()
        size = _size(written, number, unit)
        if size >= before:
            raise ValueError(
                f"{quoted(written)} does not go from large to small, each unit once; write 1h30m"
            )
        total += Fraction(number) * size
        before, position = size, part.end()
    return total


def _size(written: str, number: str, unit: str) -> int:
    if not unit:
        raise ValueError(f"{quoted(written)} has no unit after {number}; write {EXAMPLES}")
    size = _SIZES.get(_ALIASES.get(unit, unit))
    if size is None:
        raise ValueError(
            f"{quoted(written)} has an unknown unit {quoted(unit)}; the units are "
            f"d, h, m, s, ms and us: write {EXAMPLES}"
        )
    return size


def format_duration(us: int) -> str:
    """Return microseconds for people to read: `1 min 30 s`."""
    sign = "-" if us < 0 else ""
    parts = (f"{count} {'min' if unit == 'm' else unit}" for count, unit in _parts(abs(us)))
    return sign + (" ".join(parts) or "0 s")


def short_duration(us: int) -> str:
    """Return microseconds, not negative, as they stand in a policy file: `1m30s`."""
    return "".join(f"{count}{unit}" for count, unit in _parts(us)) or "0s"


def _parts(us: int) -> list[tuple[int, str]]:
    parts = []
    for unit, size in _SIZES.items():
        if unit == "d" and us < 2 * DAY:
            continue  # the trade says 24 h and 36 h, not 1 d and 1 d 12 h
        count, us = divmod(us, size)
        if count:
            parts.append((count, unit))
    return parts


def quoted(text: str) -> str:
    """Return what somebody wrote, on one line, cut where it is long, in double quotes."""
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f'"{repr(shown)[1:-1]}"'
