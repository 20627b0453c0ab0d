"""The chance that fewer than so many events of a Poisson process happen."""

from itertools import count
from math import exp, lgamma, log
from typing import Final

_NEGLIGIBLE: Final = 1e-17


def fewer_than(places: int, mean: float) -> float:
    """Return P(N < places) of a Poisson count N: sum over k < places of e^-mean mean^k / k!.

    With `mean` replies to come, it is the chance that whoever stands at `places` in a queue is
    not reached. It is the regularised upper incomplete gamma function Q(places, mean). The sum
    begins at its largest term and ends where nothing is added any more, so it neither overflows
    nor takes longer than about the square root of `places`.
    """
    if places <= 0:
        return 0.0
    if mean <= 0.0:
        return 1.0
    if mean < places:
        return 1.0 - _at_least(places, mean)
    term = total = _probability(places - 1, mean)
    for k in range(places - 1, 0, -1):
        term *= k / mean
        total += term
        if term <= total * _NEGLIGIBLE:
            break
    return min(total, 1.0)


def _at_least(places: int, mean: float) -> float:
    term = total = _probability(places, mean)
    for k in count(places + 1):
        term *= mean / k
        total += term
        if term <= total * _NEGLIGIBLE:
            break
    return min(total, 1.0)


def _probability(k: int, mean: float) -> float:
    return exp(k * log(mean) - mean - lgamma(k + 1))
