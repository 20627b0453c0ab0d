"""Metrics as the text that Prometheus reads.

A series' name and labels are put together and escaped once and not at every scrape: with
the counters of every partition there are thousands.
"""

from collections.abc import Iterable
from functools import lru_cache
from math import isnan
from typing import Final

from monitor.observability.families import Family

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_NAN: Final = "NaN"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def exposition(families: Iterable[Family]) -> str:
    """Return the text of these metrics."""
    lines: list[str] = []
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        lines += (f"# HELP {name} {family.documentation}", f"# TYPE {name} {family.type}")
        lines += [
            f"{_series(name, labels, values)} {_NAN if isnan(value) else value}"
            for name, labels, values, value in family.samples
        ]
    return "\n".join([*lines, ""])


@lru_cache(maxsize=100_000)
def _series(name: str, labels: tuple[str, ...], values: tuple[str, ...]) -> str:
    named = zip(labels, values, strict=True)
    shown = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in named)
    return f"{name}{{{shown}}}" if labels else name
