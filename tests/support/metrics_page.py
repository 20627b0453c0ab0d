"""docs/metrics.md as data."""

from typing import NamedTuple

from tests.support.guides import DOCS, rows

PAGE = DOCS / "metrics.md"


class Documented(NamedTuple):
    name: str
    type: str
    labels: frozenset[str]
    means: str
    query: str


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
        for name, kind, labels, means, query in rows(PAGE, 5)
        if name != "metric"
    ]


def label_values():
    """Return the values that the page lists, by metric and label."""
    return {
        (name.strip("`"), label): set(values.split(", "))
        for label, name, values in rows(PAGE, 3)
        if label != "label"
    }
