"""Metrics with their samples: prometheus_client's metric families, but for what those cost.

A scrape has some 4000 samples. With a dictionary of labels for each of them, putting a page
together took 12 ms; with tuples that name a series as they are it takes 4 (`exposition`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Sample(NamedTuple):
    """One line of the exposition."""

    name: str
    labels: tuple[str, ...]
    values: tuple[str, ...]
    """Of the labels."""
    value: float


class Family:
    """A metric: what it means, and its samples."""

    type = "gauge"
    _suffix = ""

    def __init__(
        self,
        name: str,
        documentation: str,
        value: float | None = None,
        *,
        labels: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.documentation = documentation
        self.samples: list[Sample] = []
        self._labels = tuple(labels)
        if value is not None:
            self.add_metric((), value)

    def add_metric(self, values: Sequence[str], value: float) -> None:
        """Add the sample with these labels."""
        self.samples.append(Sample(self.name + self._suffix, self._labels, tuple(values), value))

    def add_sample(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """Add a sample that has a name and labels of its own."""
        self.samples.append(Sample(name, tuple(labels), tuple(labels.values()), value))


class Gauge(Family):
    """What goes up and down."""


class Counter(Family):
    """What only grows; its samples end in `_total`."""

    type = "counter"
    _suffix = "_total"


class Summary(Family):
    """How many there were, and their sum."""

    type = "summary"

    def add_sums(self, values: Sequence[str], count: float, sum_value: float) -> None:
        """Add both."""
        name, shown = self.name, tuple(values)
        self.samples += (
            Sample(f"{name}_count", self._labels, shown, count),
            Sample(f"{name}_sum", self._labels, shown, sum_value),
        )


class Histogram(Family):
    """How many there were within each of some edges, and the sum of all."""

    type = "histogram"

    def add_buckets(
        self, values: Sequence[str], buckets: Sequence[tuple[str, float]], sum_value: float
    ) -> None:
        """Add buckets, named after their upper edges and each with those before it."""
        name, shown = self.name, tuple(values)
        edged, bucket = (*self._labels, "le"), f"{name}_bucket"
        self.samples += [Sample(bucket, edged, (*shown, edge), count) for edge, count in buckets]
        self.samples += (
            Sample(f"{name}_count", self._labels, shown, buckets[-1][1]),
            Sample(f"{name}_sum", self._labels, shown, sum_value),
        )
