"""Quantiles within 1 % from counts in logarithmic buckets, which add up and can be taken back.

The mapping is DDSketch's (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile
sketch with relative-error guarantees", VLDB 2019): with buckets (g^(i-1), g^i] and
g = (1 + a) / (1 - a), answering 2 g^i / (g + 1) is off by at most a.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

ACCURACY: Final = 0.009
"""Relative error; under the promised 1 % so that rounding has room."""

_GAMMA: Final = (1 + ACCURACY) / (1 - ACCURACY)
_PER_LOG: Final = 1 / math.log(_GAMMA)
_ZERO: Final = -1
"""The bucket of values under 1: all others are above it, for values are whole."""


def bucket(value: int) -> int:
    """Return the bucket that a value of 0 or more belongs to."""
    return math.ceil(math.log(value) * _PER_LOG) if value >= 1 else _ZERO


def middle(index: int) -> float:
    """Return the value that stands for a bucket."""
    return 0.0 if index == _ZERO else 2 * _GAMMA**index / (_GAMMA + 1)


def quantiles(counts: Mapping[int, int], wanted: Iterable[float]) -> list[float | None]:
    """Return the nearest-rank quantile for each wanted share, or None where nothing is counted."""
    total = sum(counts.values())
    if not total:
        return [None for _ in wanted]
    ordered = sorted(counts.items())
    found: list[float | None] = []
    for share in wanted:
        rank = max(1, math.ceil(share * total))
        for index, count in ordered:
            rank -= count
            if rank <= 0:
                found.append(middle(index))
                break
    return found
