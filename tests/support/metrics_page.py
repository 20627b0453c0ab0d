"""docs/metrics.md as data."""

import re
from typing import NamedTuple

from tests.support.program import ROOT

PAGE = ROOT / "docs" / "metrics.md"


class Documented(NamedTuple):
    name: str
    type: str
    labels: frozenset[str]
    means: str
    query: str


def _rows(columns):
    """Return the rows of the page's tables that have so many columns, without their heads."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines if line[:1] == "|"]
    return [row for row in rows if len(row) == columns and re.fullmatch(r"`sla_\w+`|\w+", row[0])]


def documented():
    """Return the metrics that the page tells of."""
    return [
        Documented(
            name.strip("`"),
            kind,
            frozenset(filter(None, labels.split(", "))),
            means,
            query.strip("`"),
        )
        for name, kind, labels, means, query in _rows(5)
        if name != "metric"
    ]


def label_values():
    """Return the values that the page lists, by metric and label."""
    return {
        (name.strip("`"), label): set(values.split(", "))
        for label, name, values in _rows(3)
        if label != "label"
    }
